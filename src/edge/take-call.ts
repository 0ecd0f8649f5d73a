import type { IncomingHttpHeaders } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import {
  type Asked,
  type Call,
  type CallClass,
  type Caller,
  type CallerDialect,
  type Decision,
  refuse,
} from '#exchange'
import { answer, type Gateway } from '#gateway'
import type { Clock } from '#platform'
import { readAttribution } from './attribution.ts'
import { HttpClientOfCall } from './client.ts'
import type { Rounds } from './rounds.ts'
import type { Shedder } from './shedder.ts'
import { takeOnce } from './take-once.ts'
import { shuttingDown, type UnderWay } from './under-way.ts'

export interface CallRoutesOptions {
  /** The gateway of the newest configuration; a call keeps the one it began with. */
  current(): Gateway
  clock: Clock
  /** Calls whose answer is not out yet, for the drain. */
  underWay: UnderWay
  /** Looks after them on their way. */
  rounds: Rounds
  /** Refuses those that there is no room for. */
  shedder: Shedder
  /** A reader was given up. */
  onDropped(): void
  isDraining(): boolean
}

export interface TakenRequest {
  request: FastifyRequest
  reply: FastifyReply
  dialect: CallerDialect
  body: Buffer
  /** What is asked, as its dialect reads it. */
  parse(): Decision<Asked>
}

/** Hands a request to the gateway as a call; from here on its answer is the call's. */
export function takeCall(taken: TakenRequest, options: CallRoutesOptions): void {
  if (options.isDraining()) throw shuttingDown() // its body came too late
  const call = readCall(taken, options.clock)
  const refused = isBatchByBody(call) && options.shedder.admit('batch')
  if (refused) throw refused
  taken.reply.hijack()
  const client = new HttpClientOfCall(taken.reply.raw, call, options.onDropped)
  options.rounds.begin()
  const key = taken.request.headers['idempotency-key']
  if (key !== undefined && taken.request.method === 'POST') {
    return takeOnce({ request: taken.request, call, key, client }, options)
  }
  const leave = options.underWay.enter(client)
  void answer(options.current(), call, client).finally(() => client.onDelivered(leave))
}

/** What the headers did not tell. */
function isBatchByBody(call: Call): boolean {
  return call.class === 'batch' && call.headers['x-sluice-class'] === undefined
}

function readCall({ request, dialect, body, parse }: TakenRequest, clock: Clock): Call {
  const hex = request.id.slice('req_'.length)
  const asked = readAsked(request.headers, parse)
  const value = asked.ok ? asked.value : undefined
  return {
    id: `call_${hex}`,
    requestId: request.id,
    startedAtMs: clock.now(),
    dialect,
    caller: request.caller as Caller,
    asked,
    body,
    user: header(request.headers, 'x-sluice-user') ?? value?.user,
    feature: header(request.headers, 'x-sluice-feature') ?? value?.feature,
    ...readAttribution(request.headers, value),
    class: oneOf(classes, request.headers['x-sluice-class']) ?? (value?.batch ? 'batch' : 'interactive'),
    unsupported: oneOf(policies, request.headers['x-sluice-unsupported']),
    patienceMs: readPatience(request.headers),
    headers: request.headers,
  }
}

const longestPatienceMs = 24 * 3_600_000
const patienceHeader = 'x-sluice-timeout-ms'
const classes = ['interactive', 'batch'] as const satisfies readonly CallClass[]
const policies = ['error', 'drop'] as const
const wordHeaders = [
  ['x-sluice-class', classes],
  ['x-sluice-unsupported', policies],
] as const

function readAsked(headers: IncomingHttpHeaders, parse: () => Decision<Asked>): Decision<Asked> {
  for (const [name, words] of wordHeaders) {
    if (headers[name] !== undefined && oneOf<string>(words, headers[name]) === undefined) {
      const choice = words.map(word => `\`${word}\``).join(' or ')
      return refuse('invalid_request', `The header \`${name}\` must be ${choice}.`, { param: name })
    }
  }
  if (headers[patienceHeader] !== undefined && readOwnPatience(headers) === undefined) {
    const message = `The header \`${patienceHeader}\` must be a number of milliseconds from 1 to ${longestPatienceMs} (a day).`
    return refuse('invalid_request', message, { param: patienceHeader })
  }
  return parse()
}

function oneOf<W extends string>(words: readonly W[], value: string | string[] | undefined): W | undefined {
  return words.find(word => word === value)
}

function header(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name]
  return typeof value === 'string' && value !== '' ? value : undefined
}

/**
 * How long the caller waits, in milliseconds: as it says itself, or as the SDKs of OpenAI and Anthropic tell their own
 * time limit (`x-stainless-timeout`, seconds). Undefined when nobody says, or an SDK nothing sensible.
 */
function readPatience(headers: IncomingHttpHeaders): number | undefined {
  return readOwnPatience(headers) ?? patienceOf(Number(header(headers, 'x-stainless-timeout')) * 1_000)
}

function readOwnPatience(headers: IncomingHttpHeaders): number | undefined {
  return patienceOf(Number(header(headers, patienceHeader)))
}

function patienceOf(ms: number): number | undefined {
  return ms > 0 && ms <= longestPatienceMs ? ms : undefined
}
