import type { Citation } from '#exchange'
import { isObject } from '../json-body.ts'

type Json = Readonly<Record<string, unknown>>

/** Citations of a text block; what is no object is passed over. */
export function readCitations(values: unknown): Citation[] {
  return Array.isArray(values) ? values.filter(isObject).map(readCitation) : []
}

/**
 * Where in the source the words stand (characters, pages, blocks) has no word of ours: it stays in `raw`. The part of
 * the answer that a citation is for is the whole text block.
 */
export function readCitation(value: Json): Citation {
  const url = [value.url, value.source].find(isText)
  const title = [value.title, value.document_title].find(isText)
  return {
    kind: url === undefined ? 'file' : 'url',
    ...(url !== undefined && { url }),
    ...(title !== undefined && { title }),
    ...(isText(value.cited_text) && { quote: value.cited_text }),
    ...(isText(value.file_id) && { fileId: value.file_id }),
    ...(typeof value.document_index === 'number' && { documentIndex: value.document_index }),
    raw: { dialect: 'anthropic-messages', value },
  }
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

/** Its own as it was; another's in the nearest form: of a URL as a web search's, of a file as characters of it. */
export function writeCitation(citation: Citation): unknown {
  if (citation.raw?.dialect === 'anthropic-messages') return citation.raw.value
  const { url, title, quote = '', filename, fileId, documentIndex = 0 } = citation
  if (url !== undefined) {
    return {
      type: 'web_search_result_location',
      url,
      title: title ?? null,
      cited_text: quote,
      encrypted_index: '',
    }
  }
  return {
    type: 'char_location',
    cited_text: quote,
    document_index: documentIndex,
    document_title: title ?? filename ?? null,
    file_id: fileId ?? null,
    start_char_index: 0,
    end_char_index: 0,
  }
}
