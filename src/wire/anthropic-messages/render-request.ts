import type { ChatRequest, Tool } from '#exchange'
import type { RenderTarget } from '../dialect.ts'
import { type ModelTraits, modelTraits } from './models.ts'
import { renderCache } from './render-blocks.ts'
import { canClose, closeSchema } from './schema.ts'
import { boundOf, isThinking, planThinking, type ThinkingPlan } from './thinking.ts'
import { renderTurns, type Turn } from './turns.ts'

type Json = Record<string, unknown>

/** What is read of a prompt alone, and what counting its tokens takes too. */
export function renderPrompt(request: ChatRequest, model: string): Json {
  const traits = modelTraits(model)
  const plan = planThinking(request, model)
  const { system, turns } = renderTurns(request.messages, traits.inlineSystem)
  const tools = renderTools(request, traits)
  const config = renderConfig(request, plan)
  const named = tools.length > 0 ? tools : namedTools(turns)
  const choice = tools.length > 0 ? renderToolChoice(request) : { type: 'none' }
  return {
    model,
    ...(system.length > 0 && { system }),
    messages: turns,
    ...(named.length > 0 && { tools: named }),
    ...(named.length > 0 && choice && { tool_choice: choice }),
    ...(plan.thinking && { thinking: plan.thinking }),
    ...(config && { output_config: config }),
    ...renderCache(request.cache),
  }
}

/** The body for Anthropic's API or one like it. */
export function renderMessagesRequest(request: ChatRequest, { model, stream }: RenderTarget): Json {
  const traits = modelTraits(model)
  const plan = planThinking(request, model)
  const body = renderPrompt(request, model)
  if (!isThinking(plan)) trimPrefill(body.messages as Turn[])
  return {
    ...body,
    max_tokens: boundOf(request.maxOutputTokens, traits),
    ...renderSampling(request, traits, plan),
    ...(request.stop && request.stop.length > 0 && { stop_sequences: request.stop }),
    ...(request.user !== undefined && { metadata: { user_id: request.user } }),
    ...renderTier(request.serviceTier),
    ...(stream && { stream: true }),
  }
}

/** Values that are the default anyway are not sent to models that refuse to be told. */
function renderSampling(
  { temperature, topP, topK }: ChatRequest,
  { sampling, bothSampling }: ModelTraits,
  plan: ThinkingPlan,
): Json {
  if (!sampling || isThinking(plan)) return {}
  const both = temperature !== undefined && topP !== undefined && !bothSampling
  return {
    ...(temperature !== undefined && !(both && temperature === 1) && { temperature }),
    ...(topP !== undefined && !(both && temperature !== 1) && { top_p: topP }),
    ...(topK !== undefined && { top_k: topK }),
  }
}

function renderTier(tier: string | undefined): Json {
  if (tier === undefined) return {}
  return { service_tier: tier === 'default' ? 'standard_only' : 'auto' }
}

function renderConfig({ format }: ChatRequest, { effort }: ThinkingPlan): Json | undefined {
  if (format?.type !== 'json-schema') return effort === undefined ? undefined : { effort }
  const described =
    format.description !== undefined && format.schema.description === undefined
      ? { ...format.schema, description: format.description }
      : format.schema
  return {
    ...(effort !== undefined && { effort }),
    format: { type: 'json_schema', schema: closeSchema(described) },
  }
}

function renderTools({ tools, toolChoice }: ChatRequest, traits: ModelTraits): Json[] {
  const allowed = toolChoice?.type === 'allowed' ? new Set(toolChoice.names) : undefined
  return tools.filter(({ name }) => !allowed || allowed.has(name)).flatMap(tool => renderTool(tool, traits))
}

function renderTool(tool: Tool, { structured }: ModelTraits): Json[] {
  if (tool.type === 'custom') return []
  if (tool.type === 'hosted') return tool.dialect === 'anthropic-messages' ? [tool.value as Json] : []
  const { name, description, schema = {}, strict, cache } = tool
  const isStrict = strict === true && structured && canClose(schema)
  const whole = { type: 'object', ...(schema.properties === undefined && { properties: {} }), ...schema }
  return [
    {
      name,
      ...(description !== undefined && { description }),
      input_schema: isStrict ? closeSchema(whole) : whole,
      ...(isStrict && { strict: true }),
      ...(strict === false && { strict: false }),
      ...renderCache(cache),
    },
  ]
}

function renderToolChoice({ toolChoice, parallelToolCalls }: ChatRequest): Json | undefined {
  const serial = parallelToolCalls === undefined ? {} : { disable_parallel_tool_use: !parallelToolCalls }
  switch (toolChoice?.type) {
    case undefined:
      return parallelToolCalls === undefined ? undefined : { type: 'auto', ...serial }
    case 'none':
      return { type: 'none' }
    case 'auto':
      return { type: 'auto', ...serial }
    case 'required':
      return { type: 'any', ...serial }
    case 'tool':
      return { type: 'tool', name: toolChoice.name, ...serial }
    case 'allowed':
      return { type: toolChoice.mode === 'required' ? 'any' : 'auto', ...serial }
  }
}

/** A conversation with tool calls is refused where no tool is defined: those that it names, not to be called again. */
function namedTools(turns: readonly Turn[]): Json[] {
  const names = new Set<string>()
  for (const { content } of turns)
    for (const block of content) if (block.type === 'tool_use') names.add(String(block.name))
  return [...names].map(name => ({ name, input_schema: { type: 'object', properties: {} } }))
}

/** An answer's given beginning must not end with white space. */
function trimPrefill(turns: Turn[]): void {
  const last = turns.at(-1)
  const block = last?.content.at(-1)
  if (last?.role !== 'assistant' || block?.type !== 'text') return
  last.content[last.content.length - 1] = { ...block, text: String(block.text).trimEnd() }
}
