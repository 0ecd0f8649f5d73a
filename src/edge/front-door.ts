import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { CallClass, Fault } from '#exchange'
import { dialects } from '#wire'
import { faultHeaders } from './answer-headers.ts'
import type { Shedder } from './shedder.ts'
import { spokenDialect } from './spoken-dialect.ts'

/**
 * Refuses calls before anything else is done with them: refusing must cost next to nothing, or it is the overload. Our
 * own API stays open, for whoever comes to see what is wrong.
 */
export function guardDoor(server: Server, shedder: Shedder, newRequestId: () => string): void {
  const inner = server.listeners('request') as ((
    request: IncomingMessage,
    response: ServerResponse,
  ) => void)[]
  server.removeAllListeners('request')
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const fault = isCall(request) ? shedder.admit(classOf(request)) : undefined
    if (fault) return refuse(fault, request, response, newRequestId())
    for (const handle of inner) handle(request, response)
  })
}

function isCall({ method, url = '' }: IncomingMessage): boolean {
  return method === 'POST' && !url.startsWith('/sluice/')
}

/** As far as the headers tell; a body may say batch as well, and is asked again when it is there. */
function classOf({ headers }: IncomingMessage): CallClass {
  return headers['x-sluice-class'] === 'batch' ? 'batch' : 'interactive'
}

function refuse(fault: Fault, request: IncomingMessage, response: ServerResponse, requestId: string): void {
  const { url = '', headers } = request
  const body = JSON.stringify(dialects[spokenDialect(url, headers)].renderError(fault, requestId))
  response.writeHead(fault.status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    'x-request-id': requestId,
    ...faultHeaders(fault),
  })
  response.end(body)
}
