import type { CallStatus } from '#exchange'
import type { Queryable } from '#platform'
import { bindFilter, type Filter, matches, readTimeoutMs, type Span } from './read-filter.ts'
import type { AttemptRow, SkipRow } from './record.ts'

/** A call as it is read, ended or under way. */
export interface CallRead {
  id: string
  startedAt: Date
  endedAt: Date | null
  status: CallStatus
  code: string | null
  organization: string
  project: string
  keyId: string
  keyName: string
  user: string | null
  feature: string | null
  tags: string[] | null
  environment: string | null
  class: string
  dialect: string
  operation: string | null
  path: string | null
  model: string | null
  target: string | null
  stream: boolean
  totalMs: number | null
  firstTokenMs: number | null
  usage: Record<string, number> | null
  usageSource: string | null
  costPicoUsd: string | null
  priceState: string | null
  skips: SkipRow[] | null
  degraded: string | null
  repeats: string | null
  attempts: AttemptRow[]
}

export interface CallReadWhole extends CallRead {
  contentKept: boolean
  request: string | null
  answer: string | null
}

const columns = `id, started_at as "startedAt", ended_at as "endedAt", status, code, organization, project,
  key_id as "keyId", key_name as "keyName", user_id as "user", feature, tags, environment, class, dialect, operation, path, model, target,
  stream, total_ms as "totalMs", first_token_ms as "firstTokenMs", usage, usage_source as "usageSource",
  cost_pico_usd as "costPicoUsd", price_state as "priceState", skips, degraded, repeats, attempts`

/**
 * Calls under way, with the columns of `calls`: what is in `call_intents` and has no row in `calls`. Each attempt
 * was put there by itself; what their rows say of the call is the same, so the last one speaks for it.
 */
const underWay = `select distinct on (id) id, started_at, null::timestamptz as ended_at, 'running' as status,
    null as code, organization, project, key_id, key_name, user_id, feature, tags, environment, class, dialect, operation,
    path, model, last_value(attempts->0->>'target') over of_call as target, stream, null::integer as total_ms,
    null::integer as first_token_ms, null::json as usage, null as usage_source, null::numeric as cost_pico_usd,
    null as price_state, null::json as skips, null as degraded, null::uuid as repeats,
    json_agg(attempts->0) over of_call as attempts
  from (select intent.* from call_intents, json_to_recordset(call_intents.attempts::json) as intent (
      id uuid, started_at timestamptz, organization text, project text, key_id text, key_name text, user_id text,
      feature text, tags json, environment text, class text, dialect text, operation text, path text, model text, stream boolean, attempts json)) intended
  where not exists (select from calls where calls.id = intended.id)
  window of_call as (partition by id order by (attempts->0->>'n')::integer
    rows between unbounded preceding and unbounded following)`

/**
 * Up to `limit` calls, newest first, of those older than `before`. One statement, so that a call which ends in the
 * meantime is seen once: under way or ended.
 */
export async function listCalls(
  db: Queryable,
  filter: Filter,
  { span, before, limit }: { span: Span; before: string | undefined; limit: number },
): Promise<CallRead[]> {
  const text = `
    (select ${columns} from calls where ${matches} order by id desc limit $17::int)
    union all
    (select ${columns} from (${underWay}) calls
      where ($13::text is null or $13 = 'running') and ${matches} order by id desc limit $17)
    order by id desc limit $17`
  return await db.query<CallRead>({ text, timeoutMs: readTimeoutMs }, [
    ...bindFilter(filter, span, before),
    limit,
  ])
}

export async function findCall(db: Queryable, uuid: string): Promise<CallReadWhole | undefined> {
  const text = `select call.*, call_id is not null as "contentKept", request, answer from (
      select ${columns} from calls where id = $1::uuid
      union all
      select ${columns} from (${underWay}) calls where id = $1) call
    left join call_contents on call_id = id`
  return (await db.query<CallReadWhole>({ text }, [uuid]))[0]
}
