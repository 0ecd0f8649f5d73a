import type { ChatRequest, ReasoningPart } from '#exchange'
import { messagesTakes } from '../anthropic-messages/takes.ts'
import type { ChatProvider } from '../dialect.ts'
import type { FeatureName } from '../features.ts'
import { someParts } from '../parts.ts'
import { asMessages, isClaude, isNova } from './as-messages.ts'
import { documentFormat, imageFormats } from './formats.ts'

type Target = { model: string; quirks: ReadonlySet<string> }
type If = (request: ChatRequest, target: Target) => boolean

/** What Bedrock's Converse can be told. Much is the model's own: of Claude it is what Anthropic's API takes. */
export const converseTakes: ChatProvider['takes'] = {
  temperature: { how: 'of Claude as at Anthropic', if: asClaude('temperature') },
  top_p: { how: 'of Claude as at Anthropic', if: asClaude('top_p') },
  top_k: { how: 'by Claude, as at Anthropic', if: onlyClaude('top_k') },
  seed: 'no',
  frequency_penalty: { how: '0 only', if: request => request.frequencyPenalty === 0 },
  presence_penalty: { how: '0 only', if: request => request.presencePenalty === 0 },
  logit_bias: 'no',
  max_tokens: { how: "as `inferenceConfig.maxTokens`; cut to a Claude's own bound" },
  verbosity: 'no',
  service_tier: {
    how: 'default, flex and priority as `serviceTier`; auto is what Bedrock does by itself',
    if: ({ serviceTier = '' }) => ['auto', 'default', 'flex', 'priority'].includes(serviceTier),
  },
  user: 'no',
  metadata: { how: 'as `requestMetadata`: at most 16, of letters, digits and a few marks', if: isLoggable },
  prompt_cache_key: 'no',
  automatic_cache: { how: 'a `cachePoint` at the end, by Claude and Nova', if: caches },
  stop: {
    how: 'none that is only white space',
    if: ({ stop = [] }) => stop.every(text => text.trim() !== ''),
  },
  n: 'no',
  logprobs: 'no',
  json: 'no',
  json_schema: {
    how: 'as `outputConfig.textFormat`, of Claude as at Anthropic; bounds and patterns as words',
    if: asClaude('json_schema'),
  },
  reasoning_effort: {
    how: "of Claude as at Anthropic, by gpt-oss and Nova 2 as low, medium or high; not by others' models",
    if: (request, target) =>
      isClaude(target.model) ? asClaude('reasoning_effort')(request, target) : thinksByEffort(target.model),
  },
  reasoning_budget: { how: 'by Claude, as at Anthropic', if: onlyClaude('reasoning_budget') },
  reasoning_off: {
    how: 'by Claude, as at Anthropic; by Nova 2',
    if: (_request, { model }) => isClaude(model) || isNova2(model),
  },
  reasoning_shown: { how: 'by Claude, as at Anthropic', if: onlyClaude('reasoning_shown') },
  tools: 'yes',
  strict_tools: { how: 'by Claude, as at Anthropic', if: onlyClaude('strict_tools') },
  custom_tools: 'no',
  hosted_tools: 'no',
  tool_choice_required: { how: 'as `any`; of Claude as at Anthropic', if: asClaude('tool_choice_required') },
  tool_choice_named: { how: 'as `tool`; of Claude as at Anthropic', if: asClaude('tool_choice_named') },
  tool_choice_none: {
    how: 'the tools are not told; not after one was called, since then they must be',
    if: request => !someParts(request, ({ type }) => type === 'tool-call' || type === 'tool-result'),
  },
  allowed_tools: { how: 'only these tools are told, with `auto` or `any`', if: asClaude('allowed_tools') },
  parallel_tool_calls: { how: 'true only', if: ({ parallelToolCalls }) => parallelToolCalls === true },
  later_system: 'no',
  names: 'no',
  made_media: 'no',
  image_data: {
    how: 'JPEG, PNG, GIF and WebP',
    if: request =>
      !someParts(
        request,
        part =>
          part.type === 'image' &&
          part.source.kind === 'data' &&
          imageFormats[part.source.mediaType] === undefined,
      ),
  },
  image_url: { how: 'fetched by us', fetch: true },
  image_id: 'no',
  file_data: {
    how: 'PDF, Word, Excel, and whatever is text',
    if: request =>
      !someParts(
        request,
        part =>
          part.type === 'file' &&
          part.source.kind === 'data' &&
          documentFormat(part.source.mediaType) === undefined,
      ),
  },
  file_text: 'yes',
  file_url: { how: 'fetched by us', fetch: true },
  file_id: 'no',
  audio_input: 'no',
  opaque_parts: {
    how: "Bedrock's own",
    if: request => !someParts(request, part => part.type === 'opaque' && part.dialect !== 'bedrock-converse'),
  },
  image_detail: 'no',
  tool_result_media: 'yes',
  tool_result_error: { how: 'as `status`' },
  reasoning_history: {
    how: 'what Claude has signed, at Bedrock or Anthropic; the rest is dropped',
    leaves: (request, { model }) =>
      someParts(request, part => part.type === 'reasoning' && !(isClaude(model) && isClaudes(part))),
  },
  cache_control: {
    how: 'as a `cachePoint` behind it, by Claude and Nova; at most 4',
    if: (request, target) => caches(request, target) && asClaude('cache_control')(request, target),
  },
  document_citations: { how: 'by Claude', if: (_request, { model }) => isClaude(model) },
  prefill: { how: 'by Claude, as at Anthropic', if: onlyClaude('prefill') },
}

/** Of Claude, what Anthropic's own API takes; of others, what is documented for all models. */
function asClaude(name: FeatureName): If {
  const taking = messagesTakes[name]
  return (request, target) => {
    if (!isClaude(target.model) || taking === 'yes') return true
    if (taking === 'no') return false
    return taking.if?.(asMessages(request, target.model), target) ?? true
  }
}

function onlyClaude(name: FeatureName): If {
  return (request, target) => isClaude(target.model) && asClaude(name)(request, target)
}

function caches(_request: ChatRequest, { model }: Target): boolean {
  return isClaude(model) || isNova(model)
}

export function isNova2(model: string): boolean {
  return /nova-(2|\w+-2)/.test(model)
}

/** Both take each other's seals. */
function isClaudes({ signature }: ReasoningPart): boolean {
  return signature?.dialect === 'bedrock-converse' || signature?.dialect === 'anthropic-messages'
}

export function thinksByEffort(model: string): boolean {
  return model.includes('gpt-oss') || isNova2(model)
}

/** Bedrock's bounds on what goes into its log of calls (`requestMetadata`). */
function isLoggable({ metadata = {} }: ChatRequest): boolean {
  const entries = Object.entries(metadata)
  const isWord = (text: string): boolean => /^[a-zA-Z0-9\s:_@$#=/+,.-]{0,256}$/.test(text)
  return (
    entries.length <= 16 && entries.every(([name, value]) => name !== '' && isWord(name) && isWord(value))
  )
}
