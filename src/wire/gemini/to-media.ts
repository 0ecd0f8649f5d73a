import type { AudioPart, FilePart, ImagePart, MediaSource, OpaquePart } from '#exchange'
import { checkBase64, optionalObject, optionalString, requiredString, said, wrong } from '../reading.ts'
import { camelFields, type Json, plainBase64 } from './json.ts'

type MediaPart = ImagePart | FilePart | AudioPart | OpaquePart

/** An `inlineData` or `fileData` part; undefined for another. */
export function readMedia(json: Json, path: string): MediaPart | undefined {
  const inline = optionalObject(json, 'inlineData', `${path}.inlineData`)
  const kept = optionalObject(json, 'fileData', `${path}.fileData`)
  if (!inline && !kept) return undefined
  // Which stretch of a film to look at, and how often: nobody else can be told.
  if (json.videoMetadata) return { type: 'opaque', dialect: 'gemini', value: json }
  const { source, mediaType, name } = inline
    ? readInline(camelFields(inline, path), `${path}.inlineData`)
    : readKept(camelFields(kept, path), `${path}.fileData`)
  if (mediaType.startsWith('image/')) {
    const detail = readDetail(json.mediaResolution, `${path}.mediaResolution`)
    return { type: 'image', source, ...said<{ detail?: NonNullable<ImagePart['detail']> }>({ detail }) }
  }
  if (mediaType.startsWith('audio/')) return { type: 'audio', source }
  return { type: 'file', source, ...said<{ filename?: string }>({ filename: name }) }
}

interface Read {
  source: MediaSource
  mediaType: string
  name: string | undefined
}

function readInline(json: Json, path: string): Read {
  const mediaType = requiredString(json, 'mimeType', `${path}.mimeType`).toLowerCase()
  const base64 = checkBase64(plainBase64(requiredString(json, 'data', `${path}.data`)), `${path}.data`)
  return {
    source: { kind: 'data', mediaType, base64 },
    mediaType,
    name: optionalString(json, 'displayName', `${path}.displayName`),
  }
}

/** Files that only Google can open: of its Files API, and of its cloud storage. */
const atGoogle = /^gs:\/\/|^https:\/\/generativelanguage\.googleapis\.com\/|^files\//

function readKept(json: Json, path: string): Read {
  const uri = requiredString(json, 'fileUri', `${path}.fileUri`)
  const mediaType = optionalString(json, 'mimeType', `${path}.mimeType`)?.toLowerCase()
  const name = optionalString(json, 'displayName', `${path}.displayName`)
  const guessed = mediaType ?? mediaTypeByName(uri) ?? ''
  if (atGoogle.test(uri))
    return { source: { kind: 'id', id: uri, dialect: 'gemini' }, mediaType: guessed, name }
  if (!/^https?:\/\//i.test(uri) || !URL.canParse(uri))
    wrong(`${path}.fileUri`, `\`${path}.fileUri\` is no address of a file.`)
  const source = { kind: 'url', url: uri, ...said<{ mediaType?: string }>({ mediaType }) } as MediaSource
  return { source, mediaType: guessed, name }
}

const details: Readonly<Record<string, NonNullable<ImagePart['detail']>>> = {
  MEDIA_RESOLUTION_LOW: 'low',
  MEDIA_RESOLUTION_MEDIUM: 'auto',
  MEDIA_RESOLUTION_HIGH: 'high',
  MEDIA_RESOLUTION_ULTRA_HIGH: 'original',
}

function readDetail(value: unknown, path: string): ImagePart['detail'] {
  if (value === undefined || value === null) return undefined
  const level =
    typeof value === 'string' ? value : optionalString(camelFields(value, path), 'level', `${path}.level`)
  return level === undefined ? undefined : details[level]
}

export function writeDetail(detail: NonNullable<ImagePart['detail']>): string {
  return Object.keys(details).find(level => details[level] === detail) ?? 'MEDIA_RESOLUTION_UNSPECIFIED'
}

const byEnding: Readonly<Record<string, string>> = {
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  webp: 'image/webp',
  gif: 'image/gif',
  heic: 'image/heic',
  heif: 'image/heif',
  pdf: 'application/pdf',
  txt: 'text/plain',
  md: 'text/markdown',
  csv: 'text/csv',
  html: 'text/html',
  json: 'application/json',
  mp3: 'audio/mp3',
  wav: 'audio/wav',
  flac: 'audio/flac',
  ogg: 'audio/ogg',
  mp4: 'video/mp4',
  mov: 'video/mov',
  webm: 'video/webm',
}

/** By the end of a file's name or address; undefined where that says nothing. */
export function mediaTypeByName(name: string): string | undefined {
  const ending = /\.([a-z0-9]+)(?:[?#].*)?$/i.exec(name)?.[1]?.toLowerCase()
  return ending !== undefined && Object.hasOwn(byEnding, ending) ? byEnding[ending] : undefined
}
