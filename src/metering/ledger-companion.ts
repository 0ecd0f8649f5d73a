import { type ChargeOf, type Entry, entriesOf, type LedgerCall } from './ledger-entry.ts'

/** Columns that are an attempt's own, with their types. */
const ofAttempt = {
  attempt: 'int',
  kind: 'text',
  held_at: 'timestamptz',
  event_at: 'timestamptz',
  target: 'text',
  role: 'text',
  source: 'text',
  usage: 'json',
  input_tokens: 'bigint',
  output_tokens: 'bigint',
  held_pico_usd: 'numeric',
  cost_pico_usd: 'numeric',
  counted_pico_usd: 'numeric',
  counted_input_tokens: 'bigint',
  counted_output_tokens: 'bigint',
  charge_pico_usd: 'numeric',
  price: 'text',
  tier: 'text',
  provider_cost_pico_usd: 'numeric',
  cache_saved_pico_usd: 'numeric',
} satisfies Record<keyof Entry, string>

export const attemptColumns = Object.keys(ofAttempt) as (keyof Entry)[]

/** Columns that it has from its call. */
export const callColumns = [
  'organization',
  'project',
  'key_id',
  'key_name',
  'user_id',
  'feature',
  'model',
  'class',
  'operation',
  'environment',
]

const into = `insert into ledger (call_id, revision, provider, tags, ${[...callColumns, ...attemptColumns].join(', ')})`
const once = 'on conflict (call_id, attempt, revision) do nothing returning seq'
const feed = `insert into ledger_feed (size, keys) select count(*), array_agg(seq) from posted having count(*) > 0`
const tagsOf = (call: string): string =>
  `case when ${call}.tags is null then '{}' else array(select json_array_elements_text(${call}.tags)) end`

/** Written in the statement that commits calls, so that there is no call without its entries, and no entry without its call. */
export interface LedgerCompanion {
  /**
   * More CTEs. `ended` has the calls, with the columns of their table and `no`, counted from 1; parameters begin with
   * `$<first>`. `posted` is what was written, a row each.
   */
  ofEnded(first: number): string
  prepare(calls: readonly LedgerCall[]): { values: readonly unknown[]; wrote(entries: number): void }
  /**
   * Likewise, for `lost`: attempts whose process died, a row each, with the columns of a call, one attempt, and what is
   * counted of `earlier` ones that were over by then.
   */
  ofLost: string
}

/** `onClash` is told of calls some of whose entries were there already. */
export function createCompanion({
  chargeOf,
  onClash,
}: {
  chargeOf: ChargeOf
  onClash(calls: readonly LedgerCall[]): void
}): LedgerCompanion {
  return {
    ofEnded,
    ofLost,
    prepare(calls) {
      const columns: string[][] = [[], ...attemptColumns.map(() => [])]
      let count = 0
      for (const [at, call] of calls.entries()) {
        for (const entry of entriesOf(call, chargeOf)) {
          columns[0]?.push(String(at + 1))
          for (const [n, name] of attemptColumns.entries()) put(columns[n + 1], count, entry[name])
          count += 1
        }
      }
      return {
        values: columns.map(column => `{${column.join()}}`),
        wrote(entries) {
          if (entries < count) onClash(calls)
        },
      }
    },
  }
}

function ofEnded(first: number): string {
  const arrays = ['int', ...Object.values(ofAttempt)].map((type, n) => `$${first + n}::${type}[]`)
  return `posted as (
      ${into}
      select ended.id, 0, split_part(entry.target, '/', 1), ${tagsOf('ended')},
        ${[...callColumns.map(name => `ended.${name}`), ...attemptColumns.map(name => `entry.${name}`)].join(', ')}
      from unnest(${arrays.join(', ')}) as entry (no, ${attemptColumns.join(', ')}) join ended using (no)
      ${once}),
    fed as (${feed})`
}

const noUsage = 'null::bigint, null::bigint'
/**
 * In the order of `ofAttempt`. What is held of them is counted, since nobody knows how they ended; of one that was over
 * when the next was made, what was counted then: its hold was let go.
 */
const ofLost = `known as (
    select distinct on (lost.id, known.n) lost.id, known.* from lost, json_to_recordset(lost.earlier) as known (n int,
      cost_pico_usd numeric, input_tokens bigint, output_tokens bigint)),
  posted as (
    ${into}
    select lost.id, 0, split_part(tried->>'target', '/', 1), ${tagsOf('lost')}, ${callColumns.map(name => `lost.${name}`).join(', ')},
      (tried->>'n')::int, 'post', coalesce(tried->'hold'->>'at', tried->>'started_at')::timestamptz, null::timestamptz,
      tried->>'target', case
        when next is null then 'answer'
        when tried->>'reason' = 'hedge' then 'hedge'
        when next->>'target' = tried->>'target' then 'retry' else 'fail_over' end,
      'hold', null::json, ${noUsage}, held, null::numeric, coalesce(known.cost_pico_usd, held),
      coalesce(known.input_tokens, (tried->'hold'->>'input_tokens')::bigint),
      coalesce(known.output_tokens, (tried->'hold'->>'output_tokens')::bigint),
      case when next is not null then 0 end, null, null, null::numeric, null::numeric
    from (select lost.*, attempts->0 as tried, (attempts->0->'hold'->>'cost_pico_usd')::numeric as held,
        lead(attempts->0) over (partition by id order by (attempts->0->>'n')::int) as next from lost) lost
      left join known on known.id = lost.id and known.n = (tried->>'n')::int
    where not exists (select from calls where calls.id = lost.id and calls.status <> 'unknown')
    ${once}),
  fed as (${feed})`

/** Nulls at the end of a column are left out, so that what most attempts have not costs nothing: `unnest` fills them in. */
function put(column: string[] | undefined, at: number, value: Entry[keyof Entry]): void {
  if (value === undefined || !column) return
  while (column.length < at) column.push('NULL')
  column.push(element(value))
}

const special = /["\\]/g

/** An element of an array literal: half of what the driver takes for the same. */
function element(value: NonNullable<Entry[keyof Entry]>): string {
  if (typeof value === 'number') return String(value)
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return `"${text.replace(special, '\\$&')}"`
}
