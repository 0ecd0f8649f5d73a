import { type Static, Type } from 'typebox'
import { Fault, type Route, targetName } from '#exchange'
import type { Clock } from '#platform'
import type { LaneStanding } from './lane.ts'
import type { ProviderDescription, Providers } from './providers.ts'
import type { BreakerStanding, TargetStanding } from './standing.ts'

export interface ProviderRoutesOptions {
  /** Those of the configuration that holds now. */
  current(): Pick<Providers, 'describe' | 'reset'>
  clock: Clock
}

const timeOrNull = (description: string) =>
  Type.Unsafe<string | null>({ type: ['string', 'null'], description: `${description}, in ISO 8601, UTC.` })

const msOrNull = (description: string) =>
  Type.Unsafe<number | null>({ type: ['number', 'null'], minimum: 0, description })

const limitOrNull = (description: string) =>
  Type.Unsafe<number | null>({ type: ['number', 'null'], description })

const breakerShape = Type.Object({
  state: Type.Unsafe<BreakerStanding['state']>({
    type: 'string',
    enum: ['closed', 'open', 'half_open'],
    description:
      '`closed`: calls pass. `open`: they are kept away until `open_until`. `half_open`: the next one goes as a probe.',
  }),
  open_until: timeOrNull('When an open breaker lets a probe through; null: it is not open'),
})

const targetShape = Type.Object({
  target: Type.String({ description: '`provider/model`.' }),
  breaker: breakerShape,
  under_way: Type.Integer({ minimum: 0, description: 'Attempts that have not ended.' }),
  first_token_ms: Type.Object(
    {
      p50: msOrNull('Half of them began sooner.'),
      p95: msOrNull('19 of 20 began sooner.'),
    },
    { description: 'From the request to the first content, of the last 64 streams; null: there was none.' },
  ),
  last_failure: Type.Unsafe<{ failure: string; at: string } | null>({
    type: ['object', 'null'],
    properties: { failure: { type: 'string' }, at: { type: 'string' } },
    required: ['failure', 'at'],
    description:
      'What kind of failure the last one was, as attempts of the call log have it, and when. What is wrong with a request itself does not count.',
  }),
})

const laneFields = {
  waiting: Type.Object(
    { interactive: Type.Integer({ minimum: 0 }), batch: Type.Integer({ minimum: 0 }) },
    { description: 'Calls that wait until it may be asked.' },
  ),
  under_way: Type.Integer({ minimum: 0, description: 'Attempts that have a place.' }),
  limits: Type.Object({
    requests_per_minute: limitOrNull('As configured; null: no limit.'),
    tokens_per_minute: limitOrNull('As configured; null: no limit.'),
    concurrency: limitOrNull(
      'At once: as configured, or fewer where the provider has let fewer through; null: no limit.',
    ),
  }),
}

const laneShape = Type.Object({
  ...laneFields,
  models: Type.Array(
    Type.Object({
      target: Type.String({ description: '`provider/model`.' }),
      closed_until: timeOrNull('When it is asked again after a rate limit; null: it is not closed'),
      ...laneFields,
    }),
    { description: 'Models with calls under way or waiting, or of which something was learned.' },
  ),
})

const providerShape = Type.Object({
  object: Type.Literal('provider'),
  name: Type.String({ description: 'By the configuration.' }),
  vendor: Type.Unsafe<string | null>({
    type: ['string', 'null'],
    description: 'Whose price list applies; null: no known vendor’s.',
  }),
  dialects: Type.Array(Type.String(), {
    description: 'Wire formats that it speaks: in general, and for those of its models that were called.',
  }),
  origin: Type.String({ description: 'Of its base URL: scheme, host and port.' }),
  credential: Type.Object(
    { breaker: breakerShape },
    { description: 'Its breaker opens, for all models, when the key is rejected or the account is empty.' },
  ),
  targets: Type.Array(targetShape, {
    description: 'Its models that were called since this process started, by name.',
  }),
  lane: Type.Unsafe<Static<typeof laneShape> | null>({
    ...laneShape,
    type: ['object', 'null'],
    description: 'Who waits for it, and by which limits; null before its first call.',
  }),
})

const listShape = Type.Object({
  object: Type.Literal('list'),
  data: Type.Array(providerShape),
  has_more: Type.Literal(false, { description: 'All of them are on the one page.' }),
})

const params = Type.Object({
  name: Type.String({ description: 'The provider, by its name in the configuration.' }),
})

const root = '/sluice/v1/providers'

/** How providers do, as far as this process has seen. */
export function providerRoutes({ current, clock }: ProviderRoutesOptions): Route[] {
  const find = (name: string): ProviderDescription => {
    const found = current()
      .describe()
      .find(provider => provider.name === name)
    if (found) return found
    throw new Fault('not_found', 'No provider of this name is configured.', { param: 'name' })
  }
  return [
    {
      method: 'GET',
      path: root,
      requires: 'admin',
      summary: 'Configured providers, and how they do as far as this process has seen.',
      answer: { status: 200, schema: listShape },
      async handle(): Promise<Static<typeof listShape>> {
        const data = current()
          .describe()
          .map(provider => showProvider(provider, clock))
        return { object: 'list', data, has_more: false }
      },
    },
    {
      method: 'GET',
      path: `${root}/{name}`,
      requires: 'admin',
      summary: 'One provider.',
      params,
      answer: { status: 200, schema: providerShape },
      handle: async ({ params }) => showProvider(find(params.name), clock),
    },
    {
      method: 'POST',
      path: `${root}/{name}/reset`,
      requires: 'admin',
      summary: 'Closes the breakers of a provider, in this process: what was mended is tried again at once.',
      params,
      answer: { status: 200, schema: providerShape },
      async handle({ params }) {
        const { name } = find(params.name)
        current().reset(name)
        return showProvider(find(name), clock)
      },
    },
  ]
}

function showProvider(provider: ProviderDescription, clock: Clock): Static<typeof providerShape> {
  const { name, vendor, dialects, origin, credential, targets, lane } = provider
  return {
    object: 'provider',
    name,
    vendor: vendor ?? null,
    dialects,
    origin,
    credential: { breaker: showBreaker(credential, clock) },
    targets: targets.map(target => showTarget(name, target, clock)),
    lane: showLane(lane, clock),
  }
}

function showTarget(provider: string, standing: TargetStanding, clock: Clock): Static<typeof targetShape> {
  const { model, underWay, firstTokenP50Ms, firstTokenP95Ms, lastFailure } = standing
  return {
    target: targetName({ provider, model }),
    breaker: showBreaker(standing, clock),
    under_way: underWay,
    first_token_ms: { p50: firstTokenP50Ms ?? null, p95: firstTokenP95Ms ?? null },
    last_failure: lastFailure
      ? { failure: lastFailure.failure, at: new Date(lastFailure.atMs).toISOString() }
      : null,
  }
}

function showLane(
  [whole, ...models]: readonly LaneStanding[],
  clock: Clock,
): Static<typeof laneShape> | null {
  if (!whole) return null
  return {
    ...showPlaces(whole),
    models: models.map(({ provider, model = '', closedForMs, ...places }) => ({
      target: targetName({ provider, model }),
      closed_until: closedForMs > 0 ? new Date(clock.now() + closedForMs).toISOString() : null,
      ...showPlaces(places),
    })),
  }
}

function showPlaces({ waiting, underWay, limits }: Pick<LaneStanding, 'waiting' | 'underWay' | 'limits'>) {
  return {
    waiting,
    under_way: underWay,
    limits: {
      requests_per_minute: limits.requestsPerMinute ?? null,
      tokens_per_minute: limits.tokensPerMinute ?? null,
      concurrency: limits.concurrency ?? null,
    },
  }
}

function showBreaker({ state, opensInMs }: BreakerStanding, clock: Clock): Static<typeof breakerShape> {
  const until = state === 'open' ? new Date(clock.now() + opensInMs).toISOString() : null
  return { state, open_until: until }
}
