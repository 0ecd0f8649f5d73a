import type { MediaSource } from '#exchange'

/** Where a picture or a file is to be had, with its content in the address where it is given; empty where only one provider knows. */
export function urlOf(source: MediaSource): string {
  if (source.kind === 'url') return source.url
  if (source.kind === 'data') return `data:${source.mediaType};base64,${source.base64}`
  if (source.kind === 'id') return ''
  return `data:${source.mediaType ?? 'text/plain'};base64,${Buffer.from(source.text).toString('base64')}`
}
