import { allow, type Decision, Fault, refuse } from '#exchange'
import { isObject, wrongType } from './json-body.ts'

/*
 * Reads fields of a caller's JSON and says by name what is wrong with one. A problem is thrown as a `Fault` from
 * wherever it is met in a deep request, and `reading` makes a decision of it. A field that is null is absent.
 */

type Json = Readonly<Record<string, unknown>>

export function reading<T>(read: () => T): Decision<T> {
  try {
    return allow(read())
  } catch (cause) {
    if (cause instanceof Fault) return refuse(cause.code, cause.message, cause.detail)
    throw cause
  }
}

/** Never returns: the caller's request is wrong at `param`. */
export function wrong(param: string, sentence: string): never {
  throw new Fault('invalid_request', sentence, { param })
}

function mustBe(param: string, expected: string, value: unknown): never {
  const { message, detail } = wrongType(param, expected, value)
  throw new Fault('invalid_request', message, detail)
}

export function optionalNumber(
  json: Json,
  field: string,
  { path = field, min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY, whole = false } = {},
): number | undefined {
  const value = json[field]
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'number' || (whole && !Number.isInteger(value)))
    mustBe(path, whole ? 'a whole number' : 'a number', value)
  if (value < min || value > max) {
    const range = max === Number.POSITIVE_INFINITY ? `at least ${min}` : `from ${min} to ${max}`
    wrong(path, `\`${path}\` must be ${range}, not ${value}.`)
  }
  return value
}

export function optionalString(json: Json, field: string, path = field): string | undefined {
  const value = json[field]
  if (value === undefined || value === null) return undefined
  return typeof value === 'string' ? value : mustBe(path, 'a string', value)
}

export function requiredString(json: Json, field: string, path = field): string {
  return optionalString(json, field, path) ?? mustBe(path, 'a string', json[field])
}

export function optionalBoolean(json: Json, field: string, path = field): boolean | undefined {
  const value = json[field]
  if (value === undefined || value === null) return undefined
  return typeof value === 'boolean' ? value : mustBe(path, 'true or false', value)
}

export function optionalObject(json: Json, field: string, path = field): Json | undefined {
  const value = json[field]
  if (value === undefined || value === null) return undefined
  return isObject(value) ? value : mustBe(path, 'an object', value)
}

export function requiredObject(value: unknown, path: string): Json {
  return isObject(value) ? value : mustBe(path, 'an object', value)
}

export function optionalArray(json: Json, field: string, path = field): readonly unknown[] | undefined {
  const value = json[field]
  if (value === undefined || value === null) return undefined
  return Array.isArray(value) ? value : mustBe(path, 'an array', value)
}

/** One of a few words. */
export function optionalWord<W extends string>(
  json: Json,
  field: string,
  words: readonly W[],
  path = field,
): W | undefined {
  const value = optionalString(json, field, path)
  if (value === undefined) return undefined
  const word = words.find(word => word === value)
  return word ?? wrong(path, `\`${path}\` must be one of ${words.join(', ')}, not \`${value.slice(0, 60)}\`.`)
}

/** Texts by name, as in `metadata`. */
export function optionalTexts(json: Json, field: string): Readonly<Record<string, string>> | undefined {
  const object = optionalObject(json, field)
  if (!object) return undefined
  const texts: Record<string, string> = {}
  for (const [name, value] of Object.entries(object)) {
    if (value === null || value === undefined) continue
    texts[name] = typeof value === 'string' ? value : mustBe(`${field}.${name}`, 'a string', value)
  }
  return texts
}

/** `{a: undefined, b: 1}` as `{b: 1}`: what a caller did not say is not said in the nouns either. */
export function said<T extends object>(fields: { [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T
}

/** Base64 with nothing else in it; providers refuse line breaks and the URL alphabet. */
export function checkBase64(text: string, path: string): string {
  if (text !== '' && text.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(text)) return text
  return wrong(path, `\`${path}\` is not base64 (RFC 4648, with padding and without line breaks).`)
}

/** A `data:` URL's media type and content; undefined for another URL. */
export function readDataUrl(
  url: string,
  path: string,
): { kind: 'data'; mediaType: string; base64: string } | undefined {
  if (!url.startsWith('data:')) return undefined
  const comma = url.indexOf(',')
  const [mediaType = '', ...parameters] = url.slice(5, Math.max(comma, 5)).split(';')
  if (comma === -1 || !parameters.includes('base64') || mediaType === '')
    return wrong(path, `\`${path}\` is a data URL that is not of the form \`data:MEDIA/TYPE;base64,…\`.`)
  return { kind: 'data', mediaType: mediaType.toLowerCase(), base64: checkBase64(url.slice(comma + 1), path) }
}
