import { createHash } from 'node:crypto'
import type { CallClass } from './call.ts'

/**
 * What a call is, as far as budgets and limits look at it. Names are as `boundedName` gives them, so that a counter,
 * the call log and the ledger speak of the same user.
 */
export interface RuleSubject {
  organization: string
  project: string
  keyId: string
  keyName: string
  user: string | undefined
  feature: string | undefined
  /** The name the caller used; undefined where a request that is passed through names none. */
  model: string | undefined
  class: CallClass
  tags: readonly string[]
  environment: string | undefined
}

/** What rules can look at, and most of what they can count apart; the same words as in the configuration. */
export type RuleDimension =
  | 'organization'
  | 'project'
  | 'key'
  | 'user'
  | 'feature'
  | 'model'
  | 'class'
  | 'provider'
  | 'target'
  | 'tag'
  | 'environment'

/** As much of a name from outside as is kept. */
const longestName = 256
const digestDigits = 32
const mark = '\ufffd'

/**
 * A name from outside as it stands on record and in counters: itself, where it is short and plain; else its
 * beginning, U+FFFD, and the first half of its SHA-256 in hex. A name that has U+FFFD of its own is not plain, so that
 * no two names come out the same. Not for what has come out of it already.
 */
export function boundedName(text: string): string {
  if (text.length <= longestName && !/[\p{Cc}\p{Cs}\ufffd]/u.test(text)) return text
  const digest = createHash('sha256').update(text, 'utf16le').digest('hex').slice(0, digestDigits)
  const head = text.slice(0, longestName - digestDigits - mark.length)
  return `${head.replace(/[\p{Cc}\p{Cs}]/gu, mark)}${mark}${digest}`
}
