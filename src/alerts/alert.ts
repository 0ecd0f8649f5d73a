import { createHash } from 'node:crypto'

export const alertKinds = [
  'budget_share',
  'budget_burn',
  'spend_change',
  'unpriced_calls',
  'provider_spend_limit',
  'estimates',
] as const

export type AlertKind = (typeof alertKinds)[number]

/** From what is good to know to what needs somebody now. */
export const severities = ['info', 'warning', 'critical'] as const

export type Severity = (typeof severities)[number]

/** What somebody should know. */
export interface Alert {
  kind: AlertKind
  /** What it is about and in which window, beginning with its kind: of one key there is one alert, for ever. */
  key: string
  severity: Severity
  /** One sentence. */
  title: string
  /** What else is known, as JSON; amounts as decimal text. */
  detail: Readonly<Record<string, unknown>>
  organization?: string | undefined
  /** When it is over by itself, in milliseconds since the epoch. */
  endsAtMs: number
}

/** The same on record. */
export interface RaisedAlert extends Alert {
  /** 32 hex digits; sorts by time. */
  id: string
  raisedAtMs: number
}

const longestKey = 700
const longestTitle = 400
const unwritable = /[\p{Cc}\p{Cs}]/gu

/**
 * An alert as it can stand in columns and messages: names of callers are in it. A key that had to be changed or cut
 * ends in a digest of what it was, so that no two become one.
 */
export function writable(alert: Alert): Alert {
  return { ...alert, key: writableKey(alert.key), title: writableTitle(alert.title) }
}

function writableKey(key: string): string {
  const plain = key.replace(unwritable, '\ufffd')
  if (plain === key && key.length <= longestKey) return key
  const digest = createHash('sha256').update(key, 'utf16le').digest('hex').slice(0, 32)
  return `${plain.slice(0, longestKey).toWellFormed()}#${digest}`
}

function writableTitle(title: string): string {
  const plain = title.replace(unwritable, '\ufffd')
  return plain.length > longestTitle ? `${plain.slice(0, longestTitle - 1).toWellFormed()}…` : plain
}

export function alertIdOf(uuid: string): string {
  return `alert_${uuid.replaceAll('-', '')}`
}

/** Undefined when it is no id of an alert. */
export function uuidOf(prefix: 'alert' | 'silence', id: string): string | undefined {
  return new RegExp(`^${prefix}_([0-9a-f]{32})$`).exec(id)?.[1]
}
