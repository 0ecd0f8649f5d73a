import type { IncomingMessage } from 'node:http'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { type Caller, type Decision, Fault, type Requirement, type Route } from '#exchange'
import type { Gateway } from '#gateway'
import {
  type Chance,
  type Clock,
  type Doors,
  doorBacklog,
  type Log,
  openDoors,
  type Pressure,
  reserveDoor,
} from '#platform'
import { serveCalls } from './calls.ts'
import { faultOf, sendFault } from './errors.ts'
import { guardDoor } from './front-door.ts'
import { withCollection } from './model-address.ts'
import { modelRoutes } from './models.ts'
import { describeApi } from './openapi.ts'
import { serveRoute } from './own-routes.ts'
import { servePassthrough } from './passthrough.ts'
import { refuseConnection } from './refuse-connection.ts'
import { Rounds, type StreamLimits } from './rounds.ts'
import { listServed, type ServedMethods } from './served.ts'
import { type ShedCount, Shedder, type ShedLimits } from './shedder.ts'
import { shuttingDown, UnderWay } from './under-way.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What a route requires; one that does not say is refused. */
    requires?: Requirement
    /** Why a request is none for this route, whoever sends it. */
    refuses?(request: FastifyRequest, reply: FastifyReply): Fault | undefined
  }
  interface FastifyRequest {
    caller: Caller | undefined
  }
}

export interface EdgeOptions {
  current(): Gateway
  authenticate(credential: string | undefined): Promise<Decision<Caller>>
  /** Own API, declared by the domains. */
  routes: readonly Route[]
  metrics: { contentType: string; render(): Promise<string> }
  /** Whether calls can be served; throws with the reason when not. */
  checkReady(): Promise<void>
  clock: Clock
  newUuid(): string
  log: Log
  version: string
  maxBodyBytes: number
  /** For a request to arrive whole. */
  bodyTimeoutMs: number
  headerTimeoutMs: number
  /** Of the newest configuration. */
  streams(): StreamLimits
  /** Likewise. */
  shedding(): ShedLimits
  pressure: Pressure
  chance: Chance
}

export interface Edge {
  listen(address: { host: string; port: number }): Promise<string>
  /** Calls that have not ended. */
  readonly underWay: number
  /** Calls that were refused for want of room since the start. */
  readonly shed: Iterable<ShedCount>
  /** Readers that were given up since the start. */
  readonly droppedReaders: number
  /** No new calls; waits for those under way, fails what is left of them after `withinMs`, and closes. */
  drain(withinMs: number): Promise<void>
}

/** For the last words to calls that are cut off, and for requests to our own API to end. */
const farewellMs = 2_000

/** HTTP in and out. Every route says what it requires; the credential is checked before a byte of the body is read. */
export function createEdge(options: EdgeOptions): Edge {
  const underWay = new UnderWay()
  const requests = new UnderWay()
  let draining = false
  const isDraining = (): boolean => draining
  const routes = [
    ...modelRoutes({ current: options.current, startedAtMs: options.clock.now() }),
    ...options.routes,
  ]
  const served = listServed(routes)
  const server = createServer(options, isDraining, served)
  const rounds = new Rounds(underWay, options.clock, options.streams)
  let droppedReaders = 0
  let doors: Doors | undefined
  const onDropped = (): void => {
    droppedReaders += 1
  }
  const shedder = new Shedder({ ...options, limits: options.shedding, underWay: () => underWay.count })
  guardDoor(server.server, shedder, () => `req_${options.newUuid()}`)
  const callRoutes = { ...options, underWay, shedder, rounds, onDropped, isDraining }
  serveCalls(server, callRoutes)
  for (const route of routes) serveRoute(server, route, { log: options.log, requests })
  servePassthrough(server, { ...callRoutes, served })
  serveOperations(server, options, { routes, isDraining })

  return {
    async listen(address) {
      const door = await reserveDoor(address)
      const url = await server.listen({ ...door, backlog: doorBacklog })
      doors = await openDoors(server.server, { ...address, port: Number(new URL(url).port) })
      return url
    },
    get underWay() {
      return underWay.count
    },
    get shed() {
      return shedder.counts
    },
    get droppedReaders() {
      return droppedReaders
    },
    async drain(withinMs) {
      draining = true
      const ended = (ms: number): Promise<unknown> =>
        Promise.all([underWay, requests].map(some => some.emptyWithin(ms, options.clock)))
      await ended(withinMs)
      underWay.cutAll()
      await ended(farewellMs)
      doors?.close()
      server.server.closeAllConnections()
      await underWay.empty() // whoever did not read its last words is gone now
      rounds.stop()
      shedder.stop()
      await server.close()
    },
  }
}

/** Node looks for requests that are late every 30 s by itself, whatever their limits. */
const looksPerTimeout = 8

function createServer(
  options: EdgeOptions,
  isDraining: () => boolean,
  served: ServedMethods,
): FastifyInstance {
  const server = Fastify({
    bodyLimit: options.maxBodyBytes,
    genReqId: () => `req_${options.newUuid()}`,
    requestTimeout: options.bodyTimeoutMs,
    connectionTimeout: 0,
    keepAliveTimeout: 75_000, // longer than the usual idle limits of balancers in front
    forceCloseConnections: true,
    rewriteUrl: ({ url = '/' }) => withCollection(url),
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 512 },
    // Node's own answers to what HTTP itself forbids are not in a shape that an SDK reads.
    // Of an answer that its reader does not take, a quarter of what Node would hold: it is asked for again in time.
    http: {
      requireHostHeader: false,
      highWaterMark: 16 * 1024,
      connectionsCheckingInterval: Math.min(options.headerTimeoutMs, options.bodyTimeoutMs) / looksPerTimeout,
    },
    frameworkErrors: (error, request, reply) =>
      sendFault(faultOf(error, request), request, reply, options.log),
    ajv: { customOptions: { removeAdditional: false, coerceTypes: false, useDefaults: true } },
    clientErrorHandler: (error, socket) => refuseConnection(error, socket, options.clock),
  })
  server.server.headersTimeout = options.headerTimeoutMs
  server.decorateRequest('caller', undefined)
  server.removeAllContentTypeParsers()
  server.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) =>
    done(null, body),
  )
  server.addHook('onRequest', async (request, reply) => {
    const refused = request.routeOptions.config?.refuses?.(request, reply)
    if (refused) throw refused
    await admitRequest(request, options, isDraining())
  })
  server.setErrorHandler(async (error, request, reply) => {
    const fault = faultOf(error, request)
    if (fault.code === 'body_too_large') await discard(request.raw, options.clock)
    sendFault(fault, request, reply, options.log)
    return reply
  })
  server.setNotFoundHandler({ preHandler: undefined as never }, (request, reply) =>
    sendNotFound(server, request, reply, { log: options.log, served }),
  )
  return server
}

/** As long as a caller may go on sending what is not read any more. */
const discardMs = 5_000

/**
 * Reads on for a while and keeps nothing: a caller that is still sending when the connection closes sees a broken
 * pipe, and never the answer that says why.
 */
function discard(request: IncomingMessage, clock: Clock): Promise<void> {
  return new Promise(resolve => {
    const stop = clock.after(discardMs, resolve)
    const over = (): void => {
      stop()
      resolve()
    }
    request.once('end', over)
    request.once('close', over)
    request.resume()
  })
}

async function admitRequest(
  request: FastifyRequest,
  options: EdgeOptions,
  isDraining: boolean,
): Promise<void> {
  if (request.is404) return
  if (request.headers.host === undefined && request.raw.httpVersion === '1.1') {
    throw new Fault('invalid_request', 'The header `host` is missing (RFC 9112, 3.2).')
  }
  const { requires } = request.routeOptions.config
  if (requires === undefined)
    throw new Fault('permission_denied', 'This address does not say who may use it, so nobody may.')
  if (requires === 'nothing') return
  if (isDraining) throw shuttingDown()
  const encoding = request.headers['content-encoding']
  if (encoding !== undefined && encoding !== 'identity') {
    throw new Fault('unsupported_media_type', 'Send the body without `content-encoding`.')
  }
  const caller = await options.authenticate(credentialOf(request))
  if (!caller.ok) throw new Fault(caller.code, caller.message, caller.detail)
  if (requires === 'admin' && caller.value.role !== 'admin') {
    throw new Fault('permission_denied', 'This needs an admin key.')
  }
  request.caller = caller.value
}

/** As each SDK sends it; Gemini's REST API also takes it in the query. */
function credentialOf(request: FastifyRequest): string | undefined {
  const { authorization } = request.headers
  if (authorization !== undefined) return /^bearer +(\S+)\s*$/i.exec(authorization)?.[1] ?? 'malformed'
  const { key } = request.query as { key?: string }
  const other = request.headers['x-api-key'] ?? request.headers['x-goog-api-key'] ?? key
  return Array.isArray(other) ? other[0] : other
}

function serveOperations(
  server: FastifyInstance,
  options: EdgeOptions,
  state: { routes: readonly Route[]; isDraining(): boolean },
): void {
  const open = { config: { requires: 'nothing' } } as const
  server.get('/healthz', open, async () => ({ status: 'alive' }))
  server.get('/readyz', open, async (_request, reply) => {
    if (state.isDraining()) return reply.code(503).send({ status: 'draining' })
    try {
      await options.checkReady()
      return { status: 'ready' }
    } catch {
      return reply.code(503).send({ status: 'not ready', reason: 'the database cannot be reached' })
    }
  })
  server.get('/metrics', open, async (_request, reply) =>
    reply.type(options.metrics.contentType).send(await options.metrics.render()),
  )
  server.get('/sluice/v1/openapi.json', open, async () => describeApi(state.routes, options.version))
  server.get('/', open, async () => ({
    name: 'sluice',
    version: options.version,
    openapi: '/sluice/v1/openapi.json',
  }))
}

function sendNotFound(
  server: FastifyInstance,
  request: FastifyRequest,
  reply: FastifyReply,
  { log, served }: { log: Log; served: ServedMethods },
): void {
  const path = request.url.split('?', 1)[0] ?? ''
  const methods = (['GET', 'POST', 'PATCH', 'DELETE'] as const).filter(
    method => server.findRoute({ method, url: path }) !== null,
  )
  if (methods.length > 0) {
    reply.header('allow', methods.join(', '))
    return sendFault(
      new Fault('method_not_allowed', `Use ${methods.join(' or ')} here, not ${request.method}.`),
      request,
      reply,
      log,
    )
  }
  const missesVersion = served(`/v1${path}`).includes('POST')
  const hint = missesVersion ? ' The base URL of an OpenAI SDK ends in `/v1`.' : ''
  sendFault(
    new Fault('not_found', `There is no ${request.method} ${path.slice(0, 200)} here.${hint}`),
    request,
    reply,
    log,
  )
}
