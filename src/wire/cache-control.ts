import type { CacheMark } from '#exchange'
import { optionalObject, optionalWord } from './reading.ts'

/**
 * Anthropic's mark on what shall be cached, which several OpenAI-compatible servers take too; `path` is empty where it
 * marks the whole request. Spread into the part that it stands on.
 */
export function readCacheControl(
  json: Readonly<Record<string, unknown>>,
  path: string,
): { cache?: CacheMark } {
  const at = path === '' ? 'cache_control' : `${path}.cache_control`
  const mark = optionalObject(json, 'cache_control', at)
  if (!mark) return {}
  const ttl = optionalWord(mark, 'ttl', ['5m', '1h'], `${at}.ttl`)
  return { cache: ttl === undefined ? {} : { ttl } }
}
