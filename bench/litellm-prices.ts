import type { UsageKind } from '#exchange'
import type { Price } from '#metering'

/** What LiteLLM's `register_model` takes for a model. */
export type LitellmPrices = Record<string, unknown>

type Rates = Price['rates']

const fields: Readonly<Record<UsageKind, string>> = {
  input: 'input_cost_per_token',
  cachedInput: 'cache_read_input_token_cost',
  cacheWrite5m: 'cache_creation_input_token_cost',
  cacheWrite1h: 'cache_creation_input_token_cost_above_1hr',
  audioInput: 'input_cost_per_audio_token',
  cachedAudioInput: 'cache_read_input_audio_token_cost',
  imageInput: 'input_cost_per_image_token',
  output: 'output_cost_per_token',
  reasoning: 'output_cost_per_reasoning_token',
  audioOutput: 'output_cost_per_audio_token',
  imageOutput: 'output_cost_per_image_token',
}

/** LiteLLM takes the second one where the first is absent, so an equal price is left to that. */
const standIns: readonly (readonly [UsageKind, UsageKind])[] = [
  ['imageInput', 'input'],
  ['reasoning', 'output'],
]

/** Tiers that are a suffix of its fields; those of Anthropic (`fast`, `us`) are factors on the whole cost. */
const suffixes: Readonly<Record<string, string>> = { flex: '_flex', priority: '_priority', batch: '_batches' }
const factors = ['fast', 'us']

/** A price of ours in LiteLLM's own fields: US dollars, as doubles. */
export function litellmPrices(price: Price, provider: string): LitellmPrices {
  const prices: LitellmPrices = {
    litellm_provider: provider,
    mode: price.rates.output ? 'chat' : 'embedding',
    ...rateFields(price.rates, { provider, suffix: '' }),
  }
  for (const [tier, { rates }] of price.tiers ?? []) {
    const suffix = suffixes[tier]
    if (suffix !== undefined) Object.assign(prices, rateFields(rates, { provider, suffix }))
  }
  const times = factorsOf(price)
  if (Object.keys(times).length > 0) prices.provider_specific_entry = times
  const search = price.fees?.webSearches
  if (search !== undefined) prices.search_context_cost_per_query = anySize(usd(search))
  return prices
}

function rateFields(rates: Rates, { provider, suffix }: { provider: string; suffix: string }): LitellmPrices {
  const prices: LitellmPrices = {}
  for (const kind of Object.keys(fields) as UsageKind[]) {
    const rate = rates[kind]
    if (!rate || standsIn(rates, kind)) continue
    prices[`${fields[kind]}${suffix}`] = usd(rate.picoUsd)
    for (const { aboveInputTokens, picoUsd } of rate.tiers) {
      prices[`${fields[kind]}_above_${threshold(aboveInputTokens, provider)}_tokens${suffix}`] = usd(picoUsd)
    }
  }
  return prices
}

function standsIn(rates: Rates, kind: UsageKind): boolean {
  const other = standIns.find(([own]) => own === kind)?.[1]
  return other !== undefined && JSON.stringify(rates[kind], text) === JSON.stringify(rates[other], text)
}

/** Of xAI it takes the dearer price from the threshold on; of others, above it, as we do. */
function threshold(aboveInputTokens: number, provider: string): string {
  const tokens = provider === 'xai' ? aboveInputTokens + 1 : aboveInputTokens
  if (tokens % 1000 !== 0) throw new RangeError(`LiteLLM has no field for a threshold of ${tokens} tokens`)
  return `${tokens / 1000}k`
}

function factorsOf({ rates, tiers }: Price): Record<string, number> {
  const input = rates.input?.picoUsd
  return Object.fromEntries(
    factors.flatMap(tier => {
      const own = tiers?.get(tier)?.rates.input?.picoUsd
      return own === undefined || input === undefined ? [] : [[tier, Number(own) / Number(input)]]
    }),
  )
}

/** We know one price of a search, LiteLLM three, by how much of what was found is read. */
function anySize(perSearch: number): Record<string, number> {
  return Object.fromEntries(['low', 'medium', 'high'].map(size => [`search_context_size_${size}`, perSearch]))
}

function usd(picoUsd: bigint): number {
  return Number(picoUsd) / 1e12
}

function text(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value
}
