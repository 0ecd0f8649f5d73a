import { allow, type Decision, type Family, type Passthrough, refuse } from '#exchange'
import { bareName } from '../gemini/address.ts'

/**
 * A path as providers may be sent it: steps of plain characters, none of them made of dots alone. Percent-encoding
 * is for what needs it. A letter, a dot, a slash, a backslash, a percent sign or a control character in disguise is
 * how a path is made to mean one thing here and another there.
 */
const plain = /^(?:\/(?!\.+(?:\/|$))(?:[\w.~!$&'()*+,=:@-]|%[\dA-Fa-f]{2})+)+\/?$/
const disguised = /%(?:[01][\dA-Fa-f]|2[DdEeFf5]|3\d|4[1-9A-Fa-f]|5[\dAaCcFf]|6[1-9A-Fa-f]|7[\dAaEeFf])/

/** Where requests that are passed through come in, and where their provider's own base URL stands. */
const root = /^(\/upload)?\/v1(?:beta)?(?=\/)/

export function checkAddress(path: string, query: string): Decision<void> {
  if (plain.test(path) && !disguised.test(path) && root.test(path) && /^[\x21\x22\x24-\x7e]*$/.test(query))
    return allow(undefined)
  return refuse(
    'invalid_request',
    'This address cannot be passed on: write it plainly, without `..`, `//`, backslashes, and without encoding what needs none.',
  )
}

export interface Address {
  /** The address has a root of its own for uploads, before the version. */
  upload: boolean
  /** Under a provider's base URL: `/images/generations`. */
  own: string
}

/** Where a request goes, with the model's name as it is there. */
export function addressFor({ family, path }: Passthrough, model: string): Address {
  const [before = '', upload] = root.exec(path) ?? []
  const own = path.slice(before.length)
  const found = family === 'gemini' && model !== '' ? inPath.exec(own) : null
  return {
    upload: upload !== undefined,
    own: found ? `/models/${encodeURIComponent(bareName(model))}${found[2]}` : own,
  }
}

/** A model may have slashes in its name; a method stands behind it. (An operation names it as its provider does.) */
const inPath = /^\/models\/(.+)(:[A-Za-z]\w*)$/

/** The model that the path names, as Gemini's do. */
export function modelInPath(family: Family, path: string): string | undefined {
  if (family !== 'gemini') return undefined
  const [, name] = inPath.exec(path.replace(root, '')) ?? []
  try {
    return name === undefined ? undefined : bareName(decodeURIComponent(name))
  } catch {
    return undefined // percent-encoded bytes that are no text
  }
}

const credentials = new Set(['key', 'api_key', 'api-key', 'access_token'])

/** A query as it came, without what may be a credential. */
export function withoutCredentials(query: string): string {
  return query
    .split('&')
    .filter(pair => !credentials.has(decoded(pair.split('=', 1)[0] ?? '').toLowerCase()))
    .join('&')
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
