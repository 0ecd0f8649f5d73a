import type { Events, Retention } from '#events'
import type { Unsupported } from '#exchange'
import type { Gateway } from '#gateway'
import type { Idempotency, IdempotencyLimits } from '#idempotency'
import { type ConfiguredKeys, indexConfiguredKeys, type Keys } from '#keys'
import type { LimitKeeper, Pricing } from '#limits'
import {
  boundOf,
  createMarkup,
  createMetering,
  createPriceBook,
  type Markup,
  type Metering,
  mostOutput,
  type PriceBook,
  type PublishedPrices,
  readFactors,
  readOverrides,
} from '#metering'
import { type Chance, type Clock, createEgress, type HttpClient } from '#platform'
import {
  createProviders,
  type HedgeBudgets,
  type Lanes,
  type Providers,
  type RetryBudgets,
  readProviders,
  type Standings,
  type ThoughtMemories,
} from '#providers'
import type { Responses } from '#responses'
import { createRouting, readModels } from '#routing'
import type { Config } from './config.ts'

/** What outlives a configuration. */
export interface Fixtures {
  keys: Keys
  events: Events
  responses: Responses
  idempotency: Idempotency
  http: HttpClient
  clock: Clock
  chance: Chance
  published: PublishedPrices
  thoughts: ThoughtMemories
  standings: Standings
  lanes: Lanes
  retryBudgets: RetryBudgets
  hedgeBudgets: HedgeBudgets
  limits: LimitKeeper
  /** Where the built-in simulator answers, when the configuration wants it. */
  simulatorUrl(): string
}

/** All that follows from one configuration. Calls under way keep the one they began with. */
export interface Snapshot {
  config: Config
  gateway: Gateway
  providers: Providers
  /** What tenants are charged for what providers bill. */
  markup: Markup
  configuredKeys: ConfiguredKeys
  retention: Retention
  idempotency: IdempotencyLimits
}

/** Builds the stages of a call from a configuration. Throws when the parts of it do not fit together. */
export function createSnapshot(config: Config, fixtures: Fixtures): Snapshot {
  const {
    keys,
    events,
    responses,
    http,
    clock,
    chance,
    published,
    simulatorUrl,
    thoughts,
    standings,
    lanes,
    retryBudgets,
    hedgeBudgets,
    limits,
  } = fixtures
  const records = readProviders(config.providers, { simulatorUrl, clock })
  const egress = createEgress({
    enabled: config.egress.enabled,
    timeoutMs: config.egress.timeout,
    allowHosts: config.egress.allow_hosts,
    maxRedirects: 5,
    clock,
  })
  const providers = createProviders(
    {
      http,
      clock,
      chance,
      egress,
      mostMediaBytes: config.egress.max_bytes,
      thoughts,
      standings,
      lanes,
      retryBudgets,
      hedgeBudgets,
    },
    records,
  )
  const routing = createRouting({
    ...readModels(config.models, config.providers),
    families: new Map(records.map(({ name, families }) => [name, families])),
    contexts: config.contexts,
    unsupported: config.unsupported as Unsupported | undefined,
    loadOf: target => providers.loadOf(target),
    chance,
  })
  const priceBook = createPriceBook({ published, overrides: readOverrides(config.prices) })
  const metering = createMetering({ priceBook })
  return {
    config,
    gateway: {
      responses,
      keys,
      routing,
      providers,
      metering,
      events,
      idempotency: fixtures.idempotency,
      limits: limits.view({
        pricing: pricingOf({ priceBook, metering, providers }),
        mostOutput: ({ model }) => mostOutput(model),
      }),
    },
    providers,
    markup: createMarkup(readFactors(config.markup)),
    configuredKeys: indexConfiguredKeys(config.keys, config.admin_key),
    retention: {
      content: config.calls.content as Retention['content'],
      contentMs: config.calls.content_retention,
      callsMs: config.calls.retention,
    },
    idempotency: { keepMs: config.idempotency.keep, maxAnswerBytes: config.idempotency.max_answer },
  }
}

/** Prices as limits need them: before an attempt, and once it is over. */
function pricingOf({ priceBook, metering, providers }: Pricers): Pricing {
  return {
    bound(target, tokens, atMs) {
      const vendor = providers.vendorOf(target.provider)
      const price = priceBook.priceOf(target, vendor, atMs)
      return price && boundOf(price, { ...tokens, tier: tokens.tier ?? tierOf(vendor) })
    },
    price(attempt) {
      if (attempt.price === undefined) metering.settle([attempt], providers.vendorOf)
    },
  }
}

/** Of who does not ask for a tier: OpenAI's projects may have a dearer one set for them, and nobody tells us. */
function tierOf(vendor: string): string | undefined {
  return vendor === 'openai' || vendor === 'azure' ? undefined : 'default'
}

interface Pricers {
  priceBook: PriceBook
  metering: Metering
  providers: Providers
}
