import { type ApiError, badRequest } from './api-error.ts'
import type { ErrorAnswer } from './error-answers.ts'
import { type Failure, failures, findFailure } from './failures.ts'
import {
  type CallRange,
  readBytesOf,
  readCount,
  readDuration,
  readFlag,
  readInterim,
  readPlain,
  readRanges,
  readRetryAfter,
  readShare,
  readWord,
} from './knob-values.ts'

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
  /** `retry-after` as it is to be sent; empty: none. A date as `retryAfterAt` reads it. */
  retryAfter?: string
  /** `retry-after-ms` as it is to be sent. */
  retryAfterMs?: string
  /** `x-should-retry` as it is to be sent. */
  shouldRetry?: string
  /** Until when the vendor's own rate-limit headers say that nothing is left, on an error. */
  resetMs?: number
  /** The error inside an answer with status 200; absent: the server's. */
  streamError?: ErrorAnswer
  /** Of what is too large by script. */
  sizeBytes?: number
  /** Requests per minute. */
  limit?: number
  /** Tokens per minute, prompt and answer. */
  tokenLimit?: number
  /** Requests at once; more are refused. */
  concurrency?: number
  /** Requests at once; more wait in line. */
  slots?: number
  /** Text has letters of two, three and four bytes. */
  wide: boolean
  /** Bytes of one token in the middle of a text. */
  longBytes?: number
  /** Between two pings while a stream is held up. */
  pingMs?: number
  /** Events that no client knows stand among the others. */
  unknownEvents: boolean
  /** How lines of events end. */
  eol?: '\n' | '\r\n' | '\r'
  bom: boolean
  /** Bytes of a write. */
  splitBytes?: number
  /** Between two writes. */
  dripMs?: number
  trailers: boolean
  /** Statuses before the answer's own. */
  interim?: readonly number[]
}

type Knob = (script: Script, value: string) => boolean

/** Each knob reads its value into the script, and says whether it could. */
export const knobs: Readonly<Record<string, Knob>> = {
  ttft: (script, value) => take(readDuration(value), ms => (script.ttftMs = ms)),
  pace: (script, value) => take(readDuration(value), ms => (script.paceMs = ms)),
  tokens: (script, value) => take(readCount(value, 0), count => (script.tokens = count)),
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
  error: (script, value) => take(findErrorAnswer(value), error => (script.streamError = error)),
  size: (script, value) => take(readBytesOf(value), bytes => (script.sizeBytes = bytes)),
  retry_after: (script, value) => take(readRetryAfter(value), text => (script.retryAfter = text)),
  retry_after_ms: (script, value) => take(readPlain(value), text => (script.retryAfterMs = text)),
  should_retry: (script, value) => take(readPlain(value), text => (script.shouldRetry = text)),
  reset: (script, value) => take(readDuration(value), ms => (script.resetMs = ms)),
  limit: (script, value) => take(readCount(value, 1, 1_000_000), count => (script.limit = count)),
  tpm: (script, value) => take(readCount(value, 1, 1_000_000_000), count => (script.tokenLimit = count)),
  concurrency: (script, value) => take(readCount(value, 1), count => (script.concurrency = count)),
  slots: (script, value) => take(readCount(value, 1), count => (script.slots = count)),
  wide: (script, value) => take(readFlag(value), flag => (script.wide = flag)),
  long: (script, value) => take(readBytesOf(value), bytes => (script.longBytes = bytes)),
  ping: (script, value) => take(readDuration(value) || undefined, ms => (script.pingMs = ms)),
  unknown: (script, value) => take(readFlag(value), flag => (script.unknownEvents = flag)),
  eol: (script, value) => take(readWord(value, lineEnds), eol => (script.eol = eol)),
  bom: (script, value) => take(readFlag(value), flag => (script.bom = flag)),
  split: (script, value) => take(readCount(value, 1), count => (script.splitBytes = count)),
  drip: (script, value) => take(readDuration(value), ms => (script.dripMs = ms)),
  trailers: (script, value) => take(readFlag(value), flag => (script.trailers = flag)),
  interim: (script, value) => take(readInterim(value), statuses => (script.interim = statuses)),
  as: () => true, // says nothing; makes a script distinct, so that its calls are counted apart
}

const lineEnds = { lf: '\n', crlf: '\r\n', cr: '\r' } as const

function plainScript(): Script {
  return {
    ttftMs: 0,
    paceMs: 0,
    cachedTokens: 0,
    noUsage: false,
    toolCalls: 0,
    refusal: false,
    filtered: false,
    wide: false,
    unknownEvents: false,
    bom: false,
    trailers: false,
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

function findErrorAnswer(name: string): ErrorAnswer | undefined {
  const failure = findFailure(name)
  return failure?.kind === 'error' ? failure : undefined
}

function hint(name: string): string {
  if (name !== 'fail' && name !== 'error') return ''
  const known = [...failures.values()].filter(one => name === 'fail' || one.kind === 'error')
  return ` Known: any status from 400 to 599, ${known.map(one => one.name).join(', ')}.`
}

export function mistake(message: string): ApiError {
  return badRequest(message, 'invalid_script', 'model')
}

function take<T>(value: T | undefined, set: (value: T) => void): boolean {
  if (value === undefined) return false
  set(value)
  return true
}
