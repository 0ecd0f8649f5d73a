import { type Static, Type } from 'typebox'
import type { UsageKind } from '#exchange'
import { type Check, nearest, Price } from '#platform'
import type { Overrides } from './price-book.ts'

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

const priceConfig = Type.Object(
  Object.fromEntries(
    Object.entries(kinds).map(([name, [, description]]) => [name, Type.Optional(Price({ description }))]),
  ),
  { additionalProperties: false, minProperties: 1 },
)

export const pricesConfig = Type.Record(
  Type.String({ pattern: '^[^/\\s*]+/([^\\s*]*[^\\s*/]|[^\\s*]*\\*)$' }),
  Type.Unsafe<Partial<Record<PriceName, string>>>(priceConfig),
  {
    additionalProperties: false,
    nameHint:
      'A price belongs to a target, such as openai/gpt-5-mini, or to a beginning and `*`, such as openai/gpt-5*.',
    placeholder: 'TARGET',
    default: {},
    description:
      'Prices of targets (`provider/model`, or a beginning and `*`) in US dollars per million tokens. One that is set here replaces the published price whole.',
  },
)

type PricesConfig = Static<typeof pricesConfig>

/** Prices as the price book takes them. */
export function readOverrides(config: PricesConfig): Overrides {
  return Object.fromEntries(
    Object.entries(config).map(([target, price]) => [
      target,
      Object.fromEntries(Object.entries(price).map(([name, usd]) => [kinds[name as PriceName][0], usd])),
    ]),
  )
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
