import {
  allow,
  type ChatRequest,
  type Decision,
  type FilePart,
  type ImagePart,
  type MediaSource,
  type Part,
} from '#exchange'
import { mapParts } from './parts.ts'
import type { PassageOptions } from './passage.ts'

type PartByUrl = (ImagePart | FilePart) & { source: { kind: 'url'; url: string } }

function isByUrl(part: Part): part is PartByUrl {
  return (part.type === 'image' || part.type === 'file') && part.source.kind === 'url'
}

/** Every image or file by URL, as data. One that cannot be had refuses the request. */
export async function fetchParts(
  request: ChatRequest,
  wanted: readonly string[],
  { fetchMedia }: Pick<PassageOptions, 'fetchMedia'>,
): Promise<Decision<ChatRequest>> {
  const urls = new Map<string, 'image' | 'file'>()
  mapParts(request, part => {
    if (isByUrl(part) && wanted.includes(`${part.type}_url`)) urls.set(part.source.url, part.type)
    return part
  })
  const sources = new Map<string, MediaSource>()
  for (const [url, kind] of urls) {
    const source = await fetchMedia(url, kind)
    if (!source.ok) return source
    sources.set(url, source.value)
  }
  return allow(
    mapParts(request, part => {
      const source = isByUrl(part) ? sources.get(part.source.url) : undefined
      return source && (part.type === 'image' || part.type === 'file') ? { ...part, source } : part
    }),
  )
}
