import type {
  ChatRequest,
  Effort,
  FilePart,
  ImagePart,
  Message,
  Reasoning,
  Tool,
  ToolChoice,
  ToolResultPart,
  UserPart,
} from '#exchange'
import { urlOf } from '../data-url.ts'
import type { RenderTarget } from '../dialect.ts'
import { isObject } from '../json-body.ts'
import { isReasoningModel, rejectsSampling } from '../openai/models.ts'
import { longestUser, shortId } from '../openai/short-id.ts'
import { writeGoogleSeal } from './spoken.ts'

type Json = Record<string, unknown>
type Quirks = ReadonlySet<string>

/** The body for a provider that speaks Chat Completions. */
export function renderChatRequest(request: ChatRequest, target: RenderTarget): Json {
  const { quirks } = target
  const maxField =
    quirks.has('max_tokens') && !isReasoningModel(target.model) ? 'max_tokens' : 'max_completion_tokens'
  return present({
    model: target.model,
    messages: request.messages.flatMap(message => renderMessage(message, quirks)),
    tools: request.tools.length > 0 ? request.tools.map(tool => renderTool(tool, quirks)) : undefined,
    tool_choice: request.tools.length > 0 ? renderToolChoice(request.toolChoice) : undefined,
    parallel_tool_calls: request.tools.length > 0 ? request.parallelToolCalls : undefined,
    response_format: renderFormat(request.format),
    verbosity: request.verbosity,
    reasoning_effort: renderEffort(request.reasoning),
    [maxField]: request.maxOutputTokens,
    top_k: request.topK,
    seed: request.seed,
    ...(!rejectsSampling(target.model) && {
      temperature: request.temperature,
      top_p: request.topP,
      frequency_penalty: request.frequencyPenalty,
      presence_penalty: request.presencePenalty,
    }),
    stop: request.stop && request.stop.length > 0 ? request.stop : undefined,
    n: request.choices,
    logprobs: request.logprobs ? true : undefined,
    top_logprobs: request.logprobs && request.logprobs.top > 0 ? request.logprobs.top : undefined,
    logit_bias: request.logitBias,
    service_tier: request.serviceTier,
    user: request.user === undefined ? undefined : shortId(request.user, longestUser),
    prompt_cache_key: request.promptCacheKey,
    stream: target.stream ? true : undefined,
    stream_options: target.stream && !quirks.has('no_stream_options') ? { include_usage: true } : undefined,
  })
}

function present(fields: Json): Json {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}

function renderMessage(message: Message, quirks: Quirks): Json[] {
  const name = message.name === undefined ? {} : { name: message.name }
  if (message.role === 'assistant') return [{ ...renderAssistant(message, quirks), ...name }]
  if (message.role === 'user') return renderUser(message.parts, name, quirks)
  const role = quirks.has('system_for_developer') ? 'system' : message.role
  return [{ role, content: renderContent(message.parts, quirks), ...name }]
}

/** A turn of the user's: results of tools first, each a message of its own; what else there is behind them. */
function renderUser(parts: readonly UserPart[], name: Json, quirks: Quirks): Json[] {
  const results = parts.filter(part => part.type === 'tool-result')
  const media = results.flatMap(result => result.parts.filter(part => part.type !== 'text'))
  const rest = [...media, ...parts.filter(part => part.type !== 'tool-result')]
  return [
    ...results.map(result => renderResult(result)),
    ...(rest.length > 0 ? [{ role: 'user', content: renderContent(rest, quirks), ...name }] : []),
  ]
}

/** Chat has refused longer ones, where Responses takes 64. */
const callId = (id: string): string => shortId(id, 40, 'call_')

function renderResult(result: ToolResultPart): Json {
  const texts = result.parts.filter(part => part.type === 'text').map(({ text }) => text)
  const hasMedia = result.parts.length > texts.length
  const content = texts.length === 0 && hasMedia ? '(see the following message)' : texts.join('\n')
  return { role: 'tool', tool_call_id: callId(result.callId), content }
}

/** One text is a string, as every server reads it; anything else is a list. */
function renderContent(parts: readonly UserPart[], quirks: Quirks): unknown {
  const [only] = parts
  if (parts.length === 1 && only?.type === 'text' && !only.cache) return only.text
  return parts.map(part => renderPart(part, quirks))
}

function renderPart(part: UserPart, quirks: Quirks): unknown {
  const cache =
    quirks.has('cache_control') && 'cache' in part && part.cache
      ? { cache_control: { type: 'ephemeral', ...part.cache } }
      : {}
  switch (part.type) {
    case 'text':
      return { type: 'text', text: part.text, ...cache }
    case 'image':
      return { ...renderImage(part), ...cache }
    case 'file':
      return { ...renderFile(part), ...cache }
    case 'audio': {
      const { source } = part
      const format = source.kind === 'data' && source.mediaType.endsWith('wav') ? 'wav' : 'mp3'
      return {
        type: 'input_audio',
        input_audio: { data: source.kind === 'data' ? source.base64 : '', format },
      }
    }
    default:
      return { type: 'text', text: '' }
  }
}

function renderImage({ source, detail }: ImagePart): Json {
  return { type: 'image_url', image_url: { url: urlOf(source), ...(detail !== undefined && { detail }) } }
}

function renderFile({ source, filename }: FilePart): Json {
  if (source.kind === 'text') return { type: 'text', text: source.text }
  if (source.kind === 'id') return { type: 'file', file: { file_id: source.id } }
  return { type: 'file', file: { filename: filename ?? 'document.pdf', file_data: urlOf(source) } }
}

function renderAssistant({ parts }: Extract<Message, { role: 'assistant' }>, quirks: Quirks): Json {
  const spoken = parts.filter(part => part.type === 'text')
  const texts = spoken.map(({ text }) => text)
  const seal = spoken.findLast(({ signature }) => signature?.dialect === 'openai-chat')?.signature
  const refusals = parts.filter(part => part.type === 'refusal').map(({ text }) => text)
  const thoughts = parts.filter(part => part.type === 'reasoning').map(({ text }) => text)
  const calls = parts.filter(part => part.type === 'tool-call')
  return present({
    role: 'assistant',
    content: texts.length > 0 ? texts.join('') : null,
    refusal: refusals.length > 0 ? refusals.join('') : undefined,
    reasoning_content:
      quirks.has('reasoning_content') && thoughts.length > 0 ? thoughts.join('\n\n') : undefined,
    tool_calls:
      calls.length > 0
        ? calls.map(({ id, name, arguments: args, custom, signature }) => ({
            id: callId(id),
            ...(custom
              ? { type: 'custom', custom: { name, input: args } }
              : { type: 'function', function: { name, arguments: args } }),
            ...(signature?.dialect === 'openai-chat' && {
              extra_content: writeGoogleSeal(signature.value),
            }),
          }))
        : undefined,
    extra_content: seal && writeGoogleSeal(seal.value),
  })
}

function renderTool(tool: Tool, quirks: Quirks): unknown {
  if (tool.type === 'hosted') return tool.value
  if (tool.type === 'custom') {
    const { name, description, format } = tool
    return { type: 'custom', custom: present({ name, description, format: renderGrammar(format) }) }
  }
  const { name, description, schema, strict, cache } = tool
  return {
    type: 'function',
    function: present({
      name,
      description,
      parameters: schema ?? { type: 'object', properties: {} },
      strict,
    }),
    ...(quirks.has('cache_control') && cache && { cache_control: { type: 'ephemeral', ...cache } }),
  }
}

function renderGrammar(format: unknown): unknown {
  if (!isObject(format) || format.type !== 'grammar') return format
  const { type, ...grammar } = format
  return { type, grammar }
}

function renderToolChoice(choice: ToolChoice | undefined): unknown {
  if (!choice) return undefined
  if (choice.type === 'tool') return { type: 'function', function: { name: choice.name } }
  if (choice.type !== 'allowed') return choice.type
  const tools = choice.names.map(name => ({ type: 'function', function: { name } }))
  return { type: 'allowed_tools', allowed_tools: { mode: choice.mode, tools } }
}

function renderFormat(format: ChatRequest['format']): unknown {
  if (!format) return undefined
  if (format.type === 'json') return { type: 'json_object' }
  const { name = 'answer', description, schema, strict } = format
  return { type: 'json_schema', json_schema: present({ name, description, schema, strict }) }
}

/** Budgets as the efforts at which OpenAI's models spend about as much. */
function renderEffort(reasoning: Reasoning | undefined): Effort | undefined {
  if (!reasoning) return undefined
  const { effort, budgetTokens } = reasoning
  if (effort !== undefined) return effort === 'max' ? 'xhigh' : effort
  if (budgetTokens === undefined) return undefined
  if (budgetTokens === 0) return 'none'
  return budgetTokens <= 2_048 ? 'low' : budgetTokens <= 12_288 ? 'medium' : 'high'
}
