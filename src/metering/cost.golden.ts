import type { Usage } from '#exchange'
import type { Overrides } from './override.ts'

/**
 * Calls worked out by hand. `sum` is the arithmetic, tokens × pico-dollars per token; a price of $1 per million
 * tokens is 1,000,000 pico-dollars per token. `usd` is its result, added up on paper.
 */
export interface GoldenCost {
  about: string
  /** `provider/model`. */
  target: string
  /** The vendor behind the provider; `openai` when absent. */
  vendor?: string
  /** When the call ended; a day in October 2026 when absent. */
  at?: string
  overrides?: Overrides
  usage: Usage
  sum: string
  usd: string
}

/** OpenAI's chat answers: `prompt_tokens` 2,006 of which 1,920 cached are 86 and 1,920 here, and so on. */
const openaiChat: GoldenCost[] = [
  {
    about: 'prompt 1000, completion 500',
    target: 'openai/gpt-5-mini',
    usage: { input: 1000, output: 500 },
    sum: '1_000 × 250_000 + 500 × 2_000_000',
    usd: '0.00125',
  },
  {
    about: 'prompt 2006 of which cached 1920, completion 300 of which reasoning 192',
    target: 'openai/gpt-5-mini',
    usage: { input: 86, cachedInput: 1920, output: 108, reasoning: 192 },
    sum: '86 × 250_000 + 1_920 × 25_000 + 108 × 2_000_000 + 192 × 2_000_000',
    usd: '0.0006695',
  },
  {
    about: 'prompt 4096, all cached, completion 1',
    target: 'openai/gpt-5-mini',
    usage: { input: 0, cachedInput: 4096, output: 1 },
    sum: '4_096 × 25_000 + 1 × 2_000_000',
    usd: '0.0001044',
  },
  { about: 'nothing used', target: 'openai/gpt-5-mini', usage: {}, sum: '0 × 250_000', usd: '0' },
  {
    about: 'one token',
    target: 'openai/gpt-5-nano',
    usage: { input: 1 },
    sum: '1 × 50_000',
    usd: '0.00000005',
  },
  {
    about: 'one cached token',
    target: 'openai/gpt-5-nano',
    usage: { cachedInput: 1 },
    sum: '1 × 5_000',
    usd: '0.000000005',
  },
  {
    about: 'prompt 8000, completion 2000 of which reasoning 1200',
    target: 'openai/gpt-5',
    usage: { input: 8000, output: 800, reasoning: 1200 },
    sum: '8_000 × 1_250_000 + 800 × 10_000_000 + 1_200 × 10_000_000',
    usd: '0.03',
  },
  {
    about: 'a dated name of the model',
    target: 'openai/gpt-5-2025-08-07',
    usage: { input: 100, output: 10 },
    sum: '100 × 1_250_000 + 10 × 10_000_000',
    usd: '0.000225',
  },
  {
    about: 'a name in capitals',
    target: 'openai/GPT-5-Mini',
    usage: { input: 4 },
    sum: '4 × 250_000',
    usd: '0.000001',
  },
  {
    about: 'half price for cached input: prompt 2524 of which cached 1024',
    target: 'openai/gpt-4o',
    usage: { input: 1500, cachedInput: 1024, output: 64 },
    sum: '1_500 × 2_500_000 + 1_024 × 1_250_000 + 64 × 10_000_000',
    usd: '0.00567',
  },
  {
    about: 'numbers that are not round',
    target: 'openai/gpt-4o-mini',
    usage: { input: 12_345, output: 678 },
    sum: '12_345 × 150_000 + 678 × 600_000',
    usd: '0.00225855',
  },
  {
    about: 'a quarter of the price for cached input',
    target: 'openai/gpt-4.1',
    usage: { input: 10, cachedInput: 3, output: 7 },
    sum: '10 × 2_000_000 + 3 × 500_000 + 7 × 8_000_000',
    usd: '0.0000775',
  },
  {
    about: 'mostly reasoning',
    target: 'openai/o1',
    usage: { input: 200, output: 100, reasoning: 4000 },
    sum: '200 × 15_000_000 + 100 × 60_000_000 + 4_000 × 60_000_000',
    usd: '0.249',
  },
  {
    about: 'three kinds at three prices',
    target: 'openai/o4-mini',
    usage: { input: 999, cachedInput: 999, output: 999 },
    sum: '999 × 1_100_000 + 999 × 275_000 + 999 × 4_400_000',
    usd: '0.005769225',
  },
  {
    about: 'text and speech, both ways',
    target: 'openai/gpt-audio',
    usage: { input: 50, audioInput: 700, output: 20, audioOutput: 900 },
    sum: '50 × 2_500_000 + 700 × 32_000_000 + 20 × 10_000_000 + 900 × 64_000_000',
    usd: '0.080325',
  },
  {
    about: 'cached speech with its own price',
    target: 'openai/gpt-4o-realtime-preview',
    usage: { cachedInput: 10, audioInput: 100, cachedAudioInput: 30, audioOutput: 5 },
    sum: '10 × 2_500_000 + 100 × 40_000_000 + 30 × 2_500_000 + 5 × 80_000_000',
    usd: '0.0045',
  },
  {
    about: 'pictures in and out',
    target: 'openai/gpt-image-1.5',
    usage: { input: 10, imageInput: 100, imageOutput: 1000 },
    sum: '10 × 5_000_000 + 100 × 8_000_000 + 1_000 × 32_000_000',
    usd: '0.03285',
  },
]

const standIns: GoldenCost[] = [
  {
    about: 'cached input without its own price costs what input costs',
    target: 'openai/o1-pro',
    usage: { cachedInput: 100, output: 1 },
    sum: '100 × 150_000_000 + 1 × 600_000_000',
    usd: '0.0156',
  },
  {
    about: 'the same on an old model, beside fresh input',
    target: 'openai/gpt-4',
    usage: { input: 7, cachedInput: 7, output: 7 },
    sum: '7 × 30_000_000 + 7 × 30_000_000 + 7 × 60_000_000',
    usd: '0.00084',
  },
  {
    about: 'a picture in a chat costs what text costs',
    target: 'openai/gpt-5',
    usage: { input: 10, imageInput: 765 },
    sum: '10 × 1_250_000 + 765 × 1_250_000',
    usd: '0.00096875',
  },
  {
    about: 'cache writes cost what input costs where the vendor does not price them',
    target: 'openai/gpt-4o-mini',
    usage: { cacheWrite5m: 20, cacheWrite1h: 40 },
    sum: '20 × 150_000 + 40 × 150_000',
    usd: '0.000009',
  },
  {
    about: 'reasoning with its own price',
    target: 'router/perplexity/sonar-deep-research',
    vendor: 'openrouter',
    usage: { input: 10, output: 10, reasoning: 1000 },
    sum: '10 × 2_000_000 + 10 × 8_000_000 + 1_000 × 3_000_000',
    usd: '0.0031',
  },
]

const embeddings: GoldenCost[] = [
  {
    about: 'one long text',
    target: 'openai/text-embedding-3-small',
    usage: { input: 8191 },
    sum: '8_191 × 20_000',
    usd: '0.00016382',
  },
  {
    about: 'one token',
    target: 'openai/text-embedding-3-large',
    usage: { input: 1 },
    sum: '1 × 130_000',
    usd: '0.00000013',
  },
  {
    about: 'a million tokens cost the price on the list',
    target: 'openai/text-embedding-ada-002',
    usage: { input: 1_000_000 },
    sum: '1_000_000 × 100_000',
    usd: '0.1',
  },
]

const tiers: GoldenCost[] = [
  {
    about: 'the last input below the long-context price',
    target: 'openai/gpt-5.4',
    usage: { input: 271_999, output: 1000 },
    sum: '271_999 × 2_500_000 + 1_000 × 15_000_000',
    usd: '0.6949975',
  },
  {
    about: 'one token more, and every token is dearer, output too',
    target: 'openai/gpt-5.4',
    usage: { input: 272_000, output: 1000 },
    sum: '272_000 × 5_000_000 + 1_000 × 22_500_000',
    usd: '1.3825',
  },
  {
    about: 'cached tokens count towards the length',
    target: 'openai/gpt-5.4',
    usage: { input: 2000, cachedInput: 270_000, output: 100 },
    sum: '2_000 × 5_000_000 + 270_000 × 500_000 + 100 × 22_500_000',
    usd: '0.14725',
  },
  {
    about: 'output does not count towards the length',
    target: 'openai/gpt-5.4',
    usage: { input: 100_000, reasoning: 200_000 },
    sum: '100_000 × 2_500_000 + 200_000 × 15_000_000',
    usd: '3.25',
  },
  {
    about: 'exactly at the threshold is not above it',
    target: 'openai/gpt-6-luna',
    usage: { input: 272_000 },
    sum: '272_000 × 100_000',
    usd: '0.0272',
  },
  {
    about: 'one above the threshold',
    target: 'openai/gpt-6-luna',
    usage: { input: 272_001 },
    sum: '272_001 × 200_000',
    usd: '0.0544002',
  },
  {
    about: 'a short request that writes a cache',
    target: 'openai/gpt-6-sol',
    usage: { input: 24, cacheWrite5m: 1000, output: 1 },
    sum: '24 × 2_000_000 + 1_000 × 2_500_000 + 1 × 10_000_000',
    usd: '0.002558',
  },
  {
    about: 'another vendor, at its threshold',
    target: 'gemini/gemini-2.5-pro',
    vendor: 'google',
    usage: { input: 200_000 },
    sum: '200_000 × 1_250_000',
    usd: '0.25',
  },
  {
    about: 'another vendor, one above',
    target: 'gemini/gemini-2.5-pro',
    vendor: 'google',
    usage: { input: 200_001, output: 10 },
    sum: '200_001 × 2_500_000 + 10 × 15_000_000',
    usd: '0.5001525',
  },
]

const dates: GoldenCost[] = [
  {
    about: 'the last millisecond of the old price',
    target: 'openai/o3',
    at: '2025-06-09T23:59:59.999Z',
    usage: { input: 1000, output: 100 },
    sum: '1_000 × 10_000_000 + 100 × 40_000_000',
    usd: '0.014',
  },
  {
    about: 'the first millisecond of the new price',
    target: 'openai/o3',
    at: '2025-06-10T00:00:00.000Z',
    usage: { input: 1000, output: 100 },
    sum: '1_000 × 2_000_000 + 100 × 8_000_000',
    usd: '0.0028',
  },
  {
    about: 'before a price cut',
    target: 'openai/gpt-5.6-luna',
    at: '2026-07-29T12:00:00Z',
    usage: { input: 1000, output: 10 },
    sum: '1_000 × 1_000_000 + 10 × 6_000_000',
    usd: '0.00106',
  },
  {
    about: 'after it',
    target: 'openai/gpt-5.6-luna',
    usage: { input: 1000, output: 10 },
    sum: '1_000 × 200_000 + 10 × 1_200_000',
    usd: '0.000212',
  },
  {
    about: 'a long context while it still cost more',
    target: 'anthropic/claude-sonnet-4-6',
    vendor: 'anthropic',
    at: '2026-03-12T23:00:00Z',
    usage: { input: 1, cachedInput: 200_000, output: 10 },
    sum: '1 × 6_000_000 + 200_000 × 600_000 + 10 × 22_500_000',
    usd: '0.120231',
  },
  {
    about: 'the same request a day later',
    target: 'anthropic/claude-sonnet-4-6',
    vendor: 'anthropic',
    at: '2026-03-13T23:00:00Z',
    usage: { input: 1, cachedInput: 200_000, output: 10 },
    sum: '1 × 3_000_000 + 200_000 × 300_000 + 10 × 15_000_000',
    usd: '0.060153',
  },
  {
    about: 'the dear hours of the day',
    target: 'deepseek/deepseek-chat',
    vendor: 'deepseek',
    at: '2025-03-01T12:00:00Z',
    usage: { input: 1000, output: 100 },
    sum: '1_000 × 270_000 + 100 × 1_100_000',
    usd: '0.00038',
  },
  {
    about: 'the moment the cheap hours begin',
    target: 'deepseek/deepseek-chat',
    vendor: 'deepseek',
    at: '2025-03-01T16:30:00Z',
    usage: { input: 1000, output: 100 },
    sum: '1_000 × 135_000 + 100 × 550_000',
    usd: '0.00019',
  },
  {
    about: 'the last moment of the cheap hours, after midnight',
    target: 'deepseek/deepseek-chat',
    vendor: 'deepseek',
    at: '2025-03-02T00:29:59.999Z',
    usage: { input: 1000, output: 100 },
    sum: '1_000 × 135_000 + 100 × 550_000',
    usd: '0.00019',
  },
]

const vendors: GoldenCost[] = [
  {
    about: 'five minutes and an hour of cache at their own prices',
    target: 'anthropic/claude-opus-4-6',
    vendor: 'anthropic',
    usage: { input: 3, cachedInput: 5000, cacheWrite5m: 1000, cacheWrite1h: 2000, output: 7 },
    sum: '3 × 5_000_000 + 5_000 × 500_000 + 1_000 × 6_250_000 + 2_000 × 10_000_000 + 7 × 25_000_000',
    usd: '0.02894',
  },
  {
    about: 'text and speech, fresh and cached',
    target: 'gemini/gemini-2.5-flash',
    vendor: 'google',
    usage: { input: 100, cachedInput: 60, audioInput: 200, cachedAudioInput: 50, output: 10 },
    sum: '100 × 300_000 + 60 × 30_000 + 200 × 1_000_000 + 50 × 100_000 + 10 × 2_500_000',
    usd: '0.0002618',
  },
  {
    about: 'a vendor that sells the models of another',
    target: 'azure/gpt-5',
    vendor: 'azure',
    usage: { input: 1000 },
    sum: '1_000 × 1_250_000',
    usd: '0.00125',
  },
  {
    about: 'input and output at nearly the same price',
    target: 'groq/llama-3.3-70b-versatile',
    vendor: 'groq',
    usage: { input: 100, output: 100 },
    sum: '100 × 590_000 + 100 × 790_000',
    usd: '0.000138',
  },
  {
    about: 'a model that is free',
    target: 'router/openai/gpt-oss-20b:free',
    vendor: 'openrouter',
    usage: { input: 1000, output: 1000 },
    sum: '1_000 × 0 + 1_000 × 0',
    usd: '0',
  },
  {
    about: 'the simulator',
    target: 'sim/echo',
    vendor: 'sim',
    usage: { input: 12, output: 34 },
    sum: '12 × 100_000 + 34 × 400_000',
    usd: '0.0000148',
  },
  {
    about: 'the simulator, with a warm cache',
    target: 'sim/echo',
    vendor: 'sim',
    usage: { input: 100, cachedInput: 1000 },
    sum: '100 × 100_000 + 1_000 × 25_000',
    usd: '0.000035',
  },
]

const overrides: GoldenCost[] = [
  {
    about: 'a house model',
    target: 'house/llama-3.3',
    vendor: 'custom',
    overrides: { 'house/llama-3.3': { input: '0.10', output: '0.10' } },
    usage: { input: 2_000_000, output: 500_000 },
    sum: '2_000_000 × 100_000 + 500_000 × 100_000',
    usd: '0.25',
  },
  {
    about: 'an override is the whole price: cached input follows its input, not the book',
    target: 'openai/gpt-5',
    overrides: { 'openai/gpt-5': { input: '1', output: '8' } },
    usage: { input: 100, cachedInput: 50, output: 10 },
    sum: '100 × 1_000_000 + 50 × 1_000_000 + 10 × 8_000_000',
    usd: '0.00023',
  },
  {
    about: 'all models of a provider, at the smallest price there is',
    target: 'house/tiny',
    vendor: 'custom',
    overrides: { 'house/*': { input: '0.000001' } },
    usage: { input: 7 },
    sum: '7 × 1',
    usd: '0.000000000007',
  },
]

const bigNumbers: GoldenCost[] = [
  {
    about: 'a trillion tokens each way',
    target: 'openai/gpt-5-mini',
    usage: { input: 1_000_000_000_000, output: 1_000_000_000_000 },
    sum: '1_000_000_000_000 × 250_000 + 1_000_000_000_000 × 2_000_000',
    usd: '2250000',
  },
  {
    about: 'the largest count that is exact, at the dearest price',
    target: 'openai/o1-pro',
    usage: { output: 9_007_199_254_740_991 },
    sum: '9_007_199_254_740_991 × 600_000_000',
    usd: '5404319552844.5946',
  },
  {
    about: 'a price and a count that doubles get wrong',
    target: 'house/odd',
    vendor: 'custom',
    overrides: { 'house/odd': { input: '0.000003' } },
    usage: { input: 3_002_399_751_580_331 },
    sum: '3_002_399_751_580_331 × 3',
    usd: '9007.199254740993',
  },
]

export const goldenCosts: Readonly<Record<string, readonly GoldenCost[]>> = {
  'OpenAI chat': openaiChat,
  'kinds without their own price': standIns,
  embeddings,
  'context-length tiers': tiers,
  'prices over time': dates,
  'other vendors': vendors,
  overrides,
  'big numbers': bigNumbers,
}
