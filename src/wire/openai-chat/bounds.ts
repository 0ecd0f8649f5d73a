import type { AskedOutput } from '#exchange'
import { loosestCap, readChoices } from '../bounds.ts'
import { isObject } from '../json-body.ts'
import { exchangeFields, type ObjectFields } from '../json-fields.ts'
import { MediaTally, objectsIn } from '../media-tally.ts'

type Json = Readonly<Record<string, unknown>>

const caps = ['max_completion_tokens', 'max_tokens'] as const

export function outputOf(json: Json): AskedOutput {
  return { cap: loosestCap(caps.map(name => json[name])), choices: readChoices(json.n), thinking: undefined }
}

/** The caller's bytes with another cap, under the name that the caller used; the newer one where it used none. */
export function withCap(body: Buffer, fields: ObjectFields, tokens: number): Buffer {
  const used = caps.filter(name => fields.fields.some(field => field.name === name))
  const names = used.length > 0 ? used : [caps[0]]
  return exchangeFields(body, fields, Object.fromEntries(names.map(name => [name, String(tokens)])))
}

/** What in the messages is no text. A part of a kind that is not known may be of any size. */
export function tallyMedia(json: Json): MediaTally {
  const tally = new MediaTally()
  if (!Array.isArray(json.messages)) return tally
  for (const message of json.messages) {
    if (!isObject(message)) continue
    if (Array.isArray(message.content)) for (const part of message.content) tallyPart(part, tally)
    if (message.images !== undefined) for (const image of objectsIn(message.images)) tallyPart(image, tally)
    if (isObject(message.audio)) tally.addFile(undefined) // what was said before, by its id
  }
  return tally
}

const plain = /^(text|refusal|input_audio|thinking|reasoning|input_text|output_text)$/

function tallyPart(part: unknown, tally: MediaTally): void {
  if (!isObject(part)) return
  if (part.type === 'image_url') tally.addImage(urlIn(part.image_url))
  else if (part.type === 'file') {
    const file = isObject(part.file) ? part.file : {}
    tally.addFile(file.file_data)
  } else if (typeof part.type !== 'string' || !plain.test(part.type)) tally.addFile(undefined)
}

function urlIn(value: unknown): unknown {
  return isObject(value) ? value.url : value
}

/** Searches of several vendors: OpenAI, xAI, OpenRouter, Alibaba. */
const searches = ['web_search_options', 'search_parameters', 'plugins', 'enable_search'] as const

/** The first field by which the provider reads what nobody here sees. */
export function boundlessField(json: Json): string | undefined {
  const search = searches.find(
    name => json[name] !== undefined && json[name] !== null && json[name] !== false,
  )
  if (search) return search
  if (!Array.isArray(json.tools)) return undefined
  const index = json.tools.findIndex(
    tool => isObject(tool) && tool.type !== 'function' && tool.type !== 'custom' && tool.type !== undefined,
  )
  return index === -1 ? undefined : `tools[${index}] (${nameOf(json.tools[index])})`
}

function nameOf(tool: unknown): string {
  return isObject(tool) ? String(tool.type).slice(0, 64) : ''
}
