import { type ApiError, badRequest } from './api-error.ts'
import { type Failure, failures, findFailure } from './failures.ts'

/** How one call is to be played. Durations in milliseconds. */
export interface Script {
  /** Until the first byte. */
  ttftMs: number
  /** Between two chunks. */
  paceMs: number
  /** Length of the visible answer; absent: as long as the text happens to be. */
  tokens?: number
  /** Tokens that are thought; they count as output. Absent: none, unless the request asks for thinking. */
  reasoningTokens?: number
  /** Prompt tokens that are reported as read from a cache. */
  cachedTokens: number
  noUsage: boolean
  /** Tool calls to make, if tools are offered. */
  toolCalls: number
  /** The model declines to answer, in its dialect's own way. */
  refusal: boolean
  /** A filter breaks the answer off halfway. */
  filtered: boolean
  fail?: Failure
  /** Share of the calls that fail, 0 to 1. */
  rate?: number
  /** The calls that fail, counted from 1. */
  on?: readonly CallRange[]
  /** Each n-th call fails. */
  every?: number
  /** Chunks before a failure in the middle. */
  afterTokens?: number
  /** How long a failure holds the answer up. */
  forMs?: number
  /** `retry-after` as it is to be sent; empty: none. */
  retryAfter?: string
  /** Requests per minute. */
  limit?: number
}

interface CallRange {
  first: number
  last: number
}

/** More would only test the patience of the reader; a stream of this length is about 25 MB. */
const maxTokens = 100_000
const maxWaitMs = 24 * 3_600_000

type Knob = (script: Script, value: string) => boolean

/** Each knob reads its value into the script, and says whether it could. */
export const knobs: Readonly<Record<string, Knob>> = {
  ttft: (script, value) => take(readDuration(value), ms => (script.ttftMs = ms)),
  pace: (script, value) => take(readDuration(value), ms => (script.paceMs = ms)),
  tokens: (script, value) => take(readCount(value, 1), count => (script.tokens = count)),
  reasoning: (script, value) => take(readCount(value, 0), count => (script.reasoningTokens = count)),
  cached: (script, value) => take(readCount(value, 0), count => (script.cachedTokens = count)),
  nousage: (script, value) => take(readFlag(value), flag => (script.noUsage = flag)),
  tool: (script, value) => take(readCount(value, 0, 16), count => (script.toolCalls = count)),
  filter: (script, value) => take(readFlag(value), flag => (script.filtered = flag)),
  refusal: (script, value) => take(readFlag(value), flag => (script.refusal = flag)),
  fail: (script, value) => take(findFailure(value), failure => (script.fail = failure)),
  rate: (script, value) => take(readShare(value), share => (script.rate = share)),
  on: (script, value) => take(readRanges(value), ranges => (script.on = ranges)),
  every: (script, value) => take(readCount(value, 1), count => (script.every = count)),
  after: (script, value) => take(readCount(value, 0), count => (script.afterTokens = count)),
  for: (script, value) => take(readDuration(value), ms => (script.forMs = ms)),
  retry_after: (script, value) => take(readRetryAfter(value), text => (script.retryAfter = text)),
  limit: (script, value) => take(readCount(value, 1, 1_000_000), count => (script.limit = count)),
  as: () => true, // says nothing; makes a script distinct, so that its calls are counted apart
}

function plainScript(): Script {
  return {
    ttftMs: 0,
    paceMs: 0,
    cachedTokens: 0,
    noUsage: false,
    toolCalls: 0,
    refusal: false,
    filtered: false,
  }
}

/** Reads scripts in URL-query syntax; where several set the same knob, the later one wins. */
export function readScript(texts: readonly string[]): Script | ApiError {
  const script = plainScript()
  for (const text of texts) {
    for (const [name, value] of new URLSearchParams(text)) {
      const knob = Object.hasOwn(knobs, name) ? knobs[name] : undefined
      if (!knob) return mistake(`There is no knob '${name}'. Known: ${Object.keys(knobs).join(', ')}.`)
      if (!knob(script, value)) return mistake(`The knob '${name}' cannot be set to '${value}'.${hint(name)}`)
    }
  }
  return script
}

/** Whether the script's failure happens on this call. `call` counts from 1; `roll` is at least 0, less than 1. */
export function failsNow(script: Script, call: number, roll: () => number): boolean {
  if (!script.fail) return false
  if (script.on && !script.on.some(range => call >= range.first && call <= range.last)) return false
  if (script.every !== undefined && call % script.every !== 0) return false
  return script.rate === undefined || roll() < script.rate
}

function hint(name: string): string {
  return name === 'fail' ? ` Known: any status from 400 to 599, ${[...failures.keys()].join(', ')}.` : ''
}

function mistake(message: string): ApiError {
  return badRequest(message, 'invalid_script', 'model')
}

function take<T>(value: T | undefined, set: (value: T) => void): boolean {
  if (value === undefined) return false
  set(value)
  return true
}

/** `200ms`, `1.5s`, `2m`, `1h`; a bare number is milliseconds. */
function readDuration(text: string): number | undefined {
  const [, digits, unit = 'ms'] = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text) ?? []
  if (digits === undefined) return undefined
  const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[unit] ?? 1
  return Math.min(Number(digits) * unitMs, maxWaitMs)
}

function readCount(text: string, least: number, most = maxTokens): number | undefined {
  if (!/^\d{1,7}$/.test(text)) return undefined
  const count = Number(text)
  return count >= least && count <= most ? count : undefined
}

function readShare(text: string): number | undefined {
  const share = Number(text)
  return text !== '' && share >= 0 && share <= 1 ? share : undefined
}

function readFlag(text: string): boolean | undefined {
  return { '': true, '1': true, true: true, '0': false, false: false }[text]
}

/** `3`, `1-2`, `1,4,7-9`. */
function readRanges(text: string): CallRange[] | undefined {
  if (!/^\d{1,9}(-\d{1,9})?(,\d{1,9}(-\d{1,9})?)*$/.test(text)) return undefined
  return text.split(',').map(range => {
    const [first = '', last = first] = range.split('-')
    return { first: Number(first), last: Number(last) }
  })
}

/** A bare number is seconds, as in the header; a duration is turned into seconds; `none`; all else goes out as it is. */
function readRetryAfter(text: string): string | undefined {
  if (!/^[\x20-\x7e]{1,64}$/.test(text)) return undefined
  if (text === 'none') return ''
  return /^\d+$/.test(text) ? text : (asSeconds(readDuration(text)) ?? text)
}

function asSeconds(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : String(Math.ceil(ms / 1000))
}
