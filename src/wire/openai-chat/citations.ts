import type { Citation } from '#exchange'
import { isObject } from '../json-body.ts'
import { said } from '../reading.ts'

/** An annotation (`url_citation`); undefined for one of a kind nobody knows. */
export function readAnnotation(value: unknown): Citation | undefined {
  if (!isObject(value)) return undefined
  const inner = [value.url_citation, value.file_citation, value].find(isObject) ?? {}
  const text = (field: string): string | undefined =>
    typeof inner[field] === 'string' ? inner[field] : undefined
  const position = (field: string): number | undefined =>
    typeof inner[field] === 'number' ? inner[field] : undefined
  if (value.type !== 'url_citation' && value.type !== 'file_citation') return undefined
  return said<Citation>({
    kind: value.type === 'url_citation' ? 'url' : 'file',
    url: text('url'),
    title: text('title'),
    quote: text('quote') ?? text('content'),
    fileId: text('file_id'),
    filename: text('filename'),
    documentIndex: position('document_index'),
    start: position('start_index'),
    end: position('end_index'),
    raw: { dialect: 'openai-chat', value },
  })
}

/**
 * Sources of a whole answer that stand beside its choices, of which nobody says what words they are for: `citations`, a
 * list of addresses (Perplexity, xAI), with titles and excerpts in `search_results` (Perplexity, `StreamChunk` of its
 * SDK). The text refers to them by their place in the list: `[1]`.
 */
export function readSources({ citations, search_results }: Readonly<Record<string, unknown>>): Citation[] {
  const results = Array.isArray(search_results) ? search_results.filter(isObject) : []
  const cited = Array.isArray(citations) && citations.length > 0 ? citations : results
  return cited.flatMap((source: unknown) => {
    const url = isObject(source) ? source.url : source
    if (typeof url !== 'string') return []
    const { title, snippet } = results.find(result => result.url === url) ?? (isObject(source) ? source : {})
    return {
      kind: 'url',
      url,
      ...(typeof title === 'string' && { title }),
      ...(typeof snippet === 'string' && snippet !== '' && { quote: snippet }),
    } satisfies Citation
  })
}

/** The dialect itself knows only citations of the web; those of files stand beside them in the same manner. */
export function renderAnnotation(citation: Citation): unknown {
  if (citation.raw?.dialect === 'openai-chat') return citation.raw.value
  const { start, end, title, url, quote, fileId, filename, documentIndex } = citation
  if (citation.kind === 'url') {
    return {
      type: 'url_citation',
      url_citation: { start_index: start ?? 0, end_index: end ?? 0, title: title ?? '', url: url ?? '' },
    }
  }
  return {
    type: 'file_citation',
    file_citation: said({
      file_id: fileId,
      filename: filename ?? title,
      document_index: documentIndex,
      quote,
      start_index: start,
      end_index: end,
    }),
  }
}
