import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { type Caller, Fault, type Route, StreamedAnswer } from '#exchange'
import type { Log } from '#platform'
import type { Traveller, UnderWay } from './under-way.ts'

/** A request to our own API is not cut off by itself. */
const unhurried: Traveller = { cut: () => undefined }

/** Serves one route as its domain declared it: what comes in is validated, what goes out is its JSON. */
export function serveRoute(
  server: FastifyInstance,
  route: Route,
  { log, requests }: { log: Log; requests: UnderWay },
): void {
  server.route({
    method: route.method,
    // A model's name may contain slashes, so it takes the rest of the path.
    url: route.path.replace('{model}', '*').replaceAll(/\{(\w+)\}/g, ':$1'),
    config: { requires: route.requires },
    schema: {
      ...(route.query && { querystring: route.query }),
      ...(route.body && { body: route.body }),
    },
    preValidation: async request => {
      if (route.body) request.body = parseBody(request.body)
      coerceQuery(request, route)
    },
    async handler(request, reply) {
      reply.raw.once('close', requests.enter(unhurried))
      const { '*': model, ...params } = request.params as Record<string, string>
      const answer = await route.handle({
        params: model === undefined ? params : { ...params, model },
        query: request.query,
        body: request.body,
        caller: request.caller as Caller,
        headers: request.headers,
      })
      log.debug({ request: request.id, route: route.path }, 'answered')
      reply.code(route.answer.status).header('x-request-id', request.id)
      if (!(answer instanceof StreamedAnswer)) return reply.send(answer)
      return reply.type(answer.contentType).send(Readable.from(answer.chunks))
    },
  })
}

function parseBody(body: unknown): unknown {
  if (!Buffer.isBuffer(body) || body.length === 0)
    throw new Fault('invalid_json', 'The body is empty; send a JSON object.')
  return JSON.parse(body.toString())
}

/** A query string knows only text: what the schema calls a number or a list becomes one. */
function coerceQuery(request: FastifyRequest, route: Route): void {
  const { properties = {} } = (route.query ?? {}) as { properties?: Record<string, { type?: string }> }
  const query = request.query as Record<string, unknown>
  for (const [name, { type }] of Object.entries(properties)) {
    if (type === 'array') takeBracketed(query, name)
    const value = query[name]
    if ((type === 'integer' || type === 'number') && typeof value === 'string' && value.trim() !== '')
      query[name] = Number(value)
    if (type === 'boolean' && (value === 'true' || value === 'false')) query[name] = value === 'true'
    if (type === 'array' && typeof value === 'string') query[name] = value.split(',')
  }
}

/** A list as OpenAI's SDKs send it: `include[]=a&include[]=b`. */
function takeBracketed(query: Record<string, unknown>, name: string): void {
  const { [`${name}[]`]: values } = query
  if (values === undefined || query[name] !== undefined) return
  query[name] = Array.isArray(values) ? values : [values]
  delete query[`${name}[]`]
}
