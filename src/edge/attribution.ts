import type { IncomingHttpHeaders } from 'node:http'
import type { Asked, Call } from '#exchange'

const mostTags = 8
const longestTag = 64

/**
 * What a call is for, beside user and feature: `x-sluice-tags: a,b` and `x-sluice-environment`, or else what the
 * dialect's metadata says. Every tag is a counter of budgets and a row of reports, so that there are few and short ones:
 * what is too many, too long or not plain is left out, and told by number.
 */
export function readAttribution(
  headers: IncomingHttpHeaders,
  asked: Asked | undefined,
): Pick<Call, 'tags' | 'environment' | 'attributionDropped'> {
  const header = headers['x-sluice-tags']
  const given = header === undefined ? asked?.tags : String(header).split(',')
  const environment = headers['x-sluice-environment'] ?? asked?.environment
  if (given === undefined && environment === undefined) return nothing
  const { tags, dropped } = readTags(given ?? [])
  const name = environment === undefined ? '' : String(environment).trim()
  const isKept = name === '' || isPlain(name)
  return {
    tags,
    environment: isKept && name !== '' ? name : undefined,
    attributionDropped: dropped + (isKept ? 0 : 1),
  }
}

const nothing = { tags: [], environment: undefined, attributionDropped: 0 } as const

function readTags(given: readonly string[]): { tags: string[]; dropped: number } {
  const tags: string[] = []
  let dropped = 0
  for (const raw of given) {
    const tag = raw.trim()
    if (tag === '' || tags.includes(tag)) continue
    if (tags.length < mostTags && isPlain(tag)) tags.push(tag)
    else dropped += 1
  }
  return { tags, dropped }
}

/** As it may stand on record and in a counter's name, unchanged. */
function isPlain(name: string): boolean {
  return name.length <= longestTag && !/[\p{Cc}\p{Cs}\ufffd]/u.test(name)
}
