import type { Entry, Line } from './store.ts'
import { type Answer, amountWord, pushRef } from './valkey-words.ts'

/** What a call holds, as far as it matters to whoever did not ask for it. */
export interface OpenHold {
  id: string
  /** When it was reserved, in milliseconds since the epoch. */
  atMs: number
  lines: readonly Omit<Line, 'most'>[]
}

/** A hold whose process is gone. Its leases have ended. */
export interface ExpiredHold {
  /** The call. */
  id: string
  /**
   * What it is settled by: the call's id; or, where that was settled before its process died and is perhaps not so in
   * the ledger, another one, by which only the difference is spent.
   */
  settledBy: string
  atMs: number
  parts: readonly { key: string; amount: bigint }[]
}

/** What the database knows, all of it at one moment. */
export interface LedgerView {
  /** What was spent, of every counter that still counts. */
  entries: readonly Entry[]
  /** Calls that may have cost something, and of which the ledger does not tell yet. */
  holds: readonly OpenHold[]
  /** Which of the calls that were asked about the ledger does tell of: they are in `entries`. */
  ended: readonly string[]
  /** The rules whose past is in `entries`. */
  rules: readonly string[]
}

/** What the scripts are told of one filling. */
export interface Epoch {
  n: string
  epochKey: string
  /** All keys of this filling begin so. */
  prefix: string
  ownKey: string
}

/** Keys and words of entries, as `add` takes them. */
export function additions(entries: readonly Entry[], epoch: Epoch): { keys: string[]; words: string[] } {
  const keys: string[] = []
  const words: string[] = []
  for (const entry of entries) {
    keys.push(`${epoch.prefix}c:${entry.key}`)
    words.push(amountWord(entry.amount))
    pushRef(words, entry)
    words.push(String(entry.atMs))
  }
  return { keys, words }
}

/** A hold as it is kept. */
export function packed({ atMs, lines }: OpenHold, epoch: Epoch): string[] {
  const words = [String(atMs)]
  for (const line of lines) {
    words.push(`${epoch.prefix}c:${line.key}`, amountWord(line.amount))
    pushRef(words, line)
    words.push(line.isLease ? '1' : '')
  }
  return words
}

export function readExpired(answer: Answer, epoch: Epoch): ExpiredHold[] {
  const expired: ExpiredHold[] = []
  const skipped = `${epoch.prefix}c:`.length
  for (let at = 2; at < answer.length; ) {
    const [id, atMs, count] = answer.slice(at, at + 3)
    at += 3
    const parts: ExpiredHold['parts'][number][] = []
    for (let part = 0; part < Number(count); part += 1, at += 2)
      parts.push({ key: String(answer[at]).slice(skipped), amount: BigInt(answer[at + 1] ?? 0) })
    const settledBy = String(id)
    expired.push({ id: settledBy.replace(/^=/, ''), settledBy, atMs: Number(atMs), parts })
  }
  return expired
}

export function inChunks<T>(all: readonly T[], size: number): T[][] {
  const chunks: T[][] = []
  for (let at = 0; at < all.length; at += size) chunks.push(all.slice(at, at + size))
  return chunks
}
