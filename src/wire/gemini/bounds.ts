import type { AskedOutput } from '#exchange'
import { readCap, readChoices } from '../bounds.ts'
import { changeFields, fieldBytes } from '../change-fields.ts'
import { isObject } from '../json-body.ts'
import { MediaTally, objectsIn } from '../media-tally.ts'

type Json = Readonly<Record<string, unknown>>

/** The smallest budget that every thinking model takes (ai.google.dev/gemini-api/docs/thinking). */
const leastBudget = 512

export function outputOf(json: Json): AskedOutput {
  const config = either(json, 'generationConfig', 'generation_config')
  if (!isObject(config)) return { cap: undefined, choices: 1, thinking: undefined }
  return {
    cap: readCap(either(config, 'maxOutputTokens', 'max_output_tokens')),
    choices: readChoices(either(config, 'candidateCount', 'candidate_count')),
    thinking: thinkingBudget(config),
  }
}

function thinkingBudget(config: Json): number | undefined {
  const thinking = either(config, 'thinkingConfig', 'thinking_config')
  return isObject(thinking) ? readCap(either(thinking, 'thinkingBudget', 'thinking_budget')) : undefined
}

/** A field in either spelling; what is written in both is said twice, and the first is as good as the second. */
function either(json: Json, camel: string, snake: string): unknown {
  return json[camel] ?? json[snake]
}

/** The caller's bytes with another cap, in the spelling that the caller uses. */
export function withCap(body: Buffer, tokens: number): Buffer {
  const outer = spelling(body, 'generationConfig', 'generation_config')
  const config = fieldBytes(body, outer)
  const written = config?.[0] === 0x7b ? config : Buffer.from('{}')
  const inner = spelling(written, 'maxOutputTokens', 'max_output_tokens', outer.includes('_'))
  const set = { [inner]: String(tokens), ...smallerBudget(written, tokens) }
  return changeFields(body, { set: { [outer]: changeFields(written, { set }).toString() } })
}

/** The name that stands there; where none does, the one that goes with its surroundings. */
function spelling(json: Buffer, camel: string, snake: string, isSnake = false): string {
  if (fieldBytes(json, camel)) return camel
  return isSnake || fieldBytes(json, snake) ? snake : camel
}

/** A budget that takes the whole answer would leave no room for one: it is halved. */
function smallerBudget(config: Buffer, tokens: number): Record<string, string> {
  const json: unknown = JSON.parse(config.toString())
  const budget = isObject(json) ? thinkingBudget(json) : undefined
  if (budget === undefined || budget < tokens) return {}
  const outer = spelling(config, 'thinkingConfig', 'thinking_config')
  const thinking = fieldBytes(config, outer) ?? Buffer.from('{}')
  const inner = spelling(thinking, 'thinkingBudget', 'thinking_budget')
  const set = { [inner]: String(Math.max(Math.floor(tokens / 2), leastBudget)) }
  return { [outer]: changeFields(thinking, { set }).toString() }
}

/** What in the contents is no text. */
export function tallyMedia(contents: unknown, tally: MediaTally = new MediaTally()): MediaTally {
  for (const content of objectsIn(contents))
    for (const part of objectsIn(content.parts)) tallyPart(part, tally)
  return tally
}

function tallyPart(part: Json, tally: MediaTally): void {
  const data = either(part, 'inlineData', 'inline_data')
  if (isObject(data)) tally.addFile(data.data, either(data, 'mimeType', 'mime_type'))
  const file = either(part, 'fileData', 'file_data')
  if (isObject(file)) tally.addFile(undefined, either(file, 'mimeType', 'mime_type'))
  const response = either(part, 'functionResponse', 'function_response')
  if (isObject(response)) for (const inner of objectsIn(response.parts)) tallyPart(inner, tally)
}

/** Of a tool, what the caller runs itself, or what only says how. */
const run = /^(functionDeclarations|function_declarations|computerUse|computer_use)$/

/** The first field by which the provider reads what nobody here sees. */
export function boundlessField(json: Json): string | undefined {
  const cached = ['cachedContent', 'cached_content'].find(name => typeof json[name] === 'string')
  if (cached) return cached
  for (const [index, tool] of objectsIn(json.tools).entries()) {
    const hosted = Object.keys(tool).find(name => !run.test(name))
    if (hosted !== undefined) return `tools[${index}] (${hosted.slice(0, 64)})`
  }
  return undefined
}
