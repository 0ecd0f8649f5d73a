import type { RuleSubject } from '#exchange'
import type { Spent } from '#limits'
import { entriesOf, type LedgerCall } from '../src/metering/ledger-entry.ts'
import type { RecordedAttempt, RecordedCall } from './disk.ts'

interface Amounts {
  picoUsd: bigint
  inputTokens: number
  outputTokens: number
}

/** What budgets count of a call on record, an entry for each attempt, as the ledger has it. */
export function spentOf(call: RecordedCall): Spent[] {
  const { id, subject, attempts, status } = call
  if (status === 'unknown') return attempts.map(attempt => entry(subject, attempt, heldFor(attempt)))
  const { organization, project } = subject
  const ledgerCall: LedgerCall = { id, organization, project, attempts }
  return entriesOf(ledgerCall, cost => cost).map((posted, at) =>
    entry(subject, attempts[at], {
      picoUsd: BigInt(posted.counted_pico_usd ?? 0),
      inputTokens: posted.counted_input_tokens ?? 0,
      outputTokens: posted.counted_output_tokens ?? 0,
    }),
  )
}

/** Nobody knows how it ended: as much as was held may have been billed. */
export function heldFor({ hold }: RecordedAttempt): Amounts {
  return {
    picoUsd: BigInt(hold?.cost_pico_usd ?? 0),
    inputTokens: hold?.input_tokens ?? 0,
    outputTokens: hold?.output_tokens ?? 0,
  }
}

function entry(subject: RuleSubject, attempt: RecordedAttempt | undefined, amounts: Amounts): Spent {
  const { target = '', started_at = '', hold } = attempt ?? {}
  return {
    subject,
    provider: target.split('/', 1)[0] ?? '',
    target,
    atMs: Date.parse(hold?.at ?? started_at),
    ...amounts,
  }
}
