/** More would only test the patience of the reader; a stream of this length is about 25 MB. */
const maxTokens = 100_000
const maxWaitMs = 24 * 3_600_000
const maxBytes = 1024 ** 3

export interface CallRange {
  first: number
  last: number
}

/** `200ms`, `1.5s`, `2m`, `1h`; a bare number is milliseconds. */
export function readDuration(text: string): number | undefined {
  const [, digits, unit = 'ms'] = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text) ?? []
  if (digits === undefined) return undefined
  const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[unit] ?? 1
  return Math.min(Number(digits) * unitMs, maxWaitMs)
}

/** `4096`, `64k`, `1m`: bytes, in powers of 1024. */
export function readBytesOf(text: string): number | undefined {
  const [, digits, unit = ''] = /^(\d{1,10})([km])?$/.exec(text) ?? []
  if (digits === undefined) return undefined
  const bytes = Number(digits) * ({ k: 1024, m: 1024 ** 2 }[unit] ?? 1)
  return bytes >= 1 && bytes <= maxBytes ? bytes : undefined
}

export function readCount(text: string, least: number, most = maxTokens): number | undefined {
  if (!/^\d{1,10}$/.test(text)) return undefined
  const count = Number(text)
  return count >= least && count <= most ? count : undefined
}

export function readShare(text: string): number | undefined {
  const share = Number(text)
  return text !== '' && share >= 0 && share <= 1 ? share : undefined
}

export function readFlag(text: string): boolean | undefined {
  return { '': true, '1': true, true: true, '0': false, false: false }[text]
}

/** One of the words; what is not among them is no value. */
export function readWord<T>(text: string, words: Readonly<Record<string, T>>): T | undefined {
  return Object.hasOwn(words, text) ? words[text] : undefined
}

/** `3`, `1-2`, `1,4,7-9`. */
export function readRanges(text: string): CallRange[] | undefined {
  if (!/^\d{1,9}(-\d{1,9})?(,\d{1,9}(-\d{1,9})?)*$/.test(text)) return undefined
  return text.split(',').map(range => {
    const [first = '', last = first] = range.split('-')
    return { first: Number(first), last: Number(last) }
  })
}

/** Interim statuses, in the order in which they are sent. */
export function readInterim(text: string): number[] | undefined {
  return /^(100|102|103)(,(100|102|103)){0,7}$/.test(text) ? text.split(',').map(Number) : undefined
}

/**
 * A bare number is seconds, as in the header; a duration is turned into seconds; `none`; all else goes out as it is,
 * but `date:30s` and `date:-30s`, which only know their date when they are sent.
 */
export function readRetryAfter(text: string): string | undefined {
  if (!/^[\x20-\x7e]{1,64}$/.test(text)) return undefined
  if (text === 'none') return ''
  if (text.startsWith('date:'))
    return readDuration(text.slice(5).replace('-', '')) === undefined ? undefined : text
  return /^\d+$/.test(text) ? text : (asSeconds(readDuration(text)) ?? text)
}

/** The header as it is sent at this moment: a date is `date:` and a duration from now. */
export function retryAfterAt(text: string, nowMs: number): string {
  if (!text.startsWith('date:')) return text
  const past = text.startsWith('date:-')
  const ms = readDuration(text.slice(past ? 6 : 5)) ?? 0
  return new Date(nowMs + (past ? -ms : ms)).toUTCString()
}

function asSeconds(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : String(Math.ceil(ms / 1000))
}

/** Printable text, for what goes out as it is. */
export function readPlain(text: string): string | undefined {
  return /^[\x20-\x7e]{1,64}$/.test(text) ? text : undefined
}
