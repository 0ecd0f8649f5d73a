import { totalInput, totalOutput, type Usage } from '#exchange'
import { hasOnlyCounts } from '../bill.ts'
import { notOfNothing, readCount } from '../token-count.ts'

/**
 * The usage report of Chat Completions and Embeddings as disjoint kinds. Its totals include the details:
 * `prompt_tokens` contains cached, cache-write and audio tokens, `completion_tokens` contains reasoning and audio
 * tokens (openai-openapi, `CompletionUsage`). A detail larger than its total is cut to it: the total is what is
 * billed. Of xAI and Google the completion does not include the thinking, and only `total_tokens` does: what that has
 * more than the two is reasoning. Undefined when there is no report, its counts are not counts, or all of them are 0.
 */
export function readOpenAiUsage(report: unknown): Usage | undefined {
  return readUsage(report, chatNames)
}

/** The same of Responses, which call the totals `input_tokens` and `output_tokens` (openai-openapi, `ResponseUsage`). */
export function readResponsesUsage(report: unknown): Usage | undefined {
  return readUsage(report, responsesNames)
}

/**
 * What a whole response used: its report, and the searches of the web that it made, which stand in its output alone. To
 * open a page that was found, or to look for something in it, is not a search.
 */
export function readSearchedUsage(response: Readonly<Record<string, unknown>>): Usage | undefined {
  const usage = readResponsesUsage(response.usage)
  if (!usage || !Array.isArray(response.output)) return usage
  const webSearches = response.output.filter(isSearch).length
  return webSearches > 0 ? { ...usage, webSearches } : usage
}

function isSearch(item: unknown): boolean {
  if (field(item, 'type') !== 'web_search_call') return false
  const action = field(field(item, 'action'), 'type')
  return action === undefined || action === 'search'
}

/** The report of Chat Completions: totals that include their details. */
export function renderChatUsage(usage: Usage): Record<string, unknown> {
  const [prompt, completion] = [totalInput(usage), totalOutput(usage)]
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: {
      cached_tokens: (usage.cachedInput ?? 0) + (usage.cachedAudioInput ?? 0),
      cache_write_tokens: (usage.cacheWrite5m ?? 0) + (usage.cacheWrite1h ?? 0),
      audio_tokens: usage.audioInput ?? 0,
    },
    completion_tokens_details: {
      reasoning_tokens: usage.reasoning ?? 0,
      audio_tokens: usage.audioOutput ?? 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  }
}

/** The report of Responses, every detail of it there; null where nothing is known. */
export function renderResponsesUsage(usage: Usage | undefined): object | null {
  if (!usage) return null
  const [input, output] = [totalInput(usage), totalOutput(usage)]
  return {
    input_tokens: input,
    input_tokens_details: {
      cached_tokens: (usage.cachedInput ?? 0) + (usage.cachedAudioInput ?? 0),
      cache_write_tokens: (usage.cacheWrite5m ?? 0) + (usage.cacheWrite1h ?? 0),
    },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: usage.reasoning ?? 0 },
    total_tokens: input + output,
  }
}

const chatNames = {
  input: 'prompt_tokens',
  inputDetails: 'prompt_tokens_details',
  output: 'completion_tokens',
  outputDetails: 'completion_tokens_details',
}

const responsesNames: typeof chatNames = {
  input: 'input_tokens',
  inputDetails: 'input_tokens_details',
  output: 'output_tokens',
  outputDetails: 'output_tokens_details',
}

function readUsage(report: unknown, names: typeof chatNames): Usage | undefined {
  const prompt = readCount(report, names.input)
  if (prompt === undefined || !hasOnlyCounts(report)) return undefined
  const said = readCount(report, names.output)
  const hidden =
    said === undefined ? 0 : Math.max(0, (readCount(report, 'total_tokens') ?? 0) - prompt - said)
  const completion = (said ?? 0) + hidden
  const promptDetails = field(report, names.inputDetails)
  const completionDetails = field(report, names.outputDetails)

  const input = share(prompt, {
    cachedInput: readCount(promptDetails, 'cached_tokens') ?? readCount(report, 'prompt_cache_hit_tokens'), // the latter: DeepSeek
    cacheWrite5m: readCount(promptDetails, 'cache_write_tokens'),
    audioInput: readCount(promptDetails, 'audio_tokens'),
  })
  const output = share(completion, {
    reasoning: Math.max(readCount(completionDetails, 'reasoning_tokens') ?? 0, hidden),
    audioOutput: readCount(completionDetails, 'audio_tokens'),
  })
  return notOfNothing({
    ...(input.rest > 0 && { input: input.rest }),
    ...input.parts,
    ...(output.rest > 0 && { output: output.rest }),
    ...output.parts,
  })
}

/** Takes the parts out of a total, none of them more than is left of it. */
function share(total: number, wanted: Record<string, number | undefined>): { rest: number; parts: Usage } {
  let rest = total
  const parts: Record<string, number> = {}
  for (const [kind, tokens] of Object.entries(wanted)) {
    const taken = Math.min(tokens ?? 0, rest)
    if (taken > 0) parts[kind] = taken
    rest -= taken
  }
  return { rest, parts }
}

function field(object: unknown, name: string): unknown {
  return typeof object === 'object' && object !== null ? Reflect.get(object, name) : undefined
}
