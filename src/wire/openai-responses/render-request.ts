import type { ChatRequest, Message, Reasoning, Tool, ToolChoice } from '#exchange'
import type { RenderTarget } from '../dialect.ts'
import { neverReasons } from '../openai/models.ts'
import { longestUser, shortId } from '../openai/short-id.ts'
import { said } from '../reading.ts'
import { effortFor, sealsThoughts, takesSampling } from './models.ts'
import { renderItems } from './render-items.ts'
import { fewestOutputTokens } from './takes.ts'

type Json = Record<string, unknown>

/**
 * The body for a provider that speaks Responses. Nothing is kept there: what a conversation needs goes along with
 * each request, and thoughts come back sealed.
 */
export function renderResponsesRequest(request: ChatRequest, target: RenderTarget): Json {
  return said<Json>({
    ...renderPrompt(request, target),
    max_output_tokens:
      request.maxOutputTokens === undefined
        ? undefined
        : Math.max(request.maxOutputTokens, fewestOutputTokens),
    ...renderSampling(request, target.model),
    top_logprobs: request.logprobs && request.logprobs.top > 0 ? request.logprobs.top : undefined,
    include: renderInclude(request, target.model),
    service_tier: request.serviceTier,
    safety_identifier: request.user === undefined ? undefined : shortId(request.user, longestUser),
    metadata: request.metadata,
    prompt_cache_key: request.promptCacheKey,
    store: false,
    stream: target.stream ? true : undefined,
  })
}

/** What is the default anyway is not said to models that refuse to be told. */
function renderSampling({ temperature, topP, reasoning }: ChatRequest, model: string): Json {
  const isSaid = (value: number | undefined): boolean => value !== 1 || takesSampling(model, reasoning)
  return {
    temperature: isSaid(temperature) ? temperature : undefined,
    top_p: isSaid(topP) ? topP : undefined,
  }
}

/** What of a request is counted as input. */
export function renderPrompt(request: ChatRequest, { model }: RenderTarget): Json {
  const { instructions, messages } = takeInstructions(request.messages)
  const tools = request.tools.flatMap(renderTool)
  const text = said<Json>({ format: renderFormat(request.format), verbosity: request.verbosity })
  return said<Json>({
    model,
    instructions,
    input: renderItems(messages),
    tools: tools.length > 0 ? tools : undefined,
    tool_choice: tools.length > 0 ? renderToolChoice(request.toolChoice, request.tools) : undefined,
    parallel_tool_calls: tools.length > 0 ? request.parallelToolCalls : undefined,
    text: Object.keys(text).length > 0 ? text : undefined,
    reasoning: renderReasoning(request.reasoning, model),
  })
}

/** A system message that is one plain text, where it comes first. */
function takeInstructions(messages: readonly Message[]): {
  instructions?: string
  messages: readonly Message[]
} {
  const [first, ...rest] = messages
  const [part, ...others] = first?.role === 'system' ? first.parts : []
  if (part?.type !== 'text' || others.length > 0 || rest.length === 0) return { messages }
  return { instructions: part.text, messages: rest }
}

/** A model under a name nobody knows may think; to ask for its seal is safe where it is told how much to think. */
function renderInclude({ logprobs, reasoning }: ChatRequest, model: string): string[] | undefined {
  const effort = effortFor(model, reasoning)
  const thinks = sealsThoughts(model) || (effort !== undefined && effort !== 'none' && !neverReasons(model))
  const include = [
    ...(thinks ? ['reasoning.encrypted_content'] : []),
    ...(logprobs ? ['message.output_text.logprobs'] : []),
  ]
  return include.length > 0 ? include : undefined
}

/** Who asks for thinking in Anthropic's and Gemini's way means to see it, which here has to be said. */
function renderReasoning(reasoning: Reasoning | undefined, model: string): Json | undefined {
  const asksToThink = (reasoning?.budgetTokens ?? 0) > 0 || reasoning?.adaptive === true
  const show = reasoning?.show ?? (asksToThink ? 'auto' : undefined)
  const rendered = said<Json>({
    effort: effortFor(model, reasoning),
    summary: show === 'none' || neverReasons(model) ? undefined : show,
  })
  return Object.keys(rendered).length > 0 ? rendered : undefined
}

/** A function says whether it is strict: left unsaid it would be, and its optional arguments required. */
function renderTool(tool: Tool): Json[] {
  if (tool.type === 'hosted') return tool.dialect === 'openai-responses' ? [{ ...Object(tool.value) }] : []
  const { name, description } = tool
  if (tool.type === 'custom') return [said<Json>({ type: 'custom', name, description, format: tool.format })]
  const parameters = tool.schema ?? { type: 'object', properties: {} }
  const strict = tool.strict === true && tool.schema !== undefined
  return [said<Json>({ type: 'function', name, description, parameters, strict })]
}

function renderToolChoice(choice: ToolChoice | undefined, tools: readonly Tool[]): unknown {
  if (!choice) return undefined
  const named = (name: string): Json => {
    const type = tools.find(tool => tool.name === name)?.type ?? 'function'
    return type === 'hosted' ? { type: name } : { type, name }
  }
  if (choice.type === 'tool') return named(choice.name)
  if (choice.type !== 'allowed') return choice.type
  return { type: 'allowed_tools', mode: choice.mode, tools: choice.names.map(named) }
}

function renderFormat(format: ChatRequest['format']): Json | undefined {
  if (!format) return undefined
  if (format.type === 'json') return { type: 'json_object' }
  const { name = 'answer', description, schema, strict } = format
  return said<Json>({ type: 'json_schema', name, description, schema, strict })
}
