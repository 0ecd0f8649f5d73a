import type { AskedOutput } from '#exchange'
import { readCap } from '../bounds.ts'
import { isObject, type JsonBody } from '../json-body.ts'
import { exchangeFields } from '../json-fields.ts'
import { MediaTally } from '../media-tally.ts'

type Json = Readonly<Record<string, unknown>>

/** The smallest budget that Anthropic takes; it must be below `max_tokens`. */
const leastBudget = 1024

export function outputOf(json: Json): AskedOutput {
  return { cap: readCap(json.max_tokens), choices: 1, thinking: thinkingBudget(json) }
}

function thinkingBudget({ thinking }: Json): number | undefined {
  return isObject(thinking) && thinking.type === 'enabled' ? readCap(thinking.budget_tokens) : undefined
}

/** The caller's bytes with another cap; a thinking budget that it does not hold is halved, or given up. */
export function withCap(body: Buffer, { json, fields }: JsonBody, tokens: number): Buffer {
  const values: Record<string, string> = { max_tokens: String(tokens) }
  const budget = thinkingBudget(json)
  if (budget !== undefined && budget >= tokens)
    values.thinking = JSON.stringify(smaller(json.thinking, tokens))
  return exchangeFields(body, fields, values)
}

function smaller(thinking: unknown, tokens: number): Json {
  if (tokens <= leastBudget) return { type: 'disabled' }
  const budget = Math.max(Math.floor(tokens / 2), leastBudget)
  return { ...(isObject(thinking) && thinking), budget_tokens: budget }
}

/** What in the messages is no text. */
export function tallyMedia(json: Json): MediaTally {
  const tally = new MediaTally()
  if (Array.isArray(json.messages))
    for (const message of json.messages) if (isObject(message)) tallyBlocks(message.content, tally)
  return tally
}

function tallyBlocks(content: unknown, tally: MediaTally): void {
  if (Array.isArray(content)) for (const block of content) tallyBlock(block, tally)
}

/** Results of tools hold blocks of their own, those of Anthropic's own tools a document in a frame. */
function tallyBlock(block: unknown, tally: MediaTally): void {
  if (!isObject(block)) return
  const { type, source, content } = block
  if (type === 'image') tally.addImage(isObject(source) ? source.data : undefined)
  else if (type === 'document') tallyDocument(source, tally)
  else if (type === 'container_upload') tally.addFile(undefined)
  else if (Array.isArray(content)) tallyBlocks(content, tally)
  else if (isObject(content)) tallyBlock(content, tally)
}

function tallyDocument(source: unknown, tally: MediaTally): void {
  if (!isObject(source)) return tally.addFile(undefined)
  if (source.type === 'content') return tallyBlocks(source.content, tally)
  if (source.type === 'text') return
  tally.addFile(source.data, source.media_type)
}

/** Tools that the caller runs itself, of those that have a type (platform.claude.com/docs, tool reference). */
const run = /^(custom|bash_|text_editor_|computer_|memory_)/

/** The first field by which the provider reads what nobody here sees, or runs again by itself. */
export function boundlessField(json: Json): string | undefined {
  const field = (['mcp_servers', 'container', 'thread', 'compaction'] as const).find(name =>
    isThere(json[name]),
  )
  if (field) return field
  if (compacts(json.context_management)) return 'context_management'
  if (!Array.isArray(json.tools)) return undefined
  const index = json.tools.findIndex(tool => isObject(tool) && isHosted(tool.type))
  return index === -1 ? undefined : `tools[${index}] (${String(json.tools[index].type).slice(0, 64)})`
}

function isHosted(type: unknown): boolean {
  return typeof type === 'string' && !run.test(type)
}

function isThere(value: unknown): boolean {
  return value !== undefined && value !== null && !(Array.isArray(value) && value.length === 0)
}

/** A compaction is a further sampling, billed for itself. */
function compacts(management: unknown): boolean {
  const edits = isObject(management) ? management.edits : undefined
  return Array.isArray(edits) && edits.some(edit => isObject(edit) && /^compact/.test(String(edit.type)))
}
