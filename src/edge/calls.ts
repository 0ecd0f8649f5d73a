import type { FastifyInstance, FastifyRequest } from 'fastify'
import { type CallerDialect, Fault, type IncomingRequest, refuse } from '#exchange'
import { dialects } from '#wire'
import { passThrough } from './passthrough.ts'
import { type CallRoutesOptions, takeCall } from './take-call.ts'

/** The addresses of the official SDKs: each hands a call, in its dialect, to the gateway. */
export function serveCalls(server: FastifyInstance, options: CallRoutesOptions): void {
  for (const [path, names] of dialectsByRoute()) {
    server.post(path, { config: { requires: 'key' } }, (request, reply) => {
      const incoming = readIncoming(request)
      const dialect = names.find(name => dialects[name].serves?.(incoming.rest) ?? true)
      if (dialect === undefined) return passMethod(incoming.rest, () => passThrough(request, reply, options))
      const parse = () =>
        incoming.body.length === 0
          ? refuse('invalid_json', 'The body is empty; send a JSON object.')
          : dialects[dialect].parseRequest(incoming)
      takeCall({ request, reply, dialect, body: incoming.body, parse }, options)
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

/** A method of a model that is not served here may be one of its provider's. */
function passMethod(rest: string, pass: () => void): void {
  if (/:[^:/]*$/.test(rest)) return pass()
  throw new Fault('not_found', 'Name a method behind the model, as in `models/MODEL:generateContent`.')
}

function readIncoming(request: FastifyRequest): IncomingRequest {
  const { '*': rest = '' } = request.params as { '*'?: string }
  return {
    body: Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0),
    rest,
    query: request.query as Record<string, string | undefined>,
  }
}
