import type { RollupSpec } from '#platform'
import { pricedByHand } from './ledger-adjust.ts'

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
  task: 'text',
  tier: 'text',
  answers: 'boolean',
  estimated: 'boolean',
}

const tokens = (...kinds: readonly string[]): string =>
  kinds.map(kind => `coalesce(used."${kind}", 0)`).join(' + ')

/** Taken apart once for each entry: a kind at a time is read from the beginning each time. */
const kinds = ['cachedInput', 'cachedAudioInput', 'cacheWrite5m', 'cacheWrite1h', 'audioInput', 'imageInput']
const outputKinds = ['reasoning', 'audioOutput', 'imageOutput']
const used = `json_to_record(usage) as used (${[...kinds, ...outputKinds].map(kind => `"${kind}" float8`).join(', ')})`

/** `task/NAME` as a model is a task's name. */
const task = `case when model like 'task/_%' then substr(model, 6) end`

/**
 * What one entry adds. An amount that is not known adds nothing, and is counted as unpriced until the entry comes
 * that says it. `last` is the name that a key had last: the latest wins.
 */
const facts = `select seq as key, held_at as at, organization, project, key_id, key_name, user_id, feature, model, target,
    class, operation, environment, tags, ${task} as task, tier, role = 'answer' as answers,
    source <> 'provider' as estimated,
    case when revision = 0 then 1 else 0 end as entries,
    case when revision = 0 and cost_pico_usd is null then 1
      when revision = 1 and kind = 'adjust' and cost_pico_usd is not null then -1
      when revision > 1 and price = '${pricedByHand}' then -1 else 0 end as unpriced,
    coalesce(input_tokens, 0)::float8 as input_tokens,
    ${tokens('cachedInput', 'cachedAudioInput')} as cached_input_tokens,
    ${tokens('cacheWrite5m', 'cacheWrite1h')} as cache_write_tokens,
    ${tokens('audioInput', 'cachedAudioInput')} as audio_input_tokens, ${tokens('imageInput')} as image_input_tokens,
    coalesce(output_tokens, 0)::float8 as output_tokens, ${tokens('reasoning')} as reasoning_tokens,
    ${tokens('audioOutput')} as audio_output_tokens, ${tokens('imageOutput')} as image_output_tokens,
    coalesce(cost_pico_usd, 0) as cost_pico_usd, coalesce(charge_pico_usd, 0) as charge_pico_usd,
    coalesce(counted_pico_usd, 0) as counted_pico_usd, coalesce(cache_saved_pico_usd, 0) as cache_saved_pico_usd,
    coalesce(counted_input_tokens, 0)::float8 as counted_input_tokens,
    coalesce(counted_output_tokens, 0)::float8 as counted_output_tokens,
    call_id::text || key_name as last
  from ledger left join lateral ${used} on true`

const all = Object.keys(dims)
const narrow = all.filter(dim => dim !== 'user_id' && dim !== 'tags')

const mostUsers = 10_000
const mostOtherNames = 1_000

/**
 * The ledger by hour and by day. Level 1 is as fine as rules look (the counters of budgets are made from it), 2 and 3
 * leave out users and tags, which are many; 4 and 5, 8 and 9 by the hour, are what is asked of those; 6 and 7 are for days that
 * begin elsewhere than in UTC, which have to be put together from hours.
 */
export function costRollups(mostUsersPerHour = mostUsers): RollupSpec {
  return {
    table: 'cost_rollups',
    feed: 'ledger_feed',
    facts,
    keyType: 'bigint',
    between: (from, to) => `at >= ${from} and at < ${to}`,
    dims,
    sums: {
      entries: 'sum',
      unpriced: 'sum',
      input_tokens: 'sum',
      cached_input_tokens: 'sum',
      cache_write_tokens: 'sum',
      audio_input_tokens: 'sum',
      image_input_tokens: 'sum',
      output_tokens: 'sum',
      reasoning_tokens: 'sum',
      audio_output_tokens: 'sum',
      image_output_tokens: 'sum',
      cost_pico_usd: 'sum',
      charge_pico_usd: 'sum',
      counted_pico_usd: 'sum',
      cache_saved_pico_usd: 'sum',
      counted_input_tokens: 'sum',
      counted_output_tokens: 'sum',
      last: 'max',
    },
    levels: [
      { level: 1, grain: 'hour', dims: all },
      { level: 8, grain: 'hour', dims: ['organization', 'project', 'user_id', 'answers', 'estimated'] },
      { level: 2, grain: 'hour', dims: narrow },
      {
        level: 9,
        grain: 'hour',
        dims: ['organization', 'project', 'tags', 'answers', 'estimated'],
        eachTag: true,
      },
      { level: 6, grain: 'hour', dims: ['organization', 'project', 'answers', 'estimated'] },
      { level: 7, grain: 'hour', dims: ['model', 'answers', 'estimated'] },
      { level: 4, grain: 'day', dims: ['organization', 'project', 'user_id', 'answers', 'estimated'] },
      { level: 3, grain: 'day', dims: narrow },
      {
        level: 5,
        grain: 'day',
        dims: ['organization', 'project', 'tags', 'answers', 'estimated'],
        eachTag: true,
      },
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
