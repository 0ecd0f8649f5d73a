import { type TSchemaOptions, type TUnsafe, Type } from 'typebox'

/** Quantities as people write them. Each is read to one number, in the unit its name says, or to an exact decimal. */
export type QuantityKind = 'duration' | 'bytes' | 'count' | 'price' | 'usd' | 'amount' | 'threshold' | 'span'

interface Quantity {
  expected: string
  /** As a pattern for editors, which check the text before us. */
  pattern: string
  read(value: string | number): number | string | undefined
}

const durationUnits = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const countUnits = { '': 1, k: 1_000, m: 1_000_000 }
const spanWords = { second: 1_000, minute: 60_000, hour: 3_600_000, day: 86_400_000, week: 7 * 86_400_000 }
const byteUnits = { '': 1, b: 1, kb: 1024, mb: 1024 ** 2, gb: 1024 ** 3 }

export const quantities: Readonly<Record<QuantityKind, Quantity>> = {
  duration: {
    expected: 'a duration such as 200ms, 2s, 5m, 1h or 30d',
    pattern: '^\\d+(\\.\\d+)?(ms|s|m|h|d)$',
    read: value => (typeof value === 'string' ? scaled(value, durationUnits) : value === 0 ? 0 : undefined),
  },
  bytes: {
    expected: 'a size such as 512kb or 32mb',
    pattern: '^\\d+(\\.\\d+)?([bB]|[kK][bB]|[mM][bB]|[gG][bB])?$',
    read: value => scaled(String(value), byteUnits),
  },
  count: {
    expected: 'a number such as 600, 200k or 2m',
    pattern: '^\\d+(\\.\\d+)?[kKmM]?$',
    read: value => scaled(String(value), countUnits),
  },
  price: {
    expected: 'an amount in US dollars of at most 6 decimals, such as 0.25',
    pattern: '^\\$?\\d{1,9}(\\.\\d{1,6})?$', // per million tokens: finer than this, a token is no whole pico-dollar
    read: value => {
      const text = typeof value === 'number' ? plainDecimal(value) : value.replace(/^\$/, '')
      return /^\d{1,9}(\.\d{1,6})?$/.test(text) ? text : undefined
    },
  },
  usd: {
    expected:
      'an amount in US dollars such as $500 or $0.25: above 0, at most 9 billion, at most 12 decimals',
    pattern: '^\\$?\\d{1,10}(\\.\\d{1,12})?( ?USD)?$',
    read: readUsd,
  },
  amount: {
    expected: 'an amount above 0: US dollars such as $1, or tokens such as 10k',
    pattern: '^(\\$?\\d{1,10}(\\.\\d{1,12})?( ?USD)?|\\d+(\\.\\d+)?[kKmM])$',
    read: readAmount,
  },
  threshold: {
    expected: 'a share such as 80%, or an amount such as $400',
    pattern: '^(\\d{1,4}(\\.\\d{1,4})?%|\\$?\\d{1,10}(\\.\\d{1,12})?( ?USD)?|\\d+(\\.\\d+)?[kKmM])$',
    read: value => {
      const share = /^(\d{1,4}(?:\.\d{1,4})?)\s?%$/.exec(String(value).trim())?.[1]
      return share === undefined ? readAmount(value) : `${share}%`
    },
  },
  span: {
    expected: 'second, minute, hour, day or week, or a duration such as 10s',
    pattern: '^(second|minute|hour|day|week|\\d+(\\.\\d+)?(ms|s|m|h|d))$',
    read: value => {
      if (typeof value !== 'string') return undefined
      return Object.hasOwn(spanWords, value)
        ? spanWords[value as keyof typeof spanWords]
        : scaled(value, durationUnits)
    },
  },
}

/** A budget beyond this is a mistake, not a budget. */
const mostUsd = 9_000_000_000n

function readUsd(value: string | number): string | undefined {
  const text = typeof value === 'number' ? exactDecimal(value) : value.trim()
  const [, whole = '', fraction = ''] =
    /^\$?\s?(\d{1,10})(?:\.(\d{1,12}))?(?:\s?USD)?$/i.exec(text ?? '') ?? []
  if (whole === '') return undefined
  const digits = fraction.replace(/0+$/, '')
  const dollars = BigInt(whole)
  const isTooMuch = dollars > mostUsd || (dollars === mostUsd && digits !== '')
  if (isTooMuch || (dollars === 0n && digits === '')) return undefined
  return digits === '' ? `${dollars}` : `${dollars}.${digits}`
}

/** Dollars, or a count of tokens; what it is of must be known to tell which: `$1` keeps its sign. */
function readAmount(value: string | number): string | undefined {
  const text = String(value).trim()
  if (/^\d+(\.\d+)?[km]$/i.test(text)) {
    const count = scaled(text, countUnits)
    return count === undefined || count === 0 ? undefined : String(count)
  }
  const usd = readUsd(value)
  return usd !== undefined && /^\$|USD$/i.test(text) ? `$${usd}` : usd
}

function exactDecimal(value: number): string | undefined {
  const text = plainDecimal(value)
  return Number(text) === value ? text : undefined
}

/** Bounds in the spelling of the quantity itself: `atMost: '24h'`. */
export interface Bounds {
  atLeast?: string
  atMost?: string
}

/** What a written quantity stands for; undefined when it is not one, or out of bounds. */
export function readQuantity(
  kind: QuantityKind,
  value: unknown,
  bounds: Bounds = {},
): number | string | undefined {
  if (typeof value !== 'string' && typeof value !== 'number') return undefined
  const quantity = quantities[kind]
  const read = quantity.read(value)
  if (read === undefined) return undefined
  const { atLeast, atMost } = bounds
  if (atLeast !== undefined && read < (quantity.read(atLeast) ?? 0)) return undefined
  if (atMost !== undefined && read > (quantity.read(atMost) ?? 0)) return undefined
  return read
}

/** The same in words. */
export function expectedQuantity(kind: QuantityKind, { atLeast, atMost }: Bounds = {}): string {
  const least = atLeast === undefined ? '' : `, at least ${atLeast}`
  return `${quantities[kind].expected}${least}${atMost === undefined ? '' : `, at most ${atMost}`}`
}

function scaled(text: string, units: Readonly<Record<string, number>>): number | undefined {
  const [, digits, unit = ''] = /^(\d+(?:\.\d+)?)([a-z]*)$/.exec(text.trim().toLowerCase()) ?? []
  const factor = units[unit]
  if (digits === undefined || factor === undefined) return undefined
  const value = Math.round(Number(digits) * factor)
  const isWhole = Math.abs(value - Number(digits) * factor) < 1e-6
  return isWhole && Number.isSafeInteger(value) ? value : undefined
}

/** A number without an exponent: JavaScript writes 0.0000001 as 1e-7. */
function plainDecimal(value: number): string {
  const text = String(value)
  return text.includes('e') ? value.toFixed(12).replace(/\.?0+$/, '') : text
}

/** Milliseconds. */
export function Duration(options: TSchemaOptions & Bounds): TUnsafe<number> {
  return Type.Unsafe<number>({ quantity: 'duration', ...options })
}

/** Bytes. */
export function ByteSize(options: TSchemaOptions & Bounds): TUnsafe<number> {
  return Type.Unsafe<number>({ quantity: 'bytes', ...options })
}

/** How many: tokens, requests. */
export function Count(options: TSchemaOptions & Bounds): TUnsafe<number> {
  return Type.Unsafe<number>({ quantity: 'count', ...options })
}

/** US dollars, as an exact decimal. */
export function Price(options: TSchemaOptions): TUnsafe<string> {
  return Type.Unsafe<string>({ quantity: 'price', ...options })
}

/** US dollars, as an exact decimal above 0: `0.25`. */
export function Usd(options: TSchemaOptions): TUnsafe<string> {
  return Type.Unsafe<string>({ quantity: 'usd', ...options })
}

/** An amount of money or of tokens above 0, as an exact decimal; with `$` before it where it was written as money. */
export function Amount(options: TSchemaOptions): TUnsafe<string> {
  return Type.Unsafe<string>({ quantity: 'amount', ...options })
}

/** A share, `80%`, or an `Amount`. */
export function Threshold(options: TSchemaOptions): TUnsafe<string> {
  return Type.Unsafe<string>({ quantity: 'threshold', ...options })
}

/** Milliseconds, also by words: `minute`. */
export function TimeSpan(options: TSchemaOptions & Bounds): TUnsafe<number> {
  return Type.Unsafe<number>({ quantity: 'span', ...options })
}
