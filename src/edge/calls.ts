import type { IncomingHttpHeaders } from 'node:http'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import {
  type Asked,
  type Call,
  type CallClass,
  type Caller,
  type Decision,
  type Dialect,
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

const paths: Record<string, Dialect> = {
  '/v1/chat/completions': 'openai-chat',
  '/v1/embeddings': 'openai-embeddings',
}

/** The addresses of the official SDKs: each hands a call, in its dialect, to the gateway. */
export function serveCalls(server: FastifyInstance, options: CallRoutesOptions): void {
  for (const [path, dialect] of Object.entries(paths)) {
    server.post(path, { config: { requires: 'key' } }, (request, reply) => {
      if (options.isDraining()) throw shuttingDown() // its body came too late
      reply.hijack()
      const call = readCall(request, dialect, options)
      const client = new HttpClientOfCall(reply.raw, call)
      const leave = options.underWay.enter(() => client.cut(shuttingDown()))
      void answer(options.current(), call, client).finally(() => client.onDelivered(leave))
    })
  }
}

function readCall(request: FastifyRequest, dialect: Dialect, { clock }: CallRoutesOptions): Call {
  const hex = request.id.slice('req_'.length)
  const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
  const asked = readAsked(dialect, body, request.headers)
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
    class: classOf(request.headers) ?? (value?.batch ? 'batch' : 'interactive'),
    headers: request.headers,
  }
}

function readAsked(dialect: Dialect, body: Buffer, headers: IncomingHttpHeaders): Decision<Asked> {
  const wanted = headers['x-sluice-class']
  if (wanted !== undefined && classOf(headers) === undefined) {
    return refuse('invalid_request', 'The header `x-sluice-class` must be `interactive` or `batch`.', {
      param: 'x-sluice-class',
    })
  }
  if (body.length === 0) return refuse('invalid_json', 'The body is empty; send a JSON object.')
  return dialects[dialect].parseRequest(body)
}

function classOf(headers: IncomingHttpHeaders): CallClass | undefined {
  const value = headers['x-sluice-class']
  return value === 'interactive' || value === 'batch' ? value : undefined
}

function header(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name]
  return typeof value === 'string' && value !== '' ? value : undefined
}
