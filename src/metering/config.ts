import { type Static, Type } from 'typebox'
import type { UsageKind } from '#exchange'
import { type Check, Count, nearest, Price } from '#platform'
import type { Override, Overrides } from './override.ts'
import type { Fees } from './price.ts'
import type { WrittenRate, WrittenRates } from './rate.ts'

const kinds = {
  input: ['input', 'Input tokens that no other kind counts.'],
  cached_input: ['cachedInput', 'Input read from the provider’s prompt cache.'],
  cache_write_5m: ['cacheWrite5m', 'Input written to the provider’s prompt cache for five minutes.'],
  cache_write_1h: ['cacheWrite1h', 'The same, for an hour.'],
  audio_input: ['audioInput', 'Audio input.'],
  cached_audio_input: ['cachedAudioInput', 'Audio input read from the cache.'],
  image_input: ['imageInput', 'Image input, where it is priced apart.'],
  output: ['output', 'Output tokens that no other kind counts.'],
  reasoning: ['reasoning', 'Reasoning tokens, where they are priced apart from output.'],
  audio_output: ['audioOutput', 'Audio output.'],
  image_output: ['imageOutput', 'Image output.'],
} as const satisfies Record<string, readonly [UsageKind, string]>

type PriceName = keyof typeof kinds

const byKind = Object.fromEntries(
  Object.entries(kinds).map(([name, [, description]]) => [name, Type.Optional(Price({ description }))]),
)

const pieces = {
  request: ['request', 'Each request, in US dollars, beside its tokens.'],
  web_search: ['webSearches', 'Each search of the web that the provider makes, in US dollars.'],
  image: ['images', 'Each picture that is sold by the piece, in US dollars.'],
} as const satisfies Record<string, readonly [keyof Fees, string]>

type PieceName = keyof typeof pieces

const priceConfig = Type.Object(
  {
    ...byKind,
    ...Object.fromEntries(
      Object.entries(pieces).map(([name, [, description]]) => [name, Type.Optional(Price({ description }))]),
    ),
    long_context: Type.Optional(
      Type.Object(
        {
          above: Count({ atLeast: '1', description: 'The input tokens that a request has more than.' }),
          ...byKind,
        },
        {
          additionalProperties: false,
          minProperties: 2,
          description:
            'Prices of every token of a request that is long: one with more input tokens than `above`, cached ones included. A kind that is left out costs as usual.',
        },
      ),
    ),
    tiers: Type.Optional(
      Type.Record(
        Type.String({ pattern: '^[a-z][a-z0-9_+-]{0,31}$' }),
        Type.Object(byKind, { additionalProperties: false, minProperties: 1 }),
        {
          additionalProperties: false,
          placeholder: 'TIER',
          description:
            'Prices by the service tier that the provider says it served, such as `flex`, `priority` or `batch`. A kind that is left out costs as usual.',
        },
      ),
    ),
  },
  { additionalProperties: false, minProperties: 1 },
)

type ByKind = Partial<Record<PriceName, string>>
type PriceSettings = ByKind &
  Partial<Record<PieceName, string>> & {
    long_context?: ByKind & { above: number }
    tiers?: Record<string, ByKind>
  }

export const pricesConfig = Type.Record(
  Type.String({ pattern: '^[^/\\s*]+/([^\\s*]*[^\\s*/]|[^\\s*]*\\*)$' }),
  Type.Unsafe<PriceSettings>(priceConfig),
  {
    additionalProperties: false,
    nameHint:
      'A price belongs to a target, such as openai/gpt-5-mini, or to a beginning and `*`, such as openai/gpt-5*.',
    placeholder: 'TARGET',
    default: {},
    description:
      'Prices of targets (`provider/model`, or a beginning and `*`) in US dollars per million tokens, by kind. One that is set here replaces the published price whole.',
  },
)

type PricesConfig = Static<typeof pricesConfig>

/** Prices as the price book takes them. */
export function readOverrides(config: PricesConfig): Overrides {
  return Object.fromEntries(Object.entries(config).map(([target, price]) => [target, readPrice(price)]))
}

function readPrice(settings: PriceSettings): Override {
  const { tiers, long_context: long, ...rest } = settings
  const fees = renamed(rest, pieces)
  return {
    ...withLong(renamed(rest, kinds), long),
    ...(tiers && {
      tiers: Object.fromEntries(Object.entries(tiers).map(([tier, own]) => [tier, renamed(own, kinds)])),
    }),
    ...(Object.keys(fees).length > 0 && { fees }),
  }
}

/** The settings that a table names, by the names it gives them. */
function renamed<To extends string>(
  settings: Readonly<Record<string, unknown>>,
  table: Readonly<Record<string, readonly [To, string]>>,
): Partial<Record<To, string>> {
  const found: Partial<Record<To, string>> = {}
  for (const [name, [to]] of Object.entries(table)) {
    const usd = settings[name]
    if (typeof usd === 'string') found[to] = usd
  }
  return found
}

function withLong(
  usual: Partial<Record<UsageKind, string>>,
  long: PriceSettings['long_context'],
): WrittenRates {
  if (!long) return usual
  const rates: Partial<Record<UsageKind, WrittenRate>> = { ...usual }
  for (const [kind, price] of Object.entries(renamed(long, kinds)) as [UsageKind, string][]) {
    // Short requests have no price of that kind where only long ones are told: what is told is not too low for them.
    rates[kind] = { base: usual[kind] ?? price, tiers: [{ aboveInputTokens: long.above, price }] }
  }
  return rates
}

/** A price for a provider that is not configured is a slip of the pen. */
export const checkPrices: Check<{ prices: PricesConfig; providers: Readonly<Record<string, unknown>> }> = (
  { prices, providers },
  report,
) => {
  for (const target of Object.keys(prices)) {
    const provider = target.slice(0, target.indexOf('/'))
    if (Object.hasOwn(providers, provider)) continue
    const near = nearest(provider, Object.keys(providers))
    report(['prices', target], `There is no provider \`${provider}\`.`, near && `Did you mean \`${near}\`?`)
  }
}
