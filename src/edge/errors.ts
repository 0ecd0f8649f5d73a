import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { Fault, toFault } from '#exchange'
import { DatabaseUnavailable, type Log } from '#platform'
import { dialects } from '#wire'
import { faultHeaders } from './answer-headers.ts'
import { spokenDialect } from './spoken-dialect.ts'

/** What the HTTP framework refuses by itself, in words for the caller. */
const frameworkFaults: Readonly<Record<string, (request: FastifyRequest) => Fault>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: () =>
    new Fault(
      'body_too_large',
      'The body is larger than this server accepts (`requests.max_body` in its configuration).',
    ),
  FST_ERR_CTP_INVALID_MEDIA_TYPE: request =>
    new Fault(
      'unsupported_media_type',
      `Send JSON, with \`content-type: application/json\`${request.headers['content-type'] === undefined ? '; the header is missing' : ''}.`,
    ),
  FST_ERR_CTP_EMPTY_TYPE: () =>
    new Fault('unsupported_media_type', 'Send JSON, with `content-type: application/json`.'),
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: () =>
    new Fault('invalid_request', 'The body is shorter or longer than its `content-length` says.'),
  FST_ERR_CTP_EMPTY_JSON_BODY: () => new Fault('invalid_json', 'The body is empty; send a JSON object.'),
  FST_ERR_BAD_URL: () => new Fault('invalid_request', 'The address is not a valid URL path.'),
  FST_ERR_MAX_PARAM_LENGTH: () => new Fault('not_found', 'A part of the address is too long.'),
}

/** What a caller hears of whatever was thrown. An outage of the database is told here, so that no route need think of it. */
export function faultOf(error: unknown, request: FastifyRequest): Fault {
  if (error instanceof Fault) return error
  if (error instanceof DatabaseUnavailable) {
    return new Fault('store_unavailable', 'The database cannot be reached just now: try again in a moment.', {
      internal: error.message,
      cause: error,
      retryAfterMs: 1_000,
    })
  }
  const framework = error as Partial<FastifyError>
  const known = framework.code === undefined ? undefined : frameworkFaults[framework.code]
  if (known) return known(request)
  if (framework.validation) return validationFault(framework)
  if (framework.statusCode !== undefined && framework.statusCode >= 400 && framework.statusCode < 500) {
    return new Fault('invalid_request', 'This is not a request that this server understands.', {
      internal: framework.message,
    })
  }
  if (error instanceof SyntaxError) return new Fault('invalid_json', 'The body is not valid JSON.')
  return toFault(error)
}

function validationFault({ validation, validationContext }: Partial<FastifyError>): Fault {
  const first = validation?.[0]
  const path = (first?.instancePath ?? '').slice(1).replaceAll('/', '.')
  const params = (first?.params ?? {}) as {
    additionalProperty?: string
    missingProperty?: string
    allowedValues?: unknown[]
  }
  const param = [path, params.additionalProperty ?? params.missingProperty].filter(part => part).join('.')
  const place =
    validationContext === 'querystring'
      ? 'query parameter'
      : validationContext === 'params'
        ? 'address'
        : 'field'
  if (params.additionalProperty !== undefined) {
    return new Fault('invalid_request', `There is no ${place} \`${param}\` here.`, { param })
  }
  if (param === '' && place === 'field')
    return new Fault('invalid_request', `The body is not right: it ${first?.message ?? 'is invalid'}.`)
  const allowed = params.allowedValues ? `: ${params.allowedValues.join(', ')}` : ''
  return new Fault(
    'invalid_request',
    `The ${place} \`${param}\` is not right: ${first?.message ?? 'invalid'}${allowed}.`,
    { param },
  )
}

/** Every error that is not on the way of a call: in the shape of the caller's dialect, with the request id under which the log knows it. */
export function sendFault(fault: Fault, request: FastifyRequest, reply: FastifyReply, log: Log): void {
  // What is shed is counted, not told one by one: that would be the overload.
  if (fault.status >= 500 && fault.code !== 'overloaded') {
    log.error(
      {
        request: request.id,
        code: fault.code,
        internal: fault.detail.internal,
        url: request.routeOptions.url,
      },
      fault.message,
    )
  }
  void reply
    .code(fault.status)
    .headers({ 'x-request-id': request.id, ...faultHeaders(fault) })
    .type('application/json')
    .send(dialects[spokenDialect(request.url, request.headers)].renderError(fault, request.id))
}
