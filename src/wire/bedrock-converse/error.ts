import type { ProviderError } from '#exchange'
import { isObject } from '../json-body.ts'

/** Bedrock's exceptions in the words by which errors inside a stream are told apart. */
const types: Readonly<Record<string, string>> = {
  throttlingException: 'rate_limit_error',
  serviceUnavailableException: 'overloaded_error',
  modelNotReadyException: 'overloaded_error',
  modelTimeoutException: 'timeout_error',
  validationException: 'invalid_request_error',
  accessDeniedException: 'permission_error',
  resourceNotFoundException: 'not_found_error',
}

/** An error's body: `{message}`, by some services with `__type`; what kind it is stands in a header else. */
export function readConverseError(body: unknown): ProviderError | undefined {
  if (!isObject(body) || body.output !== undefined) return undefined
  const message = [body.message, body.Message].find(text => typeof text === 'string')
  const kind = typeof body.__type === 'string' ? body.__type.replace(/^.*#/, '') : undefined
  return message === undefined && kind === undefined ? undefined : errorOf(kind, message)
}

export function errorOf(kind: string | undefined, message: string | undefined): ProviderError {
  const name = kind && `${kind.charAt(0).toLowerCase()}${kind.slice(1)}`
  return { code: kind, type: name && (types[name] ?? 'api_error'), param: undefined, message }
}
