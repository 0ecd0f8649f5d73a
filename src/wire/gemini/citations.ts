import type { Citation } from '#exchange'
import { isObject } from '../json-body.ts'
import { isText } from './json.ts'

type Json = Readonly<Record<string, unknown>>

/**
 * Sources that Gemini names beside a text: `groundingMetadata` (chunks, and supports that tie stretches of the text to
 * them) and `citationMetadata` (ai.google.dev/api/generate-content). Places are in bytes there, in UTF-16 units here;
 * one that does not fit the text is left out.
 */
export function readCitations(
  grounding: Json | undefined,
  cited: Json | undefined,
  text: string,
): Citation[] {
  const places = new Places(text)
  return [...readGrounding(grounding, places), ...readCited(cited, places)]
}

function readGrounding(grounding: Json | undefined, places: Places): Citation[] {
  if (!grounding) return []
  const chunks = objects(grounding.groundingChunks)
  const supported = new Set<number>()
  const citations: Citation[] = []
  for (const support of objects(grounding.groundingSupports)) {
    const span = isObject(support.segment) ? places.read(support.segment) : {}
    for (const index of Array.isArray(support.groundingChunkIndices) ? support.groundingChunkIndices : []) {
      const chunk = typeof index === 'number' ? chunks[index] : undefined
      if (!chunk) continue
      supported.add(index)
      citations.push({ ...readChunk(chunk), ...span, raw: { dialect: 'gemini', value: { chunk, support } } })
    }
  }
  for (const [index, chunk] of chunks.entries())
    if (!supported.has(index))
      citations.push({ ...readChunk(chunk), raw: { dialect: 'gemini', value: { chunk } } })
  return citations
}

/** A source: a page, a place on the map, a stretch of a file of the caller's. */
function readChunk(chunk: Json): Citation {
  const kind = isObject(chunk.retrievedContext) ? 'file' : 'url'
  const source = [chunk.web, chunk.retrievedContext, chunk.maps, chunk.image].find(isObject) ?? {}
  const url = [source.uri, source.sourceUri, source.imageUri].find(isText)
  return {
    kind,
    ...(url !== undefined && { url }),
    ...(isText(source.title) && { title: source.title }),
    ...(isText(source.text) && { quote: source.text }),
  }
}

function readCited(cited: Json | undefined, places: Places): Citation[] {
  return objects(cited?.citations ?? cited?.citationSources).map(citation => ({
    kind: 'url',
    ...(isText(citation.uri) && { url: citation.uri }),
    ...(isText(citation.title) && { title: citation.title }),
    ...places.read(citation),
    raw: { dialect: 'gemini', value: { citation } },
  }))
}

function objects(value: unknown): Json[] {
  return Array.isArray(value) ? value.filter(isObject) : []
}

/** Finds stretches of one text by their bytes. */
class Places {
  readonly #text: string
  #bytes: Buffer | undefined

  constructor(text: string) {
    this.#text = text
  }

  read({ startIndex = 0, endIndex, text }: Json): { start?: number; end?: number } {
    this.#bytes ??= Buffer.from(this.#text)
    if (typeof startIndex !== 'number' || typeof endIndex !== 'number') return {}
    const words = this.#bytes.toString('utf8', startIndex, endIndex)
    if (endIndex <= this.#bytes.length && startIndex < endIndex && (!isText(text) || words === text)) {
      const start = this.#bytes.toString('utf8', 0, startIndex).length
      return { start, end: start + words.length }
    }
    // Counted from another beginning: an earlier part, or a turn that our caller never saw.
    const found = isText(text) ? this.#text.indexOf(text) : -1
    return found === -1 || !isText(text) ? {} : { start: found, end: found + text.length }
  }
}

/** The same for callers, out of any provider's citations; `text` is what their places count in. */
export function writeCitations(citations: readonly (Citation & { text: string })[]): {
  groundingMetadata?: Json
  citationMetadata?: Json
} {
  const chunks: string[] = []
  const groundingSupports: Json[] = []
  const cited: Json[] = []
  for (const citation of citations) {
    const raw = citation.raw?.dialect === 'gemini' && isObject(citation.raw.value) ? citation.raw.value : {}
    const segment = writeSegment(citation)
    if (isObject(raw.citation)) {
      cited.push({ ...raw.citation, ...segment, text: undefined })
      continue
    }
    const chunk = JSON.stringify(raw.chunk ?? writeChunk(citation))
    if (!chunks.includes(chunk)) chunks.push(chunk)
    if (segment) groundingSupports.push({ segment, groundingChunkIndices: [chunks.indexOf(chunk)] })
  }
  const groundingChunks = chunks.map(chunk => JSON.parse(chunk) as unknown)
  return {
    ...(chunks.length > 0 && { groundingMetadata: { groundingChunks, groundingSupports } }),
    ...(cited.length > 0 && { citationMetadata: { citations: cited } }),
  }
}

function writeSegment({ start, end, text }: Citation & { text: string }): Json | undefined {
  if (start === undefined || end === undefined || start >= end || end > text.length) return undefined
  const startIndex = Buffer.byteLength(text.slice(0, start))
  const words = text.slice(start, end)
  return { startIndex, endIndex: startIndex + Buffer.byteLength(words), text: words }
}

function writeChunk({ kind, url, title, filename, quote }: Citation): Json {
  if (kind === 'url') return { web: { uri: url, title } }
  return { retrievedContext: { uri: url, title: title ?? filename, text: quote } }
}
