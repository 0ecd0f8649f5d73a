import { allow, type Decision, type MediaSource, refuse } from '#exchange'
import type { AttemptDeps } from './attempt.ts'

/**
 * An image or a file that a caller named by its address, as data. What it is told by its first bytes: servers are
 * often wrong about it, and a provider refuses what is not what it is called.
 */
export async function fetchMedia(
  { egress, mostMediaBytes: mostBytes }: Pick<AttemptDeps, 'egress' | 'mostMediaBytes'>,
  url: string,
  kind: 'image' | 'file',
): Promise<Decision<MediaSource>> {
  const fetched = await egress.fetch(url, { mostBytes })
  if (!fetched.ok) return notFetched(kind, fetched.reason)
  const { bytes } = fetched
  const known = sniff(bytes)
  if (kind === 'image' && !known?.startsWith('image/'))
    return notFetched(kind, 'What stands at its address is no PNG, JPEG, GIF or WebP.')
  const mediaType = known ?? fetched.mediaType ?? 'application/octet-stream'
  return allow({ kind: 'data', mediaType, base64: bytes.toString('base64') })
}

function notFetched(kind: string, reason: string): ReturnType<typeof refuse> {
  const what = kind === 'image' ? 'An image' : 'A file'
  return refuse(
    'media_not_fetched',
    `${what} that the request names by its address must be sent to this provider as data. ${reason}`,
  )
}

function sniff(bytes: Buffer): string | undefined {
  const starts = (text: string, at = 0): boolean =>
    bytes.subarray(at, at + text.length).equals(Buffer.from(text, 'latin1'))
  if (starts('\x89PNG\r\n\x1a\n')) return 'image/png'
  if (starts('\xff\xd8\xff')) return 'image/jpeg'
  if (starts('GIF87a') || starts('GIF89a')) return 'image/gif'
  if (starts('RIFF') && starts('WEBP', 8)) return 'image/webp'
  return starts('%PDF-') ? 'application/pdf' : undefined
}
