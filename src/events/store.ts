import type { Database, Queryable } from '#platform'
import type { Companion } from './companion.ts'
import type { IntentGroup } from './intents.ts'
import type { CallRow } from './record.ts'

/** Columns of `calls` with their types, in the order of every statement here. */
const columns = {
  id: 'uuid',
  started_at: 'timestamptz',
  ended_at: 'timestamptz',
  status: 'text',
  code: 'text',
  organization: 'text',
  project: 'text',
  key_id: 'text',
  key_name: 'text',
  user_id: 'text',
  feature: 'text',
  tags: 'json',
  environment: 'text',
  class: 'text',
  dialect: 'text',
  operation: 'text',
  path: 'text',
  model: 'text',
  target: 'text',
  stream: 'boolean',
  total_ms: 'integer',
  first_token_ms: 'integer',
  input_tokens: 'bigint',
  cached_input_tokens: 'bigint',
  cache_write_tokens: 'bigint',
  output_tokens: 'bigint',
  reasoning_tokens: 'bigint',
  usage: 'json',
  usage_source: 'text',
  cost_pico_usd: 'numeric',
  price_state: 'text',
  skips: 'json',
  degraded: 'text',
  repeats: 'uuid',
  attempts: 'json',
} satisfies Record<keyof CallRow, string>

const names = Object.keys(columns)
const list = names.join(', ')
const shape = Object.entries(columns)
  .map(([name, type]) => `${name} ${type}`)
  .join(', ')
/**
 * From the third parameter on, an array for each column: half the cost of taking JSON apart (measured on PGlite).
 * Only `attempts`, the last one and all quotes, comes as a JSON array, which needs no escaping.
 */
const flat = Object.entries(columns).filter(([name]) => name !== 'attempts')
const arrays = flat.map(([, type], index) => `$${index + 3}::${type}[]`).join(', ')
const attemptsParameter = `$${flat.length + 3}::json`
const overwrite = names
  .filter(name => name !== 'id')
  .map(name => `${name} = excluded.${name}`)
  .join(', ')

/** Commits a group of intents: from then on the calls are on record, whatever happens to this process. */
export async function insertIntents(db: Queryable, instance: string, group: IntentGroup): Promise<void> {
  await db.query(
    {
      name: 'insert_intents',
      text: 'insert into call_intents (instance, group_no, attempts) values ($1, $2, $3) on conflict do nothing',
    },
    [instance, group.groupNo, group.attempts],
  )
}

/** Makes these attempts (JSON, or null for none) all that the table has of a process. */
export async function replaceIntents(db: Database, instance: string, attempts: string | null): Promise<void> {
  await db.transaction(async tx => {
    await tx.query({ name: 'delete_intents', text: 'delete from call_intents where instance = $1' }, [
      instance,
    ])
    if (attempts !== null) await insertIntents(tx, instance, { groupNo: 0, attempts })
  })
}

/**
 * Commits calls that have ended, and drops the intent groups that they were the last of. May be repeated when
 * nobody knows whether it went through. A call that another process has declared lost gets its true end.
 */
export async function insertCalls(
  db: Queryable,
  instance: string,
  ended: { calls: readonly CallRow[]; finishedGroups: readonly number[]; companion?: Companion | undefined },
): Promise<void> {
  const { calls, companion } = ended
  const beside = companion?.prepare(calls)
  const [written] = await db.query<{ posted: number }>(
    companion
      ? { name: 'insert_calls_beside', text: insertBeside(companion) }
      : { name: 'insert_calls', text: insertAlone },
    [
      instance,
      ended.finishedGroups,
      ...columnArrays(calls),
      JSON.stringify(calls.map(({ attempts }) => attempts)),
      ...(beside?.values ?? []),
    ],
  )
  beside?.wrote(written?.posted ?? 0)
}

const finished = 'finished as (delete from call_intents where instance = $1 and group_no = any($2::bigint[]))'
const fromArrays = `rows from (unnest(${arrays}), json_array_elements(${attemptsParameter}))`
const trueEnd = `on conflict (id) do update set ${overwrite} where calls.status = 'unknown'`
/** A call comes into the sums when its end is known, so once: what a known end is does not change. */
const queued = `queued as (
    insert into usage_feed (size, keys)
    select count(*), array_agg(id) from written where status <> 'unknown' having count(*) > 0)`
const insertAlone = `with ${finished},
    written as (insert into calls (${list}) select * from ${fromArrays} ${trueEnd} returning id, status),
    ${queued}
  select 0 as posted`

function insertBeside(companion: Companion): string {
  return `with ${finished},
    ended as (select * from ${fromArrays} with ordinality as ended (${list}, no)),
    written as (insert into calls (${list}) select ${list} from ended ${trueEnd} returning id, status),
    ${queued},
    ${companion.ofEnded(flat.length + 4)}
  select count(*)::int as posted from posted`
}

/** Rows as Postgres array literals, a column each. */
function columnArrays(rows: readonly CallRow[]): string[] {
  return flat.map(([name]) => {
    const column = name as keyof CallRow
    return `{${rows.map(row => arrayElement(row[column])).join()}}`
  })
}

function arrayElement(value: CallRow[keyof CallRow]): string {
  if (value === undefined) return 'NULL'
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  const escaped = /["\\]/.test(text) ? text.replace(/["\\]/g, '\\$&') : text
  return `"${escaped}"`
}

export async function upsertInstance(db: Queryable, instance: string): Promise<void> {
  await db.query(
    {
      name: 'upsert_instance',
      text: 'insert into instances (id) values ($1) on conflict (id) do update set seen_at = now()',
    },
    [instance],
  )
}

export async function deleteInstance(db: Queryable, instance: string): Promise<void> {
  await db.query({ text: 'delete from instances where id = $1' }, [instance])
}

/**
 * Turns what dead processes left into calls of unknown end, and says how many. A process is dead when it has not
 * been seen for `staleAfterMs`; this one never is. Several processes may do it at once: a group is taken by one.
 * An attempt may be there more than once: a reader had it published, or a recovery was itself killed.
 */
export async function recoverIntents(
  db: Database,
  {
    instance,
    staleAfterMs,
    companion,
  }: { instance: string; staleAfterMs: number; companion?: Companion | undefined },
): Promise<number> {
  return await db.transaction(async tx => {
    const recovered = await tx.query<{ id: string }>(
      {
        text: `with dead as (
            delete from call_intents where instance <> $1 and instance not in (
              select id from instances where seen_at > now() - make_interval(secs => $2::float8 / 1000))
            returning attempts),
          lost as (
            select distinct on (call.id, call.attempts->0->>'n') call.*
            from dead, json_to_recordset(dead.attempts::json) as call (${shape}, earlier json)),
          whole as (
            select distinct on (id) ${names.filter(name => name !== 'attempts').join(', ')},
              json_agg((attempts->0)::jsonb || '{"status": "unknown"}') over (
                partition by id order by (attempts->0->>'n')::int
                rows between unbounded preceding and unbounded following) as attempts
            from lost order by id),
          ${companion ? `${companion.ofLost},` : ''}
          recovered as (
            insert into calls (${list})
            select ${names.map(recoveredColumn).join(', ')} from whole
            on conflict (id) do nothing returning id)
          select id from recovered`,
      },
      [instance, staleAfterMs],
    )
    await tx.query(
      {
        text: `delete from instances where id <> $1 and seen_at <= now() - make_interval(secs => $2::float8 / 1000)`,
      },
      [instance, staleAfterMs],
    )
    return recovered.length
  })
}

function recoveredColumn(name: string): string {
  if (name === 'status') return `'unknown'`
  if (name === 'code') return `'process_lost'`
  if (name === 'price_state') return `'unpriced'`
  if (name === 'usage_source') return `'unknown'`
  if (name === 'target') return `attempts->-1->>'target'`
  return name
}

/** The embedded Postgres has no autovacuum; without this the table of intents would only grow. */
export async function vacuumIntents(db: Queryable): Promise<void> {
  await db.query({ text: 'vacuum call_intents' })
}

export async function insertContents(
  db: Queryable,
  contents: readonly { call_id: string; request: string | undefined; answer: string | undefined }[],
): Promise<void> {
  await db.query(
    {
      name: 'insert_contents',
      text: `insert into call_contents (call_id, request, answer)
        select call_id, request, answer from json_to_recordset($1::json) as said (call_id uuid, request text, answer text)
        on conflict do nothing`,
    },
    [JSON.stringify(contents)],
  )
}

/** Deletes a bounded number of what has outlived its time, oldest first; says how many rows went. */
export async function deleteExpired(
  db: Queryable,
  {
    callsBeforeMs,
    contentsBeforeMs,
    most,
  }: { callsBeforeMs: number; contentsBeforeMs: number; most: number },
): Promise<number> {
  const contents = await db.query(
    {
      text: `delete from call_contents where call_id in (
        select call_id from call_contents where recorded_at < to_timestamp($1::float8 / 1000) limit $2) returning 1`,
    },
    [contentsBeforeMs, most],
  )
  const calls = await db.query(
    { text: 'delete from calls where id in (select id from calls where id < $1::uuid limit $2) returning 1' },
    [firstUuidAt(callsBeforeMs), most],
  )
  return contents.length + calls.length
}

/** The smallest UUID of version 7 that a call started at this time can have: the primary key is also the time. */
export function firstUuidAt(ms: number): string {
  const hex = Math.max(0, Math.floor(ms)).toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-0000-0000-000000000000`
}
