import { Type } from 'typebox'
import { readSpan, spanFields } from './cost-question.ts'
import type { LedgerFilter } from './ledger-read.ts'

export const callId = Type.String({ pattern: '^call_[0-9a-f]{32}$', description: 'Id of a call.' })
const name = (description: string) =>
  Type.String({ minLength: 1, maxLength: 256, pattern: '^[^\\u0000]+$', description })

export const filterFields = {
  ...spanFields,
  call: Type.Optional(callId),
  organization: Type.Optional(name('Of this organization.')),
  project: Type.Optional(name('Of projects with this name.')),
}

/** What narrows a reading of the ledger. Refuses times that are none. */
export function readFilter(given: {
  from?: string
  to?: string
  call?: string
  organization?: string
  project?: string
}): LedgerFilter {
  return {
    ...readSpan(given),
    call: given.call?.slice('call_'.length),
    organization: given.organization,
    project: given.project,
    kind: undefined,
  }
}
