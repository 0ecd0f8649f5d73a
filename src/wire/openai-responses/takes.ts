import type { Part } from '#exchange'
import type { FeatureName, Taking } from '../features.ts'
import { neverReasons } from '../openai/models.ts'
import { someParts } from '../parts.ts'
import { takesNoReasoning, takesSampling } from './models.ts'

const sampling: Taking = {
  how: 'not by models that think',
  if: ({ reasoning }, { model }) => takesSampling(model, reasoning),
}

/** The API takes no fewer: a smaller bound is raised to it, since a short answer is what was wanted. */
export const fewestOutputTokens = 16

/** What a provider can be told in Responses. */
export const responsesTakes: Readonly<Record<FeatureName, Taking>> = {
  temperature: {
    how: 'not by models that think; 1 by all',
    if: ({ temperature, reasoning }, { model }) => temperature === 1 || takesSampling(model, reasoning),
  },
  top_p: {
    how: 'not by models that think; 1 by all',
    if: ({ topP, reasoning }, { model }) => topP === 1 || takesSampling(model, reasoning),
  },
  top_k: 'no',
  seed: 'no',
  frequency_penalty: 'no',
  presence_penalty: 'no',
  logit_bias: 'no',
  max_tokens: {
    how: `as \`max_output_tokens\`, raised to ${fewestOutputTokens}`,
  },
  verbosity: { how: 'as `text.verbosity`' },
  service_tier: 'yes',
  user: { how: 'as `safety_identifier`' },
  metadata: 'yes',
  prompt_cache_key: 'yes',
  automatic_cache: { how: 'prefixes are cached unasked' },
  stop: 'no',
  n: 'no',
  logprobs: sampling,
  json: { how: 'as `text.format`' },
  json_schema: { how: 'as `text.format`' },
  reasoning_effort: { how: 'by models that think', if: (_request, { model }) => !neverReasons(model) },
  reasoning_budget: {
    how: 'as the nearest `reasoning.effort`',
    if: (_request, { model }) => !neverReasons(model),
  },
  reasoning_off: {
    how: 'as `reasoning.effort: none`, by models that know it',
    if: (_request, { model }) => takesNoReasoning(model),
  },
  reasoning_shown: {
    how: 'as `reasoning.summary`',
    if: ({ reasoning }, { model }) => reasoning?.show === 'none' || !neverReasons(model),
  },
  tools: 'yes',
  strict_tools: 'yes',
  custom_tools: 'yes',
  hosted_tools: {
    how: 'its own',
    if: ({ tools }) => tools.every(tool => tool.type !== 'hosted' || tool.dialect === 'openai-responses'),
  },
  tool_choice_required: 'yes',
  tool_choice_named: 'yes',
  tool_choice_none: 'yes',
  allowed_tools: 'yes',
  parallel_tool_calls: 'yes',
  later_system: 'yes',
  names: 'no',
  made_media: {
    how: 'images in a message of the user, sounds by their words',
    leaves: request => someParts(request, part => part.type === 'audio' && part.transcript === undefined),
  },
  image_data: 'yes',
  image_url: 'yes',
  image_id: { how: 'kept at OpenAI', if: request => !someParts(request, part => isForeign(part, 'image')) },
  file_data: 'yes',
  file_text: { how: 'as `file_data`' },
  file_url: 'yes',
  file_id: { how: 'kept at OpenAI', if: request => !someParts(request, part => isForeign(part, 'file')) },
  audio_input: 'no',
  opaque_parts: {
    how: 'its own items',
    if: request => !someParts(request, part => part.type === 'opaque' && part.dialect !== 'openai-responses'),
  },
  image_detail: 'yes',
  tool_result_media: 'yes',
  tool_result_error: 'no',
  reasoning_history: {
    how: 'as `reasoning` items, those that it sealed itself',
    if: request => someParts(request, isOwnThought),
    leaves: request => someParts(request, part => part.type === 'reasoning' && !isOwnThought(part)),
  },
  cache_control: 'no',
  document_citations: 'no',
  prefill: 'no',
}

function isForeign(part: Part, type: 'image' | 'file'): boolean {
  return part.type === type && part.source.kind === 'id' && !part.source.dialect.startsWith('openai')
}

function isOwnThought(part: Part): boolean {
  return part.type === 'reasoning' && part.signature?.dialect === 'openai-responses'
}
