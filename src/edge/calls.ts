import type { IncomingHttpHeaders } from 'node:http'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import {
  type Asked,
  type Call,
  type CallClass,
  type Caller,
  type CallerDialect,
  type Decision,
  Fault,
  type IncomingRequest,
  refuse,
} from '#exchange'
import { answer, type Gateway } from '#gateway'
import type { Clock } from '#platform'
import { dialects } from '#wire'
import { HttpClientOfCall } from './client.ts'
import { shuttingDown, type UnderWay } from './under-way.ts'

export interface CallRoutesOptions {
  /** The gateway of the newest configuration; a call keeps the one it began with. */
  current(): Gateway
  clock: Clock
  /** Calls whose answer is not out yet, for the drain. */
  underWay: UnderWay
  isDraining(): boolean
}

/** The addresses of the official SDKs: each hands a call, in its dialect, to the gateway. */
export function serveCalls(server: FastifyInstance, options: CallRoutesOptions): void {
  for (const [path, names] of dialectsByRoute()) {
    server.post(path, { config: { requires: 'key' } }, (request, reply) => {
      if (options.isDraining()) throw shuttingDown() // its body came too late
      const incoming = readIncoming(request)
      const dialect = names.find(name => dialects[name].serves?.(incoming.rest) ?? true)
      if (dialect === undefined) throw noSuchMethod(incoming.rest)
      reply.hijack()
      const call = readCall(request, dialect, incoming, options.clock)
      const client = new HttpClientOfCall(reply.raw, call)
      const leave = options.underWay.enter(() => client.cut(shuttingDown()))
      void answer(options.current(), call, client).finally(() => client.onDelivered(leave))
    })
  }
}

/** Modules that share a route tell by the rest of the path whose request it is. */
function dialectsByRoute(): Map<string, CallerDialect[]> {
  const routes = new Map<string, CallerDialect[]>()
  for (const name of Object.keys(dialects) as CallerDialect[])
    for (const route of dialects[name].routes) routes.set(route, [...(routes.get(route) ?? []), name])
  return routes
}

function noSuchMethod(rest: string): Fault {
  const method = /:([^:/]*)$/.exec(rest)?.[1]
  return new Fault(
    'not_found',
    method === undefined
      ? 'Name a method behind the model, as in `models/MODEL:generateContent`.'
      : `Models have no method \`${method.slice(0, 60)}\` here.`,
  )
}

function readIncoming(request: FastifyRequest): IncomingRequest {
  const { '*': rest = '' } = request.params as { '*'?: string }
  return {
    body: Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0),
    rest,
    query: request.query as Record<string, string | undefined>,
  }
}

function readCall(
  request: FastifyRequest,
  dialect: CallerDialect,
  incoming: IncomingRequest,
  clock: Clock,
): Call {
  const hex = request.id.slice('req_'.length)
  const asked = readAsked(dialect, incoming, request.headers)
  const value = asked.ok ? asked.value : undefined
  return {
    id: `call_${hex}`,
    requestId: request.id,
    startedAtMs: clock.now(),
    dialect,
    caller: request.caller as Caller,
    asked,
    body: incoming.body,
    user: header(request.headers, 'x-sluice-user') ?? value?.user,
    feature: header(request.headers, 'x-sluice-feature') ?? value?.feature,
    class: oneOf(classes, request.headers['x-sluice-class']) ?? (value?.batch ? 'batch' : 'interactive'),
    unsupported: oneOf(policies, request.headers['x-sluice-unsupported']),
    headers: request.headers,
  }
}

const classes = ['interactive', 'batch'] as const satisfies readonly CallClass[]
const policies = ['error', 'drop'] as const

function readAsked(
  dialect: CallerDialect,
  incoming: IncomingRequest,
  headers: IncomingHttpHeaders,
): Decision<Asked> {
  for (const [name, words] of [
    ['x-sluice-class', classes],
    ['x-sluice-unsupported', policies],
  ] as const) {
    if (headers[name] !== undefined && oneOf<string>(words, headers[name]) === undefined) {
      const choice = words.map(word => `\`${word}\``).join(' or ')
      return refuse('invalid_request', `The header \`${name}\` must be ${choice}.`, { param: name })
    }
  }
  if (incoming.body.length === 0) return refuse('invalid_json', 'The body is empty; send a JSON object.')
  return dialects[dialect].parseRequest(incoming)
}

function oneOf<W extends string>(words: readonly W[], value: string | string[] | undefined): W | undefined {
  return words.find(word => word === value)
}

function header(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name]
  return typeof value === 'string' && value !== '' ? value : undefined
}
