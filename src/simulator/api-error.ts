/** Why a request is not answered, before a dialect has put it into its own shape. A value, never thrown. */
export class ApiError {
  readonly status: number
  readonly type: string
  readonly code: string | null
  readonly message: string
  readonly param: string | null
  /** The `retry-after` header as it is to be sent. */
  readonly retryAfter: string | undefined

  constructor(words: {
    status: number
    type: string
    code: string | null
    message: string
    param?: string | undefined
    retryAfter?: string | undefined
  }) {
    this.status = words.status
    this.type = words.type
    this.code = words.code
    this.message = words.message
    this.param = words.param ?? null
    this.retryAfter = words.retryAfter
  }
}

/** The caller's own mistake: status 400. */
export function badRequest(message: string, code: string | null, param?: string): ApiError {
  return new ApiError({ status: 400, type: 'invalid_request_error', code, message, param })
}

/** The error that a script puts into an answer which began with status 200. */
export const scriptedStreamError = new ApiError({
  status: 500,
  type: 'server_error',
  code: 'server_error',
  message: 'The server had an error while processing your request.',
})
