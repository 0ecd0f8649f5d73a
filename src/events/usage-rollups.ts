import type { RollupSpec } from '#platform'

/** `task/NAME` as a model is a task's name. */
const task = `case when model like 'task/_%' then substr(model, 6) end`

const dims = {
  organization: 'text',
  project: 'text',
  key_id: 'text',
  key_name: 'text',
  user_id: 'text',
  feature: 'text',
  model: 'text',
  target: 'text',
  class: 'text',
  operation: 'text',
  environment: 'text',
  tags: 'text[]',
  status: 'text',
  task: 'text',
}

/** What one call adds. `last` is the name that a key had last: the latest wins. */
const facts = `select id as key, started_at as at, organization, project, key_id, key_name, user_id, feature, model, target,
    class, operation, environment, status, ${task} as task,
    case when tags is null then '{}'::text[] else array(select json_array_elements_text(tags)) end as tags,
    code, degraded is not null as is_degraded,
    1 as calls, case when degraded is null then 0 else 1 end as degraded,
    case when price_state = 'unpriced' then 1 else 0 end as unpriced,
    case when usage_source <> 'provider' then 1 else 0 end as estimated,
    coalesce(input_tokens, 0)::float8 as input_tokens, coalesce(cached_input_tokens, 0)::float8 as cached_input_tokens,
    coalesce(cache_write_tokens, 0)::float8 as cache_write_tokens,
    coalesce(output_tokens, 0)::float8 as output_tokens, coalesce(reasoning_tokens, 0)::float8 as reasoning_tokens,
    coalesce(cost_pico_usd, 0) as cost_pico_usd, id::text || key_name as last
  from calls`

const all = Object.keys(dims)
const narrow = all.filter(dim => dim !== 'user_id' && dim !== 'tags')
const mostUsers = 10_000
const mostOtherNames = 1_000

/**
 * An id is made a moment before the call's start is read off the clock, or runs ahead of it when the clock was set
 * back. Within this distance `started_at` decides.
 */
const idSlack = `interval '1 minute'`

/** The smallest UUID of version 7 that a call started at this time can have: the primary key is also the time. */
function firstUuidAt(at: string): string {
  const within = `least(greatest(${at}, '1970-01-02'), '3000-01-01')`
  return `(lpad(to_hex((extract(epoch from ${within}) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid`
}

/**
 * Calls by hour and by day. Level 1 tells all apart, 2 and 3 leave out users and tags, which are many; 4 and 5, 8 and 9
 * by the hour, are what is asked of those; 6 and 7 are for days that begin elsewhere than in UTC. What calls cost is here as the call log has it; by attempt
 * it is in the ledger's sums.
 */
export function usageRollups(mostUsersPerHour = mostUsers): RollupSpec {
  return {
    table: 'usage_rollups',
    feed: 'usage_feed',
    facts,
    keyType: 'uuid',
    between: (from, to) => `at >= ${from} and at < ${to}
      and key >= ${firstUuidAt(`${from} - ${idSlack}`)} and key < ${firstUuidAt(`${to} + ${idSlack}`)}`,
    live: `status = 'unknown'`,
    dims,
    more: { code: 'text', is_degraded: 'boolean' },
    sums: {
      calls: 'sum',
      degraded: 'sum',
      unpriced: 'sum',
      estimated: 'sum',
      input_tokens: 'sum',
      cached_input_tokens: 'sum',
      cache_write_tokens: 'sum',
      output_tokens: 'sum',
      reasoning_tokens: 'sum',
      cost_pico_usd: 'sum',
      last: 'max',
    },
    levels: [
      { level: 1, grain: 'hour', dims: all },
      { level: 8, grain: 'hour', dims: ['organization', 'project', 'user_id', 'status'] },
      { level: 2, grain: 'hour', dims: narrow },
      { level: 9, grain: 'hour', dims: ['organization', 'project', 'tags', 'status'], eachTag: true },
      { level: 6, grain: 'hour', dims: ['organization', 'project', 'status'] },
      { level: 7, grain: 'hour', dims: ['model', 'status'] },
      { level: 4, grain: 'day', dims: ['organization', 'project', 'user_id', 'status'] },
      { level: 3, grain: 'day', dims: narrow },
      { level: 5, grain: 'day', dims: ['organization', 'project', 'tags', 'status'], eachTag: true },
    ],
    bounded: {
      user_id: mostUsersPerHour,
      feature: mostOtherNames,
      model: mostOtherNames,
      task: mostOtherNames,
      environment: mostOtherNames,
      tags: mostOtherNames,
    },
  }
}
