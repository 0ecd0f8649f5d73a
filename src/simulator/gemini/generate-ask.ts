import type { ChatAsk, Format, Thinking, Tool, ToolUse } from '../answer.ts'
import { ApiError, badRequest } from '../api-error.ts'
import { type Turn, weigh } from '../conversation.ts'
import type { Body } from '../dialect.ts'
import { asBody, asList, asNumber, asText } from '../fields.ts'
import { type Content, checkContents, readContents, violation } from './check-contents.ts'
import { checkSchema, checkTools, declarationsOf } from './check-tools.ts'
import { readProto } from './proto.ts'
import { generateFields } from './request-fields.ts'

/** Tokens thought when a thinking configuration is sent and the script says nothing. */
const usualThinking = 24

/** Reads a `GenerateContentRequest` as the Gemini API does: its proto first, then what the fields mean together. */
export function readGenerateAsk(body: Body, model: string, stream: boolean): ChatAsk | ApiError {
  const request = readProto(body, generateFields)
  return request instanceof ApiError ? request : readRequest(request, model, stream)
}

/** The same for a request whose proto has been read. */
export function readRequest(request: Body, model: string, stream: boolean): ChatAsk | ApiError {
  const contents = readContents(request.contents)
  const config = asBody(request.generationConfig)
  const wrong = checkContents(contents, model) ?? checkTools(request) ?? checkConfig(config)
  if (wrong) return wrong
  return {
    stream,
    wantsUsage: true,
    choices: asNumber(config.candidateCount) ?? 1,
    maxTokens: asNumber(config.maxOutputTokens),
    stops: asList(config.stopSequences).map(String),
    parallelTools: true,
    format: readFormat(config),
    logprobs: config.responseLogprobs === true ? (asNumber(config.logprobs) ?? 0) : undefined,
    refusesSilently: true,
    ...readThinking(config),
    ...readToolChoice(request),
    ...readConversation(request, contents),
  }
}

const ranges: readonly { name: string; least: number; most: number }[] = [
  { name: 'temperature', least: 0, most: 2 },
  { name: 'topP', least: 0, most: 1 },
  { name: 'topK', least: 1, most: 1_000_000 },
  { name: 'candidateCount', least: 1, most: 8 },
  { name: 'maxOutputTokens', least: 1, most: 2 ** 31 - 1 },
  { name: 'presencePenalty', least: -2, most: 2 },
  { name: 'frequencyPenalty', least: -2, most: 2 },
  { name: 'logprobs', least: 0, most: 20 },
]
const jsonType = 'application/json'

function checkConfig(config: Body): ApiError | undefined {
  const place = (name: string): string =>
    `generation_config.${name.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`)}`
  for (const { name, least, most } of ranges) {
    const value = asNumber(config[name])
    if (value !== undefined && (value < least || value > most)) {
      return violation(place(name), `${name} must be in the range [${least}, ${most}].`)
    }
  }
  const type = asText(config.responseMimeType)
  if (type !== undefined && type !== '' && type !== 'text/plain' && type !== jsonType) {
    return violation(place('responseMimeType'), 'allowed mimetypes are `text/plain` and `application/json`.')
  }
  const { responseSchema, responseJsonSchema } = config
  if (responseSchema !== undefined && responseJsonSchema !== undefined) {
    return badRequest('Only one of response_schema and response_json_schema may be set.', null)
  }
  if ((responseSchema ?? responseJsonSchema) !== undefined && type !== jsonType) {
    return violation(place('responseSchema'), 'only allowed when response_mime_type is `application/json`.')
  }
  if (asList(config.stopSequences).length > 5) {
    return violation(place('stopSequences'), 'the number of stop sequences must be at most 5.')
  }
  if (config.logprobs !== undefined && config.responseLogprobs !== true) {
    return violation(place('logprobs'), 'logprobs may only be set when response_logprobs is true.')
  }
  const thinking = asBody(config.thinkingConfig)
  if (thinking.thinkingBudget !== undefined && thinking.thinkingLevel !== undefined) {
    return badRequest('You can only set only one of thinking budget and thinking level.', null)
  }
  return responseSchema === undefined
    ? undefined
    : checkSchema(asBody(responseSchema), place('responseSchema'))
}

/** Thoughts are shown only to who asks for them; a budget of 0 forbids them, one of -1 leaves it to the model. */
function readThinking({ thinkingConfig }: Body): { thinking?: Thinking } {
  if (thinkingConfig === undefined) return {}
  const { includeThoughts, thinkingBudget } = asBody(thinkingConfig)
  const budget = asNumber(thinkingBudget) ?? -1
  const most = budget < 0 ? Number.POSITIVE_INFINITY : budget
  return { thinking: { usual: usualThinking, most, shown: includeThoughts === true } }
}

function readFormat({ responseMimeType, responseSchema, responseJsonSchema }: Body): Format {
  if (responseMimeType !== jsonType) return { kind: 'text' }
  if (responseJsonSchema !== undefined) return { kind: 'schema', schema: responseJsonSchema }
  return responseSchema === undefined
    ? { kind: 'json' }
    : { kind: 'schema', schema: asJsonSchema(responseSchema) }
}

/** Gemini's schemas name their types in capitals; the rest is what JSON Schema has too. */
function asJsonSchema(schema: unknown): unknown {
  const { type, properties, items, anyOf, ...rest } = asBody(schema)
  return {
    ...rest,
    ...(type === undefined ? {} : { type: String(type).toLowerCase() }),
    ...(properties === undefined
      ? {}
      : {
          properties: Object.fromEntries(
            Object.entries(asBody(properties)).map(([name, one]) => [name, asJsonSchema(one)]),
          ),
        }),
    ...(items === undefined ? {} : { items: asJsonSchema(items) }),
    ...(anyOf === undefined ? {} : { anyOf: asList(anyOf).map(asJsonSchema) }),
  }
}

function readToolChoice(request: Body): { tools: readonly Tool[]; toolUse: ToolUse } {
  const tools = declarationsOf(request.tools).map(({ name, parameters, parametersJsonSchema }) => ({
    name: String(name),
    schema:
      parametersJsonSchema ?? (parameters === undefined ? { type: 'object' } : asJsonSchema(parameters)),
  }))
  const { mode, allowedFunctionNames } = asBody(asBody(request.toolConfig).functionCallingConfig)
  const allowed = asList(allowedFunctionNames)
  const toolUse = mode === 'ANY' ? 'required' : mode === 'NONE' ? 'none' : 'auto'
  return { tools: allowed.length > 0 ? tools.filter(tool => allowed.includes(tool.name)) : tools, toolUse }
}

function readConversation(request: Body, contents: readonly Content[]) {
  const system = request.systemInstruction === undefined ? [] : readContents([request.systemInstruction])
  const turns = [
    ...system.flatMap(content => readTurns({ ...content, role: 'system' })),
    ...contents.flatMap(readTurns),
  ]
  const { responseSchema, responseJsonSchema, seed } = asBody(request.generationConfig)
  const afterTool = (contents.at(-1)?.parts ?? []).some(part => part.functionResponse !== undefined)
  const extras = [request.tools, responseSchema ?? responseJsonSchema]
  return { ...weigh(turns, extras, String(asNumber(seed) ?? '')), afterTool }
}

/** Responses of functions count as messages of their own, as in the other dialects. What was thought is not read. */
function readTurns({ role, parts }: Content): Turn[] {
  const turns: Turn[] = parts.flatMap(part =>
    part.functionResponse === undefined ? [] : [readResponse(asBody(part.functionResponse))],
  )
  const texts = parts.flatMap(part => (part.thought === true ? [] : (asText(part.text) ?? [])))
  const calls = parts.flatMap(part => part.functionCall ?? [])
  const attachments = parts.filter(part => (part.inlineData ?? part.fileData) !== undefined).length
  if (texts.length + calls.length + attachments > 0 || turns.length === 0) {
    turns.push({
      role: role === 'model' ? 'assistant' : role,
      text: texts.join('\n'),
      calls: calls.length > 0 ? JSON.stringify(calls) : '',
      attachments,
      fromUser: role === 'user',
    })
  }
  return turns
}

function readResponse({ response, parts }: Body): Turn {
  const text = JSON.stringify(response ?? {})
  return { role: 'tool', text, calls: '', attachments: asList(parts).length, fromUser: false }
}
