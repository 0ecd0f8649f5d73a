import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Fault } from '#exchange'
import { parsePassthrough } from '#wire'
import type { ServedMethods } from './served.ts'
import { spokenDialect } from './spoken-dialect.ts'
import { type CallRoutesOptions, takeCall } from './take-call.ts'

const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const

/**
 * Every other address of the vendors' APIs: a call like any other, that goes to a provider as it is. Bodies are of
 * any type here, and not looked into before the key is known.
 */
export function servePassthrough(
  server: FastifyInstance,
  options: CallRoutesOptions & { served: ServedMethods },
): void {
  const route = {
    exposeHeadRoute: false,
    config: {
      requires: 'key' as const,
      refuses: (request: FastifyRequest, reply: FastifyReply) => refuseServed(request, reply, options.served),
    },
    handler: (request: FastifyRequest, reply: FastifyReply) => passThrough(request, reply, options),
  }
  server.register((scope, _options, done) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, read) => read(null, body))
    for (const url of ['/v1/*', '/v1beta/*', '/upload/v1/*', '/upload/v1beta/*'])
      scope.route({ ...route, method: [...methods], url })
    // Under the models, of which one is described by GET, but for their long operations.
    for (const version of ['v1', 'v1beta'])
      scope.route({ ...route, method: 'GET', url: `/${version}/models/:model/operations/:operation` })
    done()
  })
}

export function passThrough(request: FastifyRequest, reply: FastifyReply, options: CallRoutesOptions): void {
  const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
  const dialect = spokenDialect(request.url, request.headers)
  const provider = request.headers['x-sluice-provider']
  const foreign = {
    method: request.method,
    url: request.raw.url ?? '',
    contentType: request.headers['content-type'],
    body,
    provider: typeof provider === 'string' && provider !== '' ? provider : undefined,
  }
  takeCall({ request, reply, dialect, body, parse: () => parsePassthrough(foreign, dialect) }, options)
}

/** An address that is served, by another method: said before anybody is asked who he is, as everywhere. */
function refuseServed(
  request: FastifyRequest,
  reply: FastifyReply,
  served: ServedMethods,
): Fault | undefined {
  const taken = served(request.url.split('?', 1)[0] ?? '')
  if (taken.length === 0 || taken.includes(request.method)) return undefined
  reply.header('allow', taken.join(', '))
  return new Fault('method_not_allowed', `Use ${taken.join(' or ')} here, not ${request.method}.`)
}
