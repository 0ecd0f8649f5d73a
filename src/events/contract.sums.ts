import assert from 'node:assert/strict'
import fc from 'fast-check'
import { type Bucket, type Group, groups } from './read-usage.ts'
import type { CallRow } from './record.ts'

interface Sums {
  calls: number
  input_tokens: number
  cost_usd: string
  unpriced_calls: number
}

export interface UsageAnswer {
  from: string
  to: string | null
  data: (Sums & Record<string, unknown>)[]
  has_more: boolean
  next?: string
  total: Sums & Record<string, unknown>
}

export const spanMs = 3 * 86_400_000
const hourMs = 3_600_000
const dayMs = 24 * hourMs
const zones = { UTC: 0, 'Asia/Kolkata': 5.5 * hourMs }
const tokens = fc.nat({ max: 2 ** 40 })
const oneOf = <const T>(...values: T[]) => fc.constantFrom(...values)

export const someCall = fc.record(
  {
    atMs: fc.nat({ max: spanMs - 1 }),
    status: oneOf('succeeded', 'failed', 'cancelled', 'refused', 'unknown'),
    organization: oneOf('acme', 'Acme'),
    project: oneOf('shop', 'blog'),
    key_id: oneOf('key_1', 'key_2'),
    user_id: oneOf('me', 'you'),
    feature: oneOf('chat', 'search'),
    model: oneOf('fast', 'smart', 'task/sort', 'task/', 'x/task/sort'),
    target: oneOf('openai/gpt-5', 'openai/gpt-5-mini', 'house/org/llama'),
    class: oneOf('interactive', 'batch'),
    tags: oneOf(['a'], ['b']),
    environment: oneOf('prod', 'dev'),
    degraded: oneOf('fallback'),
    operation: oneOf('chat', 'embeddings'),
    input_tokens: tokens,
    cached_input_tokens: tokens,
    cache_write_tokens: tokens,
    output_tokens: tokens,
    reasoning_tokens: tokens,
    usage_source: oneOf('provider', 'estimate', 'unknown'),
    price_state: oneOf('priced', 'free', 'unpriced'),
    cost_pico_usd: fc.bigInt({ min: 0n, max: 10n ** 24n }).map(String),
  },
  { requiredKeys: ['atMs', 'status', 'organization', 'project', 'key_id', 'class'] },
)

export const someQuery: fc.Arbitrary<Query> = fc.record({
  groups: fc.subarray(groups),
  bucket: oneOf('minute', 'hour', 'day', 'month', undefined),
  zone: oneOf('UTC', 'Asia/Kolkata'),
  feature: oneOf('chat', undefined),
})

interface Query {
  groups: Group[]
  bucket: Bucket | undefined
  zone: keyof typeof zones
  feature: string | undefined
}

export function queryText({ groups, bucket, zone, feature }: Query): Record<string, string> {
  return {
    time_zone: zone,
    ...(groups.length > 0 && { group_by: groups.join() }),
    ...(bucket && { bucket }),
    ...(feature && { feature }),
  }
}

/** What tells the row of a call from other rows, as the API shows it. */
export function rowKey(call: CallRow, { groups, bucket, zone }: Query): string {
  const values = {
    ...call,
    key: { id: call.key_id, name: call.key_name },
    user: call.user_id,
    provider: call.target?.split('/')[0],
    tag: call.tags?.[0],
    task: /^task\/(.+)$/.exec(call.model ?? '')?.[1],
  }
  const start = bucket && bucketStart(Date.parse(call.started_at) + zones[zone], bucket) - zones[zone]
  return JSON.stringify({
    ...(start !== undefined && { bucket: new Date(start).toISOString() }),
    ...Object.fromEntries(groups.map(group => [group, values[group] ?? null])),
  })
}

function bucketStart(localMs: number, bucket: Bucket): number {
  const local = new Date(localMs)
  if (bucket === 'month') return Date.UTC(local.getUTCFullYear(), local.getUTCMonth())
  const size = { minute: 60_000, hour: hourMs, day: dayMs }[bucket]
  return Math.floor(localMs / size) * size
}

export function sumUp(calls: readonly CallRow[]): Sums & Record<string, unknown> {
  const count = (is: (call: CallRow) => boolean): number => calls.filter(is).length
  const ended = (status: string): number => count(call => call.status === status)
  const add = (of: (call: CallRow) => number | undefined): number =>
    calls.reduce((sum, call) => sum + (of(call) ?? 0), 0)
  return {
    calls: calls.length,
    succeeded: ended('succeeded'),
    failed: ended('failed'),
    cancelled: ended('cancelled'),
    refused: ended('refused'),
    unknown: ended('unknown'),
    degraded: count(call => call.degraded !== undefined),
    input_tokens: add(call => call.input_tokens),
    cached_input_tokens: add(call => call.cached_input_tokens),
    cache_write_tokens: add(call => call.cache_write_tokens),
    output_tokens: add(call => call.output_tokens),
    reasoning_tokens: add(call => call.reasoning_tokens),
    cost_usd: dollars(calls.reduce((sum, call) => sum + BigInt(call.cost_pico_usd ?? 0), 0n)),
    unpriced_calls: count(call => call.price_state === 'unpriced'),
    estimated_calls: count(call => call.usage_source !== undefined && call.usage_source !== 'provider'),
  }
}

function dollars(picoUsd: bigint): string {
  const fraction = String(picoUsd % 10n ** 12n).padStart(12, '0')
  return `${picoUsd / 10n ** 12n}.${fraction}`.replace(/\.?0+$/, '')
}

/** Newest bucket first; in it the dearest. */
export function assertOrder(rows: UsageAnswer['data']): void {
  const size = (row: UsageAnswer['data'][number]): bigint => {
    const [whole = '0', fraction = ''] = row.cost_usd.split('.')
    return BigInt(whole + fraction.padEnd(12, '0'))
  }
  for (const [n, row] of rows.slice(1).entries()) {
    const before = rows[n]!
    const [bucket, earlier] = [String(row.bucket ?? ''), String(before.bucket ?? '')]
    assert(bucket < earlier || (bucket === earlier && size(row) <= size(before)), 'rows out of order')
  }
}

export function sorted(rows: readonly object[]): string[] {
  return rows.map(row => JSON.stringify(Object.entries(row).toSorted())).toSorted()
}
