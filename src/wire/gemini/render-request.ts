import type { ChatRequest, Reasoning, Tool, ToolChoice } from '#exchange'
import type { RenderTarget } from '../dialect.ts'
import { isObject } from '../json-body.ts'
import type { Json } from './json.ts'
import {
  budgetForEffort,
  fitBudget,
  isGemini3,
  levelForBudget,
  levelForEffort,
  thinkingMeasure,
} from './models.ts'
import { renderContents } from './render-contents.ts'

/** The body for a provider that speaks `generateContent`. The model and the stream are said in the path. */
export function renderGeminiRequest(
  request: ChatRequest,
  { model }: Pick<RenderTarget, 'model'>,
): Record<string, unknown> {
  const begun = request.messages.findIndex(({ role }) => role === 'user' || role === 'assistant')
  // Google wants something said: instructions alone are said as the user.
  const leading = request.messages.slice(0, Math.max(begun, 0))
  const conversation = request.messages.slice(Math.max(begun, 0))
  const system = leading.flatMap(({ parts }) =>
    parts.flatMap(part => (part.type === 'text' && part.text !== '' ? [{ text: part.text }] : [])),
  )
  const generationConfig = present({
    ...renderSampling(request),
    ...renderFormat(request.format),
    thinkingConfig: renderThinking(request.reasoning, model),
  })
  return present({
    contents: renderContents(conversation, model),
    systemInstruction: system.length > 0 ? { parts: system } : undefined,
    tools: renderTools(request),
    toolConfig: renderToolConfig(request, model),
    generationConfig: Object.keys(generationConfig).length > 0 ? generationConfig : undefined,
    serviceTier: renderServiceTier(request.serviceTier),
  })
}

function present(fields: Json): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}

function renderSampling(request: ChatRequest): Json {
  const { stop = [], logprobs } = request
  return {
    maxOutputTokens: request.maxOutputTokens,
    temperature: request.temperature,
    topP: request.topP,
    topK: request.topK === 0 ? undefined : request.topK, // 0 says "all" elsewhere, and is refused here
    seed: request.seed,
    presencePenalty: request.presencePenalty,
    frequencyPenalty: request.frequencyPenalty,
    stopSequences: stop.length > 0 ? stop : undefined,
    candidateCount: request.choices,
    responseLogprobs: logprobs ? true : undefined,
    logprobs: logprobs && logprobs.top > 0 ? logprobs.top : undefined,
  }
}

function renderFormat(format: ChatRequest['format']): Json {
  if (!format) return {}
  const responseJsonSchema = format.type === 'json-schema' ? enumForConst(format.schema) : undefined
  return { responseMimeType: 'application/json', responseJsonSchema }
}

/** Google's schemas of responses know no `const`: a list of one says the same. */
function enumForConst(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(enumForConst)
  if (!isObject(schema)) return schema
  const entries = Object.entries(schema).map(([name, inner]): [string, unknown] => {
    if (name === 'const') return ['enum', [inner]]
    if (/^(properties|\$defs|definitions)$/.test(name) && isObject(inner))
      return [
        name,
        Object.fromEntries(Object.entries(inner).map(([key, value]) => [key, enumForConst(value)])),
      ]
    return [
      name,
      /^(items|prefixItems|anyOf|oneOf|allOf|additionalProperties)$/.test(name) ? enumForConst(inner) : inner,
    ]
  })
  return Object.fromEntries(entries)
}

/** Thoughts are shown where that was asked for, or where thinking was and nothing was said of showing. */
function renderThinking(reasoning: Reasoning | undefined, model: string): Json | undefined {
  const measure = thinkingMeasure(model)
  if (!reasoning || measure === 'none') return undefined
  const { effort, budgetTokens, adaptive, show } = reasoning
  const asked = budgetTokens !== undefined || adaptive === true || (effort !== undefined && effort !== 'none')
  const config = present({
    ...(measure === 'level' ? renderLevel(reasoning, model) : renderBudget(reasoning, model)),
    includeThoughts: show === undefined ? asked || undefined : show !== 'none',
  })
  return Object.keys(config).length > 0 ? config : undefined
}

function renderLevel({ effort, budgetTokens }: Reasoning, model: string): Json {
  if (effort !== undefined) return { thinkingLevel: levelForEffort(effort, model) }
  return { thinkingLevel: budgetTokens === undefined ? undefined : levelForBudget(budgetTokens, model) }
}

function renderBudget({ effort, budgetTokens, adaptive }: Reasoning, model: string): Json {
  if (budgetTokens !== undefined) return { thinkingBudget: fitBudget(budgetTokens, model) }
  if (effort !== undefined) return { thinkingBudget: budgetForEffort(effort, model) }
  return { thinkingBudget: adaptive === true ? -1 : undefined }
}

/** Where only some may be called and none must, the others are not declared: `allowedFunctionNames` needs `ANY`. */
function renderTools({ tools, toolChoice }: ChatRequest): Json[] | undefined {
  const names = toolChoice?.type === 'allowed' && toolChoice.mode === 'auto' ? toolChoice.names : undefined
  const functionDeclarations = tools
    .filter(tool => tool.type === 'function')
    .filter(({ name }) => names?.includes(name) ?? true)
    .map(renderFunction)
  const hosted = tools.flatMap(tool =>
    tool.type === 'hosted' && tool.dialect === 'gemini' && isObject(tool.value) ? [tool.value] : [],
  )
  const rendered = [...(functionDeclarations.length > 0 ? [{ functionDeclarations }] : []), ...hosted]
  return rendered.length > 0 ? rendered : undefined
}

/** Google refuses an object without properties: a function that takes nothing has no parameters. */
function renderFunction({ name, description, schema }: Extract<Tool, { type: 'function' }>): Json {
  const { properties, type } = schema ?? {}
  const isEmpty =
    !schema ||
    Object.keys(schema).length === 0 ||
    (type === 'object' &&
      (!isObject(properties) || Object.keys(properties).length === 0) &&
      !['anyOf', 'oneOf', 'allOf', '$ref', 'patternProperties'].some(field => field in schema) &&
      !isObject(schema.additionalProperties) &&
      schema.additionalProperties !== true)
  return present({ name, description, parametersJsonSchema: isEmpty ? undefined : schema })
}

function renderToolConfig({ tools, toolChoice }: ChatRequest, model: string): Json | undefined {
  const functions = tools.filter(tool => tool.type === 'function')
  if (functions.length === 0) return undefined
  const strict = isGemini3(model) && functions.some(tool => tool.strict === true)
  const config = renderCalling(toolChoice, strict)
  return config && { functionCallingConfig: config }
}

function renderCalling(choice: ToolChoice | undefined, strict: boolean): Json | undefined {
  const free = strict ? 'VALIDATED' : 'AUTO'
  switch (choice?.type) {
    case undefined:
      return strict ? { mode: free } : undefined
    case 'auto':
      return { mode: free }
    case 'none':
      return { mode: 'NONE' }
    case 'required':
      return { mode: 'ANY' }
    case 'tool':
      return { mode: 'ANY', allowedFunctionNames: [choice.name] }
    case 'allowed':
      return choice.mode === 'auto' ? { mode: free } : { mode: 'ANY', allowedFunctionNames: choice.names }
  }
}

function renderServiceTier(tier: string | undefined): string | undefined {
  if (tier === 'default') return 'standard'
  return tier === 'auto' ? undefined : tier
}
