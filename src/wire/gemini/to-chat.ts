import type { ChatRequest, Effort, Extra, Message, OutputFormat, Reasoning } from '#exchange'
import { readExtras } from '../extras.ts'
import { parseObject } from '../json-body.ts'
import {
  optionalArray,
  optionalBoolean,
  optionalNumber,
  optionalObject,
  optionalString,
  optionalTexts,
  optionalWord,
  requiredString,
  said,
  wrong,
} from '../reading.ts'
import { geminiFields } from './fields.ts'
import { camelFields, type Json, repeated } from './json.ts'
import { readContents } from './to-contents.ts'
import { readSchema, readToolChoice, readTools } from './to-tools.ts'

/** Everything a caller's request says. Throws a `Fault` at what is wrong. */
export function readChatRequest(body: Buffer): ChatRequest {
  return readGenerateContent(parseObject(body.toString()) ?? {})
}

export function readGenerateContent(value: unknown, path = ''): ChatRequest {
  const json = camelFields(value, path)
  const config = camelFields(json.generationConfig ?? {}, 'generationConfig')
  const toolConfig = camelFields(json.toolConfig ?? {}, 'toolConfig')
  optionalTexts(json, 'labels')
  const { tools, strict } = readToolsOf(json, toolConfig)
  return {
    messages: [...readSystem(json.systemInstruction), ...readContents(repeated(json, 'contents') ?? [])],
    tools: strict ? tools.map(tool => (tool.type === 'function' ? { ...tool, strict } : tool)) : tools,
    extras: [
      ...readExtras(json, geminiFields).filter(
        ({ field }) => field !== 'generationConfig' && field !== 'toolConfig',
      ),
      ...nestedExtras('generationConfig', config).filter(asksForMore),
      ...enumExtra(config),
      ...nestedExtras('toolConfig', toolConfig),
    ],
    ...said<Partial<ChatRequest>>({
      toolChoice: readToolChoice(toolConfig),
      ...readSampling(config),
      format: readFormat(config),
      reasoning: readThinking(config.thinkingConfig),
      serviceTier: readServiceTier(json),
    }),
  }
}

function readToolsOf(json: Json, toolConfig: Json): { tools: ChatRequest['tools']; strict: boolean } {
  const calling = camelFields(toolConfig.functionCallingConfig ?? {}, 'toolConfig.functionCallingConfig')
  return { tools: readTools(repeated(json, 'tools') ?? []), strict: calling.mode === 'VALIDATED' }
}

/** Fields inside of an object that have no word in `ChatRequest`. */
function nestedExtras(parent: string, json: Json): Extra[] {
  const own = geminiFields
    .filter(({ field }) => field.startsWith(`${parent}.`))
    .map(record => ({ ...record, field: record.field.slice(parent.length + 1) }))
  return readExtras(json, own).map(extra => ({ ...extra, field: `${parent}.${extra.field}` }))
}

/** An answer in words is what everybody gives. */
function asksForMore({ field, value }: Extra): boolean {
  const isModalities = field === 'generationConfig.responseModalities' && Array.isArray(value)
  return !(isModalities && value.every(modality => modality === 'TEXT'))
}

function readSystem(value: unknown): Message[] {
  if (value === undefined || value === null) return []
  const path = 'systemInstruction'
  const parts = repeated(camelFields(value, path), 'parts', `${path}.parts`) ?? []
  if (parts.length === 0) return []
  const texts = parts.map((part, i) => {
    const at = `${path}.parts[${i}]`
    return { type: 'text' as const, text: requiredString(camelFields(part, at), 'text', `${at}.text`) }
  })
  return [{ role: 'system', parts: texts }]
}

function readSampling(config: Json): { [K in keyof ChatRequest]?: ChatRequest[K] | undefined } {
  const number = (
    field: string,
    range: { min?: number; max?: number; whole?: boolean },
  ): number | undefined => optionalNumber(config, field, { path: `generationConfig.${field}`, ...range })
  const stop = optionalArray(config, 'stopSequences', 'generationConfig.stopSequences')
  return {
    maxOutputTokens: number('maxOutputTokens', { min: 1, whole: true }),
    temperature: number('temperature', { min: 0, max: 2 }),
    topP: number('topP', { min: 0, max: 1 }),
    topK: number('topK', { min: 0 }),
    seed: number('seed', { whole: true }),
    presencePenalty: number('presencePenalty', { min: -2, max: 2 }),
    frequencyPenalty: number('frequencyPenalty', { min: -2, max: 2 }),
    choices: number('candidateCount', { min: 1, max: 8, whole: true }),
    stop: stop?.map((text, i) => requiredString({ text }, 'text', `generationConfig.stopSequences[${i}]`)),
    logprobs: readLogprobsWish(config),
  }
}

function readLogprobsWish(config: Json): ChatRequest['logprobs'] {
  const path = 'generationConfig.logprobs'
  const top = optionalNumber(config, 'logprobs', { path, min: 0, max: 20, whole: true })
  if (optionalBoolean(config, 'responseLogprobs', 'generationConfig.responseLogprobs') === true)
    return { top: top ?? 0 }
  if (top !== undefined) wrong(path, `\`${path}\` needs \`generationConfig.responseLogprobs: true\`.`)
  return undefined
}

/** One word of an enumeration: a schema whose answer is no JSON, which no other dialect has. */
function enumExtra({ responseMimeType: value }: Json): Extra[] {
  return value === 'text/x.enum'
    ? [{ field: 'generationConfig.responseMimeType', value, weight: 'meaning' }]
    : []
}

function readFormat(config: Json): OutputFormat | undefined {
  const type = optionalWord(
    config,
    'responseMimeType',
    ['text/plain', 'application/json', 'text/x.enum'],
    'generationConfig.responseMimeType',
  )
  const field = config.responseJsonSchema === undefined ? '_responseJsonSchema' : 'responseJsonSchema'
  const given =
    optionalObject(config, field, `generationConfig.${field}`) ??
    (config.responseSchema ? readSchema(config.responseSchema, 'generationConfig.responseSchema') : undefined)
  if (type === 'text/x.enum') return undefined
  if (type !== 'application/json') {
    if (given)
      wrong(
        'generationConfig.responseMimeType',
        'A schema of the response needs `generationConfig.responseMimeType: application/json`.',
      )
    return undefined
  }
  return given ? { type: 'json-schema', schema: given } : { type: 'json' }
}

const effortOf: Readonly<Record<string, Effort>> = {
  MINIMAL: 'minimal',
  LOW: 'low',
  MEDIUM: 'medium',
  HIGH: 'high',
}

/** A budget of 0 is no thinking, -1 leaves it to the model (ai.google.dev/gemini-api/docs/thinking). */
function readThinking(value: unknown): Reasoning | undefined {
  if (value === undefined || value === null) return undefined
  const path = 'generationConfig.thinkingConfig'
  const json = camelFields(value, path)
  const budget = optionalNumber(json, 'thinkingBudget', {
    path: `${path}.thinkingBudget`,
    min: -1,
    whole: true,
  })
  const level = optionalString(json, 'thinkingLevel', `${path}.thinkingLevel`)?.toUpperCase()
  const shown = optionalBoolean(json, 'includeThoughts', `${path}.includeThoughts`)
  const known =
    level === undefined || level === 'THINKING_LEVEL_UNSPECIFIED' || Object.hasOwn(effortOf, level)
  if (!known)
    wrong(
      `${path}.thinkingLevel`,
      `\`${path}.thinkingLevel\` must be one of ${Object.keys(effortOf).join(', ')}.`,
    )
  const reasoning = said<Reasoning>({
    effort: budget === 0 ? 'none' : level === undefined ? undefined : effortOf[level],
    budgetTokens: budget !== undefined && budget > 0 ? budget : undefined,
    adaptive: budget === -1 ? true : undefined,
    show: shown === undefined ? undefined : shown ? 'auto' : 'none',
  })
  return Object.keys(reasoning).length > 0 ? reasoning : undefined
}

function readServiceTier(json: Json): string | undefined {
  const tier = optionalString(json, 'serviceTier')?.toLowerCase()
  if (tier === 'unspecified' || tier === 'service_tier_unspecified') return undefined
  return tier === 'standard' ? 'default' : tier
}
