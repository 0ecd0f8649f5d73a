import type { IncomingRequest } from '#exchange'
import { parseObject } from '../json-body.ts'
import { exchangeFields, findFields } from '../json-fields.ts'

/**
 * The response that a caller goes on from. Its provider was sent the whole history instead, and knows of none: what
 * it answers is told anew with the id that the caller named.
 */
export function previousOf({ body }: IncomingRequest): string | undefined {
  if (!body.includes('"previous_response_id"')) return undefined
  const previous = parseObject(body.toString())?.previous_response_id
  return typeof previous === 'string' ? previous : undefined
}

/** A whole answer, with that id in it. */
export function continueAnswer(body: Buffer, request: IncomingRequest): Buffer {
  const previous = previousOf(request)
  const fields = previous === undefined ? undefined : findFields(body)
  return fields ? exchangeFields(body, fields, { previous_response_id: JSON.stringify(previous) }) : body
}
