import { type Static, Type } from 'typebox'
import { type CallStatus, formatUsd, totalInput, totalOutput, type Usage } from '#exchange'
import type { CallRead, CallReadWhole } from './read-calls.ts'
import { callId, oneOf } from './read-filter.ts'
import { type AttemptRow, callIdOf } from './record.ts'

const text = (description: string) => Type.String({ description })
const textOrNull = (description: string) =>
  Type.Unsafe<string | null>({ type: ['string', 'null'], description })
const countOrNull = (description: string) =>
  Type.Unsafe<number | null>({ type: ['integer', 'null'], minimum: 0, description })

export const endedStatuses = [
  'succeeded',
  'failed',
  'cancelled',
  'refused',
  'unknown',
] as const satisfies readonly CallStatus[]

export const callStatus = oneOf<CallStatus>(
  ['running', ...endedStatuses],
  '`refused`: by Sluice, before a provider was asked. `unknown`: the process that made it died.',
)

const usageShape = Type.Object(
  {
    input_tokens: countOrNull('All input tokens, cached ones included.'),
    cached_input_tokens: countOrNull('Those of them that the provider had in its cache.'),
    cache_write_tokens: countOrNull('Those of them that were written to its cache.'),
    output_tokens: countOrNull('All output tokens, reasoning included.'),
    reasoning_tokens: countOrNull('Those of them that were reasoning.'),
    kinds: Type.Record(Type.String(), Type.Integer({ minimum: 0 }), {
      description: 'The same tokens in kinds that do not overlap, as they are priced.',
    }),
    source: textOrNull(
      "`provider`: the provider's word. `estimate`: our own count. `unknown`: nobody could tell.",
    ),
  },
  { description: 'Null where nothing is counted.' },
)

const costFields = {
  usd: textOrNull('US dollars, an exact decimal such as "0.0000123"; null when not known.'),
  state: textOrNull(
    '`priced`; `free`: known to cost nothing; `unpriced`: a price or the usage is not known. Null while running.',
  ),
}

const costShape = Type.Object(costFields)

const attemptShape = Type.Object({
  n: Type.Integer({ minimum: 1 }),
  target: text('`provider/model`.'),
  started_at: text('ISO 8601, UTC.'),
  ended_at: textOrNull('ISO 8601, UTC.'),
  status: text('`running`, `succeeded`, `failed`, `cancelled` or `unknown`.'),
  http_status: countOrNull('What the provider answered with.'),
  code: textOrNull('The fault, when it failed.'),
  reason: textOrNull(
    'Why it was made: `first`; `fail_over`: another target had failed; `retry`: the same target once more; `hedge`: beside an attempt that was slow to begin. Null: a record of before this was kept.',
  ),
  failure: textOrNull(
    'What kind of failure it was, as it decides what is done about it: such as `rate_limited` or `outcome_unknown`.',
  ),
  lost_race: Type.Boolean({
    description: 'Given up because another one that was made beside it began its answer sooner.',
  }),
  provider_request_id: textOrNull("The provider's own id of the request, to quote in a ticket."),
  first_token_ms: countOrNull('From the request to the first content.'),
  skipped_events: Type.Integer({
    minimum: 0,
    description: 'Events and parts of its stream that nobody here knows, passed over in translation.',
  }),
  service_tier: textOrNull('In which the provider says that it served it, such as `default` or `flex`.'),
  usage: usageShape,
  usage_doubt: textOrNull(
    '`refused`: the provider counted what is no number, and was not believed; `contradicts`: its counts contradict each other, and were cut to the totals.',
  ),
  cost: Type.Object({
    ...costFields,
    price: textOrNull(
      'The price that was used; `unpriced` when there is none; `provider`: there is none, and the provider said what it charges.',
    ),
    provider_usd: textOrNull('What the provider itself says that it charges; null where it does not say.'),
    difference_usd: textOrNull('Our cost less that of the provider; null where one of them is not known.'),
  }),
})

const fields = {
  id: callId('The id of the call.'),
  object: Type.Literal('call'),
  request_id: text('What the caller got as `x-request-id`.'),
  started_at: text('ISO 8601, UTC.'),
  ended_at: textOrNull('ISO 8601, UTC; null while running, and when the end is not known.'),
  status: callStatus,
  code: textOrNull('The fault, when it did not succeed.'),
  organization: text('Whose call it was.'),
  project: text('What it was for.'),
  key: Type.Object({ id: text('The key.'), name: text('What it was called at the time.') }),
  user: textOrNull('The end user.'),
  feature: textOrNull("The product's feature."),
  tags: Type.Array(Type.String(), { description: 'What else the call is for, in the words of the caller.' }),
  environment: textOrNull('Where the caller runs, such as `production`.'),
  class: text('`interactive` or `batch`.'),
  dialect: text('The wire format that was spoken.'),
  operation: textOrNull('What was asked for, such as `chat`.'),
  path: textOrNull('Method and path of a request that was passed through as it is.'),
  model: textOrNull('The model, by the name that the caller used.'),
  target: textOrNull(
    '`provider/model` of the last attempt, or the provider alone where no model was named; null when none was made.',
  ),
  skips: Type.Array(
    Type.Object({
      target: text('`provider/model`.'),
      reason: text(
        '`breaker_open`, `credential_refused`, `rate_limited`, `busy`, `context_too_small` or `over_budget`.',
      ),
    }),
    { description: 'Targets that were passed over, in order, each once for a reason.' },
  ),
  degraded: textOrNull(
    'Why the answer was less than what was asked for, as `x-sluice-degraded` says it; null when it was not.',
  ),
  repeats: textOrNull(
    'The call whose answer was given again, to a request with the same `Idempotency-Key`; null when this one is no repetition.',
  ),
  stream: Type.Boolean(),
  total_ms: countOrNull('From the request to the end of the answer.'),
  first_token_ms: countOrNull('Of the last attempt: from its start to the first content.'),
  usage: usageShape,
  cost: costShape,
}

export const listedCallShape = Type.Object({
  ...fields,
  attempts: Type.Integer({ minimum: 0, description: 'How many requests to providers it took.' }),
  targets: Type.Array(Type.String(), { description: 'Where they went, in order.' }),
})

export const wholeCallShape = Type.Object({
  ...fields,
  attempts: Type.Array(attemptShape, { description: 'Requests to providers, in order.' }),
  content: Type.Unsafe<{ request: string | null; answer: string | null } | null>({
    type: ['object', 'null'],
    properties: { request: { type: ['string', 'null'] }, answer: { type: ['string', 'null'] } },
    required: ['request', 'answer'],
    description: 'What was said, where the configuration has it kept (`content`); null otherwise.',
  }),
})

/** Field by field: a column added later is not shown before somebody decides so. */
function showFields(row: CallRead): Pick<Static<typeof wholeCallShape>, keyof typeof fields> {
  const id = callIdOf(row.id)
  return {
    id,
    object: 'call',
    request_id: id.replace('call_', 'req_'),
    started_at: row.startedAt.toISOString(),
    ended_at: row.endedAt?.toISOString() ?? null,
    status: row.status,
    code: row.code,
    organization: row.organization,
    project: row.project,
    key: { id: row.keyId, name: row.keyName },
    user: row.user,
    feature: row.feature,
    tags: row.tags ?? [],
    environment: row.environment,
    class: row.class,
    dialect: row.dialect,
    operation: row.operation,
    path: row.path,
    model: row.model,
    target: row.target,
    skips: row.skips ?? [],
    degraded: row.degraded,
    repeats: row.repeats === null ? null : callIdOf(row.repeats),
    stream: row.stream,
    total_ms: row.totalMs,
    first_token_ms: row.firstTokenMs,
    usage: showUsage(row.usage, row.usageSource),
    cost: {
      usd: row.costPicoUsd === null ? null : formatUsd(BigInt(row.costPicoUsd)),
      state: row.priceState,
    },
  }
}

export function showListed(row: CallRead): Static<typeof listedCallShape> {
  return {
    ...showFields(row),
    attempts: row.attempts.length,
    targets: row.attempts.map(({ target }) => target),
  }
}

export function showWhole(row: CallReadWhole): Static<typeof wholeCallShape> {
  const lastN = row.attempts.at(-1)?.n
  return {
    ...showFields(row),
    attempts: row.attempts.map(attempt => showAttempt(attempt, attempt.n === lastN)),
    content: row.contentKept ? { request: row.request, answer: row.answer } : null,
  }
}

/** Of a running call it is only known that attempts were made: all but the last are over, nobody has said how. */
function showAttempt(row: AttemptRow, isLast: boolean): Static<typeof attemptShape> {
  return {
    n: row.n,
    target: row.target,
    started_at: row.started_at,
    ended_at: row.ended_at ?? null,
    status: row.status === 'running' && !isLast ? 'unknown' : row.status,
    http_status: row.http_status ?? null,
    code: row.code ?? null,
    reason: row.reason ?? (row.n === 1 ? 'first' : null),
    failure: row.failure ?? null,
    lost_race: row.lost_race ?? false,
    provider_request_id: row.provider_request_id ?? null,
    first_token_ms: row.first_token_ms ?? null,
    skipped_events: row.skipped_events ?? 0,
    service_tier: row.tier ?? null,
    usage: showUsage(row.usage ?? null, row.usage_source ?? null),
    usage_doubt: row.usage_doubt ?? null,
    cost: showCost(row),
  }
}

function showCost(row: AttemptRow): Static<typeof attemptShape>['cost'] {
  const { cost_pico_usd: ours, provider_cost_pico_usd: theirs } = row
  const isBoth = ours !== undefined && theirs !== undefined
  return {
    usd: ours === undefined ? null : formatUsd(BigInt(ours)),
    state: costState(row),
    price: row.price ?? null,
    provider_usd: theirs === undefined ? null : formatUsd(BigInt(theirs)),
    difference_usd: isBoth ? formatUsd(BigInt(ours) - BigInt(theirs)) : null,
  }
}

function costState({ status, cost_pico_usd: cost, usage_source: source }: AttemptRow): string | null {
  if (cost !== undefined) return cost === '0' ? 'free' : 'priced'
  if (status === 'running') return null
  // A provider that failed and reported nothing is not paid: the rule of the settlement.
  return status === 'failed' && source === undefined ? 'free' : 'unpriced'
}

function showUsage(kinds: Usage | null, source: string | null): Static<typeof usageShape> {
  const sum = (count: (usage: Usage) => number): number | null => (kinds ? count(kinds) : null)
  return {
    input_tokens: sum(totalInput),
    cached_input_tokens: sum(usage => (usage.cachedInput ?? 0) + (usage.cachedAudioInput ?? 0)),
    cache_write_tokens: sum(usage => (usage.cacheWrite5m ?? 0) + (usage.cacheWrite1h ?? 0)),
    output_tokens: sum(totalOutput),
    reasoning_tokens: sum(usage => usage.reasoning ?? 0),
    kinds: { ...kinds },
    source,
  }
}
