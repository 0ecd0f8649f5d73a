import type { AnswerPart, Citation, ReasoningPart } from '#exchange'
import { isObject } from '../json-body.ts'

type Json = Readonly<Record<string, unknown>>

/** A content block of an answer. What no other dialect can say stays whole. */
export function readBlock(block: Json): AnswerPart {
  const { text, reasoningContent, toolUse, citationsContent, image } = block
  if (typeof text === 'string') return { type: 'text', text }
  if (isObject(reasoningContent)) return readReasoning(reasoningContent)
  if (isObject(toolUse) && isCall(toolUse))
    return { type: 'tool-call', ...readCall(toolUse), arguments: JSON.stringify(toolUse.input ?? {}) }
  if (isObject(citationsContent)) return readCited(citationsContent)
  if (isObject(image)) return readImage(image) ?? opaque(block)
  return opaque(block)
}

export function opaque(value: Json): AnswerPart {
  return { type: 'opaque', dialect: 'bedrock-converse', value }
}

/** One that the caller has to make; the provider's own tools are told apart by their type. Nova 2 names both kinds. */
export function isCall({ type }: Json): boolean {
  return type === undefined || type === null || type === 'tool_use'
}

/** A tool's name ends before a token of the model's own format, which gpt-oss lets slip: `f<|channel|>commentary`. */
export function readCall({ toolUseId, name }: Json): { id: string; name: string } {
  return {
    id: typeof toolUseId === 'string' ? toolUseId : '',
    name: typeof name === 'string' ? name.replace(/<\|.*$/s, '') : '',
  }
}

function readReasoning({ reasoningText, redactedContent }: Json): ReasoningPart {
  if (typeof redactedContent === 'string') return seal('', 'sealed', redactedContent)
  const { text, signature } = isObject(reasoningText) ? reasoningText : {}
  return seal(typeof text === 'string' ? text : '', 'seal', typeof signature === 'string' ? signature : '')
}

/** An empty seal is none. */
export function seal(text: string, kind: 'seal' | 'sealed', value: string): ReasoningPart {
  if (value === '') return { type: 'reasoning', text }
  return { type: 'reasoning', text, signature: { dialect: 'bedrock-converse', kind, value } }
}

function readCited({ content, citations }: Json): AnswerPart {
  const texts = Array.isArray(content) ? content.filter(isObject).map(({ text }) => text) : []
  const cited = Array.isArray(citations) ? citations.filter(isObject).map(readCitation) : []
  return {
    type: 'text',
    text: texts.filter(text => typeof text === 'string').join(''),
    ...(cited.length > 0 && { citations: cited }),
  }
}

/** Where in a document the words stand has no word of ours: it stays in `raw`. */
export function readCitation(value: Json): Citation {
  const location = isObject(value.location) ? value.location : {}
  const web = isObject(location.web) ? location.web : undefined
  const place = [location.documentChar, location.documentPage, location.documentChunk].find(isObject)
  const quotes = Array.isArray(value.sourceContent) ? value.sourceContent.filter(isObject) : []
  const quote = quotes.flatMap(({ text }) => (typeof text === 'string' ? [text] : [])).join('')
  return {
    kind: web ? 'url' : 'file',
    ...(typeof web?.url === 'string' && { url: web.url }),
    ...(typeof value.title === 'string' && { title: value.title }),
    ...(quote !== '' && { quote }),
    ...(typeof place?.documentIndex === 'number' && { documentIndex: place.documentIndex }),
    raw: { dialect: 'bedrock-converse', value },
  }
}

export function readImage({ format, source }: Json): AnswerPart | undefined {
  if (!isObject(source) || typeof source.bytes !== 'string' || typeof format !== 'string') return undefined
  return { type: 'image', source: { kind: 'data', mediaType: `image/${format}`, base64: source.bytes } }
}
