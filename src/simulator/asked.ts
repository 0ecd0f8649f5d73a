import type { IncomingHttpHeaders } from 'node:http'

/** A request as it is kept: nothing is worked out for it until somebody looks. */
export interface Asking extends Omit<Asked, 'headers'> {
  headers: IncomingHttpHeaders
}

/** A request as it arrived, for tests of whoever sent it. */
export interface Asked {
  /** Its number on the bill. */
  n: number
  method: string
  /** Path and query. */
  path: string
  /** Lower-case names; a credential is shown by its last four characters. */
  headers: Record<string, string>
  /** The parsed body; null if it was no JSON object, or too large to be kept. */
  body: Readonly<Record<string, unknown>> | null
}

const maxRequests = 200
const maxBytes = 8 * 1024 * 1024
const maxBodyBytes = 1024 * 1024

const credentials: ReadonlySet<string> = new Set([
  'authorization',
  'x-api-key',
  'x-goog-api-key',
  'api-key',
  'cookie',
])

/** The latest requests, bounded in number and in the bytes of their bodies; the oldest go first. */
export class AskedPile {
  readonly #kept: { asked: Asking; bytes: number }[] = []
  #bytes = 0

  keep(asked: Asking, bytes: number): void {
    const light = bytes <= maxBodyBytes
    const kept = { asked: light ? asked : { ...asked, body: null }, bytes: light ? bytes : 0 }
    this.#kept.push(kept)
    this.#bytes += kept.bytes
    while (this.#kept.length > maxRequests || this.#bytes > maxBytes) {
      this.#bytes -= this.#kept.shift()?.bytes ?? 0
    }
  }

  /** Those with a number above `after`, oldest first. */
  list(after: number): Asked[] {
    const late = this.#kept.map(one => one.asked).filter(asked => asked.n > after)
    return late.map(asked => ({ ...asked, path: showPath(asked.path), headers: showHeaders(asked.headers) }))
  }
}

/** The headers as they are shown: enough to see how somebody identified himself, too little to do it again. */
function showHeaders(headers: IncomingHttpHeaders): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => {
      if (value === undefined) return []
      const text = String(value)
      return [[name, credentials.has(name) ? mask(text) : text]]
    }),
  )
}

/** The path as it is shown: Gemini takes its key in the query too. */
function showPath(url: string): string {
  return url.replace(/([?&]key=)([^&]*)/g, (_, name: string, key: string) => name + mask(key))
}

function mask(credential: string): string {
  const [scheme, secret] = /^(\w+ )(.*)$/.exec(credential)?.slice(1) ?? ['', credential]
  return `${scheme}…${(secret ?? '').length > 8 ? (secret ?? '').slice(-4) : ''}`
}
