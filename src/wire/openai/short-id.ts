import { createHash } from 'node:crypto'

/**
 * OpenAI bounds the length of ids that callers and other vendors make as long as they like. One that is too long is
 * given as a digest: the same wherever it stands, and another for another.
 */
export function shortId(id: string, most: number, prefix = ''): string {
  if (id.length <= most) return id
  return `${prefix}${createHash('sha256').update(id).digest('hex')}`.slice(0, most)
}

/** Of `user` and `safety_identifier`; Claude Code's `metadata.user_id` is longer than twice that. */
export const longestUser = 64
