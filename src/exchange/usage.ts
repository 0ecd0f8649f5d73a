/**
 * Token counts in disjoint kinds: they add up to the provider's totals. Providers differ in what their totals
 * include (OpenAI's `prompt_tokens` contains cached tokens, Anthropic's `input_tokens` does not); each dialect
 * module does that arithmetic once, and nothing after it has to know.
 */
export const usageKinds = [
  'input',
  'cachedInput',
  'cacheWrite5m',
  'cacheWrite1h',
  'audioInput',
  'cachedAudioInput',
  'imageInput',
  'output',
  'reasoning',
  'audioOutput',
  'imageOutput',
] as const

export type UsageKind = (typeof usageKinds)[number]

/**
 * What providers charge for beside tokens: searches of the web that they make for an answer, pictures that are sold by
 * the piece.
 */
export const unitKinds = ['webSearches', 'images'] as const

export type UnitKind = (typeof unitKinds)[number]

/** Tokens by kind, and pieces; a kind that is absent is zero. */
export type Usage = Partial<Record<UsageKind | UnitKind, number>>

/** What a provider says of its charge beside the counts. */
export interface Bill {
  /** The service tier that it served the request in; `default` is the usual one. */
  tier?: string
  /** What it itself says that it charges, in pico-dollars. */
  picoUsd?: bigint
  /** Its counts are no counts, and were not believed; or they contradict each other, and were cut to the totals. */
  doubt?: 'refused' | 'contradicts'
}

/** Where the counts come from: the provider's word, our own count of what was seen, or nobody could tell. */
export type UsageSource = 'provider' | 'estimate' | 'unknown'

const inputKinds: readonly UsageKind[] = [
  'input',
  'cachedInput',
  'cacheWrite5m',
  'cacheWrite1h',
  'audioInput',
  'cachedAudioInput',
  'imageInput',
]

/** All input tokens, cached ones included. */
export function totalInput(usage: Usage): number {
  return inputKinds.reduce((sum, kind) => sum + (usage[kind] ?? 0), 0)
}

/** All output tokens, reasoning included. */
export function totalOutput(usage: Usage): number {
  return (usage.output ?? 0) + (usage.reasoning ?? 0) + (usage.audioOutput ?? 0) + (usage.imageOutput ?? 0)
}
