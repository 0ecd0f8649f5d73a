import type { ChatRequest, Reasoning } from '#exchange'
import { renderMessagesRequest } from '../anthropic-messages/render-request.ts'
import type { RenderTarget } from '../dialect.ts'
import { isObject } from '../json-body.ts'
import { asMessages, isClaude } from './as-messages.ts'
import { cachePoint, renderBlocks } from './render-blocks.ts'
import { isNova2, thinksByEffort } from './takes.ts'

type Json = Readonly<Record<string, unknown>>

/**
 * The body for Converse (API reference, `Converse`). It is Anthropic's Messages in other words, for models of
 * everybody: what Messages knows of turns, results and of Claude is asked of Messages. The model is in the path.
 */
export function renderConverseRequest(request: ChatRequest, target: RenderTarget): Record<string, unknown> {
  const { model } = target
  const said = renderMessagesRequest(asMessages(request, model), target)
  const system = renderBlocks(objects(said.system))
  const fields = { ...renderModelFields(said, model), ...renderReasoning(request.reasoning, model) }
  const tier = request.serviceTier === 'auto' ? undefined : request.serviceTier
  return {
    messages: renderMessages(said),
    ...(system.length > 0 && { system }),
    ...optional('inferenceConfig', renderInference(request, said, model)),
    ...optional('toolConfig', renderTools(request, said)),
    ...optional('additionalModelRequestFields', fields),
    ...(request.stop && isClaude(model) && { additionalModelResponseFieldPaths: stopSequencePaths }),
    ...renderFormat(request, said),
    ...(request.metadata && { requestMetadata: request.metadata }),
    ...(tier !== undefined && { serviceTier: { type: tier } }),
  }
}

/** Which of them ended it is not said otherwise; it stands elsewhere in a stream than in a whole answer. */
const stopSequencePaths = ['/stop_sequence', '/delta/stop_sequence']

function renderMessages(said: Json): Json[] {
  const messages = objects(said.messages).map(({ role, content }) => {
    const blocks = renderBlocks(objects(content))
    // A document is refused where no text stands beside it (Message).
    const lacksText = blocks.some(block => 'document' in block) && !blocks.some(block => 'text' in block)
    return { role, content: lacksText ? [...blocks, { text: '(see the document)' }] : blocks }
  })
  const last = messages.at(-1)
  if (last && isObject(said.cache_control)) last.content.push(cachePoint(said.cache_control))
  return messages
}

function renderInference(request: ChatRequest, said: Json, model: string): Json {
  // Bounds of other makers' models are not known here: without a wish of the caller's they stand as they are.
  const most = isClaude(model) ? said.max_tokens : request.maxOutputTokens
  return {
    ...(most !== undefined && { maxTokens: most }),
    ...(said.temperature !== undefined && { temperature: said.temperature }),
    ...(said.top_p !== undefined && { topP: said.top_p }),
    ...(said.stop_sequences !== undefined && { stopSequences: said.stop_sequences }),
  }
}

/** What only Claude knows. An effort beside a budget is still behind a flag at Bedrock: the budget says it all. */
function renderModelFields({ thinking, top_k, output_config: config }: Json, model: string): Json {
  if (!isClaude(model)) return {}
  const effort = isObject(config) ? config.effort : undefined
  const isBudget = isObject(thinking) && thinking.type === 'enabled'
  return {
    ...(thinking !== undefined && { thinking }),
    ...(effort !== undefined && !isBudget && { output_config: { effort } }),
    ...(top_k !== undefined && { top_k }),
  }
}

const efforts: Readonly<Record<NonNullable<Reasoning['effort']>, string>> = {
  none: 'low',
  minimal: 'low',
  low: 'low',
  medium: 'medium',
  high: 'high',
  xhigh: 'high',
  max: 'high',
}

function renderReasoning(reasoning: Reasoning | undefined, model: string): Json {
  if (reasoning?.effort === undefined || !thinksByEffort(model)) return {}
  const effort = efforts[reasoning.effort]
  if (!isNova2(model)) return { reasoning_effort: effort }
  if (reasoning.effort === 'none') return { reasoningConfig: { type: 'disabled' } }
  return { reasoningConfig: { type: 'enabled', maxReasoningEffort: effort } }
}

/** There is no `none`: tools that must not be called are not told, unless they were called before. */
function renderTools(request: ChatRequest, said: Json): Json {
  const choice = isObject(said.tool_choice) ? said.tool_choice : {}
  const wereCalled = objects(said.messages).some(({ content }) =>
    objects(content).some(({ type }) => type === 'tool_use'),
  )
  if (request.toolChoice?.type === 'none' && !wereCalled) return {}
  const tools = objects(said.tools).flatMap(tool => {
    const { name, description, input_schema: schema, strict, cache_control: mark } = tool
    const spec = {
      name,
      ...(description !== undefined && description !== '' && { description }),
      inputSchema: { json: schema },
      ...(strict === true && { strict }),
    }
    return [{ toolSpec: spec }, ...(isObject(mark) ? [cachePoint(mark)] : [])]
  })
  if (tools.length === 0) return {}
  const chosen =
    choice.type === 'tool' ? { tool: { name: choice.name } } : choice.type === 'any' ? { any: {} } : undefined
  return { tools, ...(chosen && { toolChoice: chosen }) }
}

function renderFormat({ format }: ChatRequest, { output_config: config }: Json): Json {
  if (format?.type !== 'json-schema' || !isObject(config) || !isObject(config.format)) return {}
  const { name, description } = format
  const jsonSchema = {
    schema: JSON.stringify(config.format.schema),
    ...(name !== undefined && { name }),
    ...(description !== undefined && { description }),
  }
  return { outputConfig: { textFormat: { type: 'json_schema', structure: { jsonSchema } } } }
}

function optional(name: string, fields: Json): Json {
  return Object.keys(fields).length > 0 ? { [name]: fields } : {}
}

function objects(values: unknown): Json[] {
  return Array.isArray(values) ? values.filter(isObject) : []
}
