import type { AskedOutput } from '#exchange'
import { readCap } from '../bounds.ts'
import { isObject } from '../json-body.ts'
import { MediaTally } from '../media-tally.ts'

type Json = Readonly<Record<string, unknown>>

export function outputOf(json: Json): AskedOutput {
  return { cap: readCap(json.max_output_tokens), choices: 1, thinking: undefined }
}

/** What in the items is no text. */
export function tallyMedia(items: unknown, tally: MediaTally = new MediaTally()): MediaTally {
  if (!Array.isArray(items)) return tally
  for (const item of items) {
    if (!isObject(item)) continue
    if (item.type === 'image_generation_call') tally.addImage(item.result)
    else if (item.type === 'item_reference') tally.addFile(undefined)
    tallyParts(item.content, tally)
    tallyParts(item.output, tally)
  }
  return tally
}

function tallyParts(parts: unknown, tally: MediaTally): void {
  if (Array.isArray(parts)) for (const part of parts) tallyPart(part, tally)
  else tallyPart(parts, tally)
}

/** A part of a kind that is not known may be of any size. */
function tallyPart(part: unknown, tally: MediaTally): void {
  if (!isObject(part)) return
  if (part.type === 'input_image' || part.type === 'computer_screenshot') tally.addImage(part.image_url)
  else if (part.type === 'input_file') tally.addFile(part.file_data)
  else if (typeof part.type === 'string' && /^(input|output)_(?!text|audio)/.test(part.type))
    tally.addFile(undefined)
}

/** Tools that the caller runs itself. */
const run = /^(function|custom|namespace|local_shell|apply_patch|computer|computer_use_preview)$/

/** The first field by which the provider reads what nobody here sees. */
export function boundlessField(json: Json): string | undefined {
  const field = (['prompt', 'conversation'] as const).find(
    name => json[name] !== undefined && json[name] !== null,
  )
  if (field) return field
  if (!Array.isArray(json.tools)) return undefined
  const index = json.tools.findIndex(tool => isObject(tool) && !run.test(String(tool.type)))
  return index === -1 ? undefined : `tools[${index}] (${String(json.tools[index].type).slice(0, 64)})`
}
