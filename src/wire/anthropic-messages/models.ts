import type { Effort } from '#exchange'

/** What is known of a model by its name: Anthropic refuses in one what it wants in another. */
export interface ModelTraits {
  /** What is sent where the caller sets no bound; of a Claude, also the most that is taken. */
  maxOutputTokens: number
  /** A Claude, whose bounds are known; other vendors speak this dialect too. */
  claude: boolean
  /** `budget`: `enabled` with a number of tokens; `adaptive`: by effort; `either`: both are taken. */
  thinking: 'none' | 'budget' | 'either' | 'adaptive'
  /** How it is told not to think; `low-effort`: it always thinks, and can only be told to think little. */
  notThinking: 'omit' | 'disabled' | 'between_tools' | 'low-effort'
  /** Words that `output_config.effort` takes. */
  efforts: readonly Effort[]
  /** Takes temperature, top_p and top_k other than their defaults. */
  sampling: boolean
  /** Takes temperature and top_p in one request. */
  bothSampling: boolean
  /** Takes `tool_choice` any and tool. */
  forcedTools: boolean
  /** Takes `output_config.format` and strict tools. */
  structured: boolean
  /** Goes on from an assistant's message at the end. */
  prefill: boolean
  /** Takes the role `system` inside of `messages`. */
  inlineSystem: boolean
}

const stranger: ModelTraits = {
  maxOutputTokens: 8192,
  claude: false,
  thinking: 'budget',
  notThinking: 'disabled',
  efforts: [],
  sampling: true,
  bothSampling: true,
  forcedTools: true,
  structured: false,
  prefill: true,
  inlineSystem: false,
}

const threeFive: ModelTraits = { ...stranger, claude: true, thinking: 'none', notThinking: 'omit' }
const four: ModelTraits = { ...stranger, claude: true, maxOutputTokens: 64_000 }
const fourFive: ModelTraits = { ...four, structured: true, bothSampling: false }
const fourSix: ModelTraits = {
  ...fourFive,
  maxOutputTokens: 128_000,
  thinking: 'either',
  efforts: ['low', 'medium', 'high', 'max'],
  prefill: false,
}
const fourSeven: ModelTraits = {
  ...fourSix,
  thinking: 'adaptive',
  efforts: ['low', 'medium', 'high', 'xhigh', 'max'],
  sampling: false,
}
const five: ModelTraits = { ...fourSeven, inlineSystem: true }
/** Fable, Mythos, and what is not known yet: a low effort is the one way not to think that none of them refuses. */
const newest: ModelTraits = { ...five, notThinking: 'low-effort' }

/**
 * Families in the order of their versions (major * 100 + minor), the last that is reached counts. From Anthropic's
 * models overview and migration guides, as SDKs and gateways that call these models have them (autumn 2026).
 */
const families: Readonly<Record<string, readonly (readonly [from: number, traits: ModelTraits])[]>> = {
  opus: [
    [300, { ...threeFive, maxOutputTokens: 4096 }],
    [400, { ...four, maxOutputTokens: 32_000 }],
    [401, { ...fourFive, maxOutputTokens: 32_000 }],
    [405, { ...fourFive, efforts: ['low', 'medium', 'high'] }],
    [406, fourSix],
    [407, fourSeven],
    [408, five],
    [505, { ...newest, forcedTools: false }],
  ],
  sonnet: [
    [300, { ...threeFive, maxOutputTokens: 4096 }],
    [305, threeFive],
    [307, { ...four, maxOutputTokens: 64_000 }],
    [400, four],
    [405, fourFive],
    [406, fourSix],
    [500, five],
    [505, { ...five, notThinking: 'between_tools', forcedTools: false }],
  ],
  haiku: [
    [300, { ...threeFive, maxOutputTokens: 4096 }],
    [305, threeFive],
    [405, fourFive],
    [505, five],
  ],
  fable: [
    [0, newest],
    [501, { ...newest, forcedTools: false }],
  ],
}

export function modelTraits(model: string): ModelTraits {
  const version = claudeVersion(model)
  if (!version) return model.includes('claude') ? newest : stranger
  const rungs = families[version.family] ?? []
  return rungs.findLast(([from]) => version.number >= from)?.[1] ?? newest
}

/** `claude-opus-4-8`, `claude-3-5-haiku-latest`, `anthropic.claude-sonnet-4-5-20250929-v1:0`, `claude-opus-4@20250514`. */
function claudeVersion(model: string): { family: string; number: number } | undefined {
  const [, family, major, minor = '0'] = /claude-([a-z]+)-(\d+)(?:[.-](\d{1,2}))?(?!\d)/.exec(model) ?? []
  if (family && major) return { family, number: Number(major) * 100 + Number(minor) }
  const [, oldMajor, oldMinor = '0', oldFamily] = /claude-(\d)(?:[.-](\d))?-([a-z]+)/.exec(model) ?? []
  return oldMajor && oldFamily
    ? { family: oldFamily, number: Number(oldMajor) * 100 + Number(oldMinor) }
    : undefined
}
