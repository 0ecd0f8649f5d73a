import type { ChatRequest, Part } from '#exchange'
import type { FeatureName, Taking } from '../features.ts'
import { someParts } from '../parts.ts'
import { isGemini3, rejectsPenalties, thinkingMeasure } from './models.ts'

const penalty: Taking = {
  how: 'not by generation 2.5',
  if: (_request, { model }) => !rejectsPenalties(model),
}

const thinking = (how: string): Taking => ({
  how,
  if: (_request, { model }) => thinkingMeasure(model) !== 'none',
})

/** Before generation 3, an output format and functions exclude each other. */
const json = (how: string): Taking => ({
  how: `${how}; before generation 3 not beside tools`,
  if: ({ tools }, { model }) => tools.length === 0 || isGemini3(model),
})

const ownFiles: Taking = {
  how: 'files kept at Google',
  if: request => !someParts(request, isForeignFile),
}

/** What a provider can be told in `generateContent`. */
export const geminiTakes: Readonly<Record<FeatureName, Taking>> = {
  temperature: 'yes',
  top_p: 'yes',
  top_k: 'yes',
  seed: { how: 'of 32 bits', if: ({ seed = 0 }) => seed === (seed | 0) },
  frequency_penalty: penalty,
  presence_penalty: penalty,
  logit_bias: 'no',
  max_tokens: { how: 'as `maxOutputTokens`' },
  verbosity: 'no',
  service_tier: {
    how: 'default (as `standard`), flex and priority',
    if: ({ serviceTier = '' }) => ['auto', 'default', 'flex', 'priority'].includes(serviceTier),
  },
  user: 'no',
  metadata: 'no',
  prompt_cache_key: 'no',
  automatic_cache: { how: 'long prefixes are cached unasked' },
  stop: { how: 'as `stopSequences`, at most 5', if: ({ stop = [] }) => stop.length <= 5 },
  n: { how: 'as `candidateCount`, at most 8', if: ({ choices = 1 }) => choices <= 8 },
  logprobs: 'yes',
  json: json('as `responseMimeType`'),
  json_schema: json('as `responseJsonSchema`'),
  reasoning_effort: thinking('as `thinkingLevel`, for generation 2.5 as `thinkingBudget`'),
  reasoning_budget: thinking('as `thinkingBudget`, from generation 3 on as the nearest `thinkingLevel`'),
  reasoning_off: { how: 'as the least that the model can; nothing where it never thinks' },
  reasoning_shown: thinking('as `includeThoughts`'),
  tools: { how: 'as `functionDeclarations`' },
  strict_tools: {
    how: 'as mode `VALIDATED`, from generation 3 on',
    if: ({ toolChoice }, { model }) => isGemini3(model) && (toolChoice?.type ?? 'auto') !== 'none',
  },
  custom_tools: 'no',
  hosted_tools: {
    how: 'Google’s own',
    if: ({ tools }) => tools.every(tool => tool.type !== 'hosted' || tool.dialect === 'gemini'),
  },
  tool_choice_required: { how: 'as mode `ANY`' },
  tool_choice_named: { how: 'as mode `ANY` with `allowedFunctionNames`' },
  tool_choice_none: { how: 'as mode `NONE`' },
  allowed_tools: { how: 'as `allowedFunctionNames`, or by declaring no others' },
  parallel_tool_calls: { how: 'always allowed', if: ({ parallelToolCalls }) => parallelToolCalls === true },
  later_system: 'no',
  names: 'no',
  made_media: 'yes',
  image_data: 'yes',
  image_url: { how: 'fetched, and sent as data', fetch: true },
  image_id: ownFiles,
  file_data: 'yes',
  file_text: { how: 'as `text/plain` data' },
  file_url: { how: 'fetched, and sent as data', fetch: true },
  file_id: ownFiles,
  audio_input: {
    how: 'as data, or kept at Google',
    if: request => !someParts(request, part => part.type === 'audio' && isForeignId(part.source)),
  },
  opaque_parts: {
    how: 'Gemini’s own',
    if: request => !someParts(request, part => part.type === 'opaque' && part.dialect !== 'gemini'),
  },
  image_detail: {
    how: 'as `mediaResolution`, from generation 3 on',
    if: (_request, { model }) => isGemini3(model),
  },
  tool_result_media: { how: 'in the response, before generation 3 beside it' },
  tool_result_error: { how: 'as `response.error`' },
  reasoning_history: {
    how: 'thoughts with text; seals that are Gemini’s own; the rest is dropped',
    leaves: request =>
      someParts(
        request,
        part => part.type === 'reasoning' && part.text === '' && part.signature?.dialect !== 'gemini',
      ),
  },
  cache_control: 'no',
  document_citations: 'no',
  prefill: { how: 'as a last turn of the model' },
}

function isForeignFile(part: Part): boolean {
  return (part.type === 'image' || part.type === 'file') && isForeignId(part.source)
}

function isForeignId(
  source: Extract<ChatRequest['messages'][number]['parts'][number], { type: 'file' }>['source'],
) {
  return source.kind === 'id' && source.dialect !== 'gemini'
}
