import type { IncomingMessage } from 'node:http'
import { ApiError, badRequest } from './api-error.ts'
import type { Body } from './dialect.ts'

const maxBodyBytes = 64 * 1024 * 1024

/** All bytes of a request's body; `undefined` if the client left before they had come. */
export async function readBytes(request: IncomingMessage): Promise<Buffer | ApiError | undefined> {
  return await new Promise(resolve => {
    const chunks: Buffer[] = []
    let bytes = 0
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes <= maxBodyBytes) return chunks.push(chunk)
      chunks.length = 0
      resolve(tooLarge())
    })
    request.once('end', () => resolve(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)))
    request.once('close', () => resolve(undefined))
  })
}

/** The body as a JSON object. */
export function parseBody(bytes: Buffer, contentEncoding: string | undefined): Body | ApiError {
  if (contentEncoding !== undefined && contentEncoding !== 'identity') {
    return badRequest(`The content encoding '${contentEncoding}' is not supported.`, 'unsupported_encoding')
  }
  try {
    const value: unknown = JSON.parse(bytes.toString())
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Body
    return badRequest('The body must be a JSON object.', 'invalid_json')
  } catch {
    return badRequest('We could not parse the JSON body of your request.', 'invalid_json')
  }
}

function tooLarge(): ApiError {
  return new ApiError({
    status: 413,
    type: 'invalid_request_error',
    code: 'request_too_large',
    message: `The body is larger than ${maxBodyBytes} bytes.`,
  })
}
