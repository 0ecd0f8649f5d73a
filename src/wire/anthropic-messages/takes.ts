import type { ChatRequest, Part } from '#exchange'
import type { ChatDialect } from '../dialect.ts'
import { someParts } from '../parts.ts'
import { modelTraits } from './models.ts'
import { canClose } from './schema.ts'
import { isForced, isThinking, planThinking } from './thinking.ts'

type If = (request: ChatRequest, target: { model: string }) => boolean

/** What Anthropic's Messages API can be told. Where it differs by model, `models.ts` knows how. */
export const messagesTakes: ChatDialect['takes'] = {
  temperature: {
    how: 'up to 1, by models that are older than Opus 4.7 and Sonnet 5, and not while thinking; 1 by all',
    if: (request, { model }) =>
      request.temperature === 1 || ((request.temperature ?? 0) <= 1 && samples(request, { model })),
  },
  top_p: {
    how: 'as `temperature`, and by models since Opus 4.1 not beside it; 1 by all',
    if: (request, { model }) =>
      request.topP === 1 ||
      (samples(request, { model }) && (modelTraits(model).bothSampling || (request.temperature ?? 1) === 1)),
  },
  top_k: { how: 'by models that take `temperature`, and not while thinking', if: samples },
  seed: 'no',
  frequency_penalty: { how: '0 only', if: request => request.frequencyPenalty === 0 },
  presence_penalty: { how: '0 only', if: request => request.presencePenalty === 0 },
  logit_bias: 'no',
  max_tokens: { how: "cut to the model's own bound, which also stands where none is given" },
  verbosity: 'no',
  service_tier: {
    how: 'auto and priority as `auto`, default as `standard_only`',
    if: ({ serviceTier = '' }) => ['auto', 'priority', 'default'].includes(serviceTier),
  },
  user: { how: 'as `metadata.user_id`' },
  metadata: 'no',
  prompt_cache_key: 'no',
  automatic_cache: { how: 'as `cache_control`' },
  stop: {
    how: 'as `stop_sequences`; none that is only white space',
    if: ({ stop = [] }) => stop.every(text => text.trim() !== ''),
  },
  n: 'no',
  logprobs: 'no',
  json: 'no',
  json_schema: {
    how: 'as `output_config.format`, by models since Opus 4.1 and the 4.5 family; bounds and patterns as words; every object with named properties',
    if: ({ format }, { model }) =>
      format?.type === 'json-schema' && modelTraits(model).structured && canClose(format.schema),
  },
  reasoning_effort: {
    how: 'as adaptive `thinking` with `output_config.effort`, by older models as a budget; not where a tool is forced, nor in the midst of a turn whose thinking is lost',
    if: (request, { model }) => planThinking(request, model).without === undefined,
  },
  reasoning_budget: {
    how: 'as `thinking.budget_tokens`, 1024 to less than `max_tokens`; as the nearest effort since Opus 4.7; not where a tool is forced, nor in the midst of a turn whose thinking is lost',
    if: (request, { model }) => isThinking(planThinking(request, model)),
  },
  reasoning_off: { how: 'as `thinking` disabled, or the least that the model takes' },
  reasoning_shown: {
    how: 'as `thinking.display`, summarized or omitted',
    if: (request, { model }) => isThinking(planThinking(request, model)),
  },
  tools: 'yes',
  strict_tools: {
    how: 'by models that take a `json_schema`, and for such schemas',
    if: ({ tools }, { model }) =>
      modelTraits(model).structured &&
      tools.every(tool => tool.type !== 'function' || tool.strict !== true || canClose(tool.schema)),
  },
  custom_tools: 'no',
  hosted_tools: {
    how: "Anthropic's own",
    if: ({ tools }) => tools.every(tool => tool.type !== 'hosted' || tool.dialect === 'anthropic-messages'),
  },
  tool_choice_required: { how: 'as `any`; the newest models refuse it', if: forces },
  tool_choice_named: { how: 'as `tool`; the newest models refuse it', if: forces },
  tool_choice_none: 'yes',
  allowed_tools: {
    how: 'only these tools are sent, with `auto` or `any`',
    if: (request, { model }) => !isForced(request) || forces(request, { model }),
  },
  parallel_tool_calls: { how: 'as `tool_choice.disable_parallel_tool_use`' },
  later_system: {
    how: "as role `system` since Opus 4.8, after a user's turn and before the assistant's; elsewhere said as the user",
    if: (_request, { model }) => modelTraits(model).inlineSystem,
  },
  names: 'no',
  made_media: 'no',
  image_data: {
    how: 'JPEG, PNG, GIF and WebP',
    if: request => !someParts(request, part => isStrangeImage(part)),
  },
  image_url: 'yes',
  image_id: { how: 'a file kept at Anthropic', if: keepsOwnFiles('image') },
  file_data: {
    how: 'PDF, and whatever is text',
    if: request => !someParts(request, part => isStrangeFile(part)),
  },
  file_text: 'yes',
  file_url: {
    how: 'PDF',
    if: request =>
      !someParts(
        request,
        part =>
          part.type === 'file' &&
          part.source.kind === 'url' &&
          (part.source.mediaType ?? 'application/pdf') !== 'application/pdf',
      ),
  },
  file_id: { how: 'a file kept at Anthropic', if: keepsOwnFiles('file') },
  audio_input: 'no',
  opaque_parts: {
    how: "Anthropic's own",
    if: request =>
      !someParts(request, part => part.type === 'opaque' && part.dialect !== 'anthropic-messages'),
  },
  image_detail: 'no',
  tool_result_media: 'yes',
  tool_result_error: 'yes',
  reasoning_history: {
    how: 'what Anthropic has signed; the rest is dropped',
    leaves: request =>
      someParts(
        request,
        part => part.type === 'reasoning' && part.signature?.dialect !== 'anthropic-messages',
      ),
  },
  cache_control: { how: 'at most 4', if: request => countMarks(request) <= 4 },
  document_citations: 'yes',
  prefill: {
    how: 'by models older than 4.6, without white space at its end, and not while thinking',
    if: (request, { model }) => modelTraits(model).prefill && !isThinking(planThinking(request, model)),
  },
}

function samples(request: ChatRequest, { model }: { model: string }): boolean {
  return modelTraits(model).sampling && !isThinking(planThinking(request, model))
}

function forces(_request: ChatRequest, { model }: { model: string }): boolean {
  return modelTraits(model).forcedTools
}

function keepsOwnFiles(type: 'image' | 'file'): If {
  return request =>
    !someParts(
      request,
      part => part.type === type && part.source.kind === 'id' && part.source.dialect !== 'anthropic-messages',
    )
}

export const imageTypes: readonly string[] = ['image/jpeg', 'image/png', 'image/gif', 'image/webp']

function isStrangeImage(part: Part): boolean {
  return part.type === 'image' && part.source.kind === 'data' && !imageTypes.includes(part.source.mediaType)
}

function isStrangeFile(part: Part): boolean {
  return (
    part.type === 'file' &&
    part.source.kind === 'data' &&
    part.source.mediaType !== 'application/pdf' &&
    !isTextType(part.source.mediaType)
  )
}

export function isTextType(mediaType: string): boolean {
  return mediaType.startsWith('text/') || mediaType === 'application/json'
}

function countMarks(request: ChatRequest): number {
  const tools = request.tools.filter(tool => tool.type === 'function' && tool.cache !== undefined).length
  const marks = (parts: readonly Part[]): number =>
    parts.reduce(
      (sum, part) =>
        sum +
        ('cache' in part && part.cache !== undefined ? 1 : 0) +
        (part.type === 'tool-result' ? marks(part.parts) : 0),
      0,
    )
  const inMessages = request.messages.reduce((sum, { parts }) => sum + marks(parts), 0)
  return tools + inMessages + (request.cache === undefined ? 0 : 1)
}
