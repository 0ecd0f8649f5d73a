import assert from 'node:assert/strict'
import { Client } from 'pg'
import { eventually } from './support/eventually.ts'
import type { Simulator } from './support/simulator.ts'
import type { Sluice } from './support/sluice.ts'

/** A call as `GET /sluice/v1/calls` lists it; as much as these tests read. */
export interface ListedCall {
  id: string
  status: string
  code: string | null
  feature: string | null
  stream: boolean
  attempts: number
  usage: { input_tokens: number | null; output_tokens: number | null; source: string | null }
}

/** A request on the simulator's bill. */
export interface BillLine {
  tag: string | null
  outcome: string
  stream: boolean
  input_tokens: number
  output_tokens: number
}

/** What the provider says and what we say, about the requests whose name begins in a certain way. */
export interface Books {
  calls: ListedCall[]
  lines: BillLine[]
  callsByName: Map<string, ListedCall>
  linesByName: Map<string, BillLine>
}

/** Waits until the provider has closed all its requests and none of our calls is running; no name comes twice. */
export async function readBooks(sluice: Sluice, simulator: Simulator, prefix: string): Promise<Books> {
  const ours = (name: string | null): boolean => name?.startsWith(`${prefix}-`) ?? false
  const lines = await eventually('the provider has closed all requests', async () => {
    const all = (await readBill(simulator)).filter(({ tag }) => ours(tag))
    return all.some(({ outcome }) => outcome === 'running') ? undefined : all
  })
  const calls = await eventually('no call is running', async () => {
    const all = (await readCalls(sluice)).filter(({ feature }) => ours(feature))
    return all.some(({ status }) => status === 'running') ? undefined : all
  })
  return {
    calls,
    lines,
    callsByName: byName(calls, ({ feature }) => feature),
    linesByName: byName(lines, ({ tag }) => tag),
  }
}

/** Every request that the provider saw is on record, as the one attempt of one call; and those that ended, token by token. */
export function compareBooks({ calls, lines, callsByName, linesByName }: Books): void {
  for (const { tag } of lines)
    assert.equal(callsByName.get(tag ?? '')?.attempts, 1, `${tag} is on record, once`)
  for (const { feature, status, code, attempts, usage } of calls) {
    const line = linesByName.get(feature ?? '')
    if (status === 'succeeded') {
      assert.ok(line && attempts === 1, `${feature} succeeded, so the provider saw it`)
      const billed = [line.outcome, line.input_tokens, line.output_tokens, 'provider']
      assert.deepEqual(['ended', usage.input_tokens, usage.output_tokens, usage.source], billed, `${feature}`)
    } else if (status === 'unknown') {
      assert.deepEqual([code, attempts, usage.source], ['process_lost', 1, 'unknown'], `${feature}`)
    } else {
      assert.deepEqual(
        [attempts, line],
        [0, undefined],
        `${feature} is ${status}, so the provider never saw it`,
      )
    }
  }
  const onRecord = calls.reduce((sum, { attempts }) => sum + attempts, 0)
  const neverSent = calls.filter(
    ({ status, feature }) => status === 'unknown' && !linesByName.has(feature ?? ''),
  )
  assert.equal(lines.length, onRecord - neverSent.length)
}

/** All pages. */
async function readCalls(sluice: Sluice): Promise<ListedCall[]> {
  const calls: ListedCall[] = []
  for (let after: string | undefined = ''; after !== undefined; ) {
    const page: { data: ListedCall[]; next?: string } = await readJson(
      new URL(`/sluice/v1/calls?limit=200${after && `&after=${after}`}`, sluice.url),
      sluice.adminKey,
    )
    calls.push(...page.data)
    after = page.next
  }
  return calls
}

async function readBill(simulator: Simulator): Promise<BillLine[]> {
  const { requests, has_more } = await readJson<{ requests: BillLine[]; has_more: boolean }>(
    new URL('/bill?limit=10000', simulator.url),
  )
  assert.ok(!has_more, 'the bill fits on a page')
  return requests
}

export async function readJson<T>(url: URL, key?: string): Promise<T> {
  const answer = await fetch(url, { headers: key === undefined ? {} : { authorization: `Bearer ${key}` } })
  const text = await answer.text()
  assert.equal(answer.status, 200, text)
  return JSON.parse(text) as T
}

/** On a shared database a process counts as dead when it has not been seen for 30 s: as if they had passed. */
export async function forgetLiving(database: string): Promise<void> {
  const client = new Client({ connectionString: database })
  await client.connect()
  await client.query(`update instances set seen_at = now() - interval '31 s'`)
  await client.end()
}

function byName<T>(rows: readonly T[], nameOf: (row: T) => string | null): Map<string, T> {
  const map = new Map(rows.map(row => [nameOf(row) ?? '', row]))
  assert.equal(map.size, rows.length, 'no name comes twice')
  return map
}
