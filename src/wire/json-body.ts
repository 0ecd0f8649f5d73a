import { isUtf8 } from 'node:buffer'
import { allow, type Decision, refuse } from '#exchange'
import { findFields, type ObjectFields } from './json-fields.ts'

/** How deep a request's JSON may nest; the official SDKs stay under 20, tool schemas rarely pass 30. */
const maxDepth = 128

export interface JsonBody {
  json: Record<string, unknown>
  fields: ObjectFields
}

/** A request body as JSON, with the places of its top-level fields. */
export function readJsonBody(body: Buffer): Decision<JsonBody> {
  if (!isUtf8(body)) return refuse('invalid_json', 'The body is not UTF-8 text.')
  let json: unknown
  try {
    json = JSON.parse(body.toString())
  } catch (error) {
    return refuse('invalid_json', `The body is not valid JSON: ${jsonProblem(error)}.`)
  }
  const fields = findFields(body)
  if (!isObject(json) || fields === undefined)
    return refuse('invalid_json', 'The body must be a JSON object.')
  if (fields.depth > maxDepth) {
    return refuse(
      'json_too_deep',
      `The body nests ${fields.depth} levels deep; at most ${maxDepth} are read.`,
    )
  }
  return allow({ json, fields })
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The parser's reason without its excerpt of the body, which may be the prompt. */
function jsonProblem(error: unknown): string {
  const message = error instanceof Error ? error.message : 'unreadable'
  const position = /position (\d+)/.exec(message)?.[1]
  return position === undefined ? 'it ends too early or has a stray character' : `see position ${position}`
}

export function wrongType(param: string, expected: string, value: unknown): ReturnType<typeof refuse> {
  const got =
    value === null
      ? 'null'
      : Array.isArray(value)
        ? 'an array'
        : value === undefined
          ? 'nothing'
          : `a ${typeof value}`
  return refuse('invalid_request', `\`${param}\` must be ${expected}, not ${got}.`, { param })
}

/** Text as a JSON object; undefined when it is anything else. */
export function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}
