import type { ChatRequest } from '#exchange'
import type { FeatureName, Taking } from '../features.ts'
import { neverReasons, rejectsSampling } from '../openai/models.ts'
import { someParts } from '../parts.ts'

const sampling: Taking = {
  how: 'not by reasoning models',
  if: (_request, { model }) => !rejectsSampling(model),
}

/** What is the default anyway is not sent to models that refuse to be told. */
const samplingBut = (field: SamplingField, usual: number): Taking => ({
  how: `not by reasoning models; ${usual} by all`,
  if: (request, { model }) => request[field] === usual || !rejectsSampling(model),
})

type SamplingField = 'temperature' | 'topP' | 'frequencyPenalty' | 'presencePenalty'

const reasoning = (how: string): Taking => ({ how, if: (_request, { model }) => !neverReasons(model) })

const byQuirk = (quirk: string, how: string): Taking => ({
  how,
  if: (_request, { quirks }) => quirks.has(quirk),
})

/** What a provider can be told in Chat Completions. */
export const chatTakes: Readonly<Record<FeatureName, Taking>> = {
  temperature: samplingBut('temperature', 1),
  top_p: samplingBut('topP', 1),
  top_k: byQuirk('top_k', 'by servers that are known to (vLLM, SGLang and others), not by OpenAI'),
  seed: 'yes',
  frequency_penalty: samplingBut('frequencyPenalty', 0),
  presence_penalty: samplingBut('presencePenalty', 0),
  logit_bias: sampling,
  max_tokens: { how: 'as `max_completion_tokens`, or `max_tokens` where the vendor knows only that' },
  verbosity: 'yes',
  service_tier: 'yes',
  user: 'yes',
  metadata: 'no',
  prompt_cache_key: 'yes',
  automatic_cache: 'no',
  stop: {
    how: 'at most 4, not by reasoning models',
    if: ({ stop = [] }, { model }) => stop.length <= 4 && !rejectsSampling(model),
  },
  n: 'yes',
  logprobs: sampling,
  json: 'yes',
  json_schema: 'yes',
  reasoning_effort: reasoning('by reasoning models'),
  reasoning_budget: reasoning('as the nearest `reasoning_effort`'),
  reasoning_off: reasoning('as `reasoning_effort: none`'),
  reasoning_shown: 'no',
  tools: 'yes',
  strict_tools: 'yes',
  custom_tools: 'yes',
  hosted_tools: 'no',
  tool_choice_required: 'yes',
  tool_choice_named: 'yes',
  tool_choice_none: 'yes',
  allowed_tools: 'yes',
  parallel_tool_calls: 'yes',
  later_system: 'yes',
  names: 'yes',
  made_media: 'no',
  image_data: 'yes',
  image_url: 'yes',
  image_id: 'no',
  file_data: 'yes',
  file_text: { how: 'as text' },
  file_url: { how: 'fetched, and sent as data', fetch: true },
  file_id: { how: 'files kept at OpenAI', if: request => !someParts(request, isForeignFile) },
  audio_input: { how: 'wav and mp3', if: request => !someParts(request, isForeignAudio) },
  opaque_parts: 'no',
  image_detail: 'yes',
  tool_result_media: { how: 'in a message of the user behind the result' },
  tool_result_error: 'no',
  reasoning_history: byQuirk(
    'reasoning_content',
    'as `reasoning_content` by vendors that are known to (DeepSeek and others), not by OpenAI',
  ),
  cache_control: byQuirk('cache_control', 'by vendors that are known to (OpenRouter), not by OpenAI'),
  document_citations: 'no',
  prefill: { how: 'as a last message, which the model need not go on from' },
}

type Part = ChatRequest['messages'][number]['parts'][number]

function isForeignFile(part: Part): boolean {
  return part.type === 'file' && part.source.kind === 'id' && !part.source.dialect.startsWith('openai')
}

function isForeignAudio(part: Part): boolean {
  return (
    part.type === 'audio' &&
    !(part.source.kind === 'data' && /^audio\/(wav|x-wav|mp3|mpeg)$/.test(part.source.mediaType))
  )
}
