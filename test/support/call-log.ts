import assert from 'node:assert/strict'
import { eventually } from './eventually.ts'
import type { Sluice } from './sluice.ts'

/** The part of `GET /sluice/v1/calls/{id}` that tests look at. */
export interface CallOnRecord {
  id: string
  request_id: string
  status: string
  code: string | null
  organization: string
  project: string
  key: { id: string; name: string }
  user: string | null
  feature: string | null
  class: string
  operation: string | null
  path: string | null
  model: string | null
  target: string | null
  repeats: string | null
  stream: boolean
  usage: UsageOnRecord
  cost: { usd: string | null; state: string | null }
  attempts: AttemptOnRecord[]
  skips: { target: string; reason: string }[]
}

export interface AttemptOnRecord {
  n: number
  target: string
  status: string
  http_status: number | null
  code: string | null
  provider_request_id: string | null
  first_token_ms: number | null
  usage: UsageOnRecord
  cost: { usd: string | null; state: string | null; price: string | null }
}

interface UsageOnRecord {
  input_tokens: number | null
  output_tokens: number | null
  source: string | null
}

/** What became of a call, by the id in its `x-sluice-call`; waits until it has ended. */
export async function callOnRecord(sluice: Sluice, id: string | null): Promise<CallOnRecord> {
  assert.match(id ?? '', /^call_[0-9a-f]{32}$/, 'the answer names its call')
  return await eventually(`call ${id} is on record with its end`, async () => {
    const answer = await ask(sluice, `/sluice/v1/calls/${id}`)
    if (answer.status === 404) return undefined
    assert.equal(answer.status, 200)
    const call = (await answer.json()) as CallOnRecord
    return call.status === 'running' ? undefined : call
  })
}

/** The call of this feature; waits until it is there and has ended. For answers that never came, and name no call. */
export async function callOfFeature(sluice: Sluice, feature: string): Promise<CallOnRecord> {
  const id = await eventually(`a call of feature ${feature} is on record`, async () => {
    const ids = await callIds(sluice, { feature })
    return ids[0]
  })
  return await callOnRecord(sluice, id)
}

/** Ids of the newest calls that match, newest first. */
export async function callIds(sluice: Sluice, filter: Record<string, string> = {}): Promise<string[]> {
  const answer = await ask(
    sluice,
    `/sluice/v1/calls?${new URLSearchParams({ ...filter, limit: '200' }).toString()}`,
  )
  assert.equal(answer.status, 200)
  const { data } = (await answer.json()) as { data: { id: string }[] }
  return data.map(({ id }) => id)
}

async function ask(sluice: Sluice, path: string): Promise<Response> {
  return await fetch(new URL(path, sluice.url), { headers: { authorization: `Bearer ${sluice.adminKey}` } })
}
