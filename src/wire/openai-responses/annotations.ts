import type { Citation, Dialect, TokenLogprob } from '#exchange'
import { isObject } from '../json-body.ts'
import { said } from '../reading.ts'

type Json = Readonly<Record<string, unknown>>

const dialect: Dialect = 'openai-responses'

/** An annotation of a text: `url_citation`, `file_citation`, `container_file_citation`, `file_path`. */
export function readAnnotation(value: unknown): Citation | undefined {
  if (!isObject(value)) return undefined
  const text = (field: string): string | undefined =>
    typeof value[field] === 'string' ? value[field] : undefined
  const place = (field: string): number | undefined =>
    typeof value[field] === 'number' ? value[field] : undefined
  return said<Citation>({
    kind: text('url') === undefined ? 'file' : 'url',
    url: text('url'),
    title: text('title'),
    fileId: text('file_id'),
    filename: text('filename'),
    start: place('start_index'),
    end: place('end_index') ?? place('index'), // a file is cited at one place, behind the words
    raw: { dialect, value },
  })
}

export function readAnnotations(value: unknown): Citation[] {
  return Array.isArray(value) ? value.flatMap(annotation => readAnnotation(annotation) ?? []) : []
}

/** For a text of which nobody said what part is meant, all of it is. */
export function renderAnnotation(citation: Citation, textLength: number): unknown {
  if (citation.raw?.dialect === dialect) return citation.raw.value
  const { kind, url = '', title, fileId = '', filename, start = 0, end = textLength } = citation
  if (kind === 'url')
    return { type: 'url_citation', start_index: start, end_index: end, url, title: title ?? '' }
  return { type: 'file_citation', file_id: fileId, filename: filename ?? title ?? '', index: end }
}

export function readLogprobs(value: unknown): TokenLogprob[] {
  if (!Array.isArray(value)) return []
  return value.filter(isObject).map(token => ({
    ...readToken(token),
    top: Array.isArray(token.top_logprobs) ? token.top_logprobs.filter(isObject).map(readToken) : [],
  }))
}

function readToken(token: Json): { token: string; logprob: number; bytes: number[] | null } {
  return {
    token: typeof token.token === 'string' ? token.token : '',
    logprob: typeof token.logprob === 'number' ? token.logprob : 0,
    bytes: Array.isArray(token.bytes) ? token.bytes.filter(byte => typeof byte === 'number') : null,
  }
}

export function renderLogprobs(logprobs: readonly TokenLogprob[]): unknown[] {
  return logprobs.map(({ token, logprob, bytes, top }) => ({
    token,
    bytes: bytes ?? [...Buffer.from(token)],
    logprob,
    top_logprobs: top.map(other => ({ ...other, bytes: other.bytes ?? [...Buffer.from(other.token)] })),
  }))
}
