import { createHash } from 'node:crypto'
import { type Refusal, refuse } from '#exchange'

/** A request that names itself, so that it is made once however often it is sent. */
export interface KeyedRequest {
  /** Whose key it is: the same key of another project is another key. */
  organization: string
  project: string
  key: string
  /** The call that is made, if it is this one that makes it. */
  callId: string
  /** Method, path and query, without credentials. */
  address: string
  /** The provider that was asked for, where the address does not say. */
  provider: string | undefined
  contentType: string | undefined
  body: Buffer
}

const longestKey = 255

/** Why a header's value can be no key; undefined when it can. */
export function refuseKey(value: string | readonly string[]): Refusal | undefined {
  if (typeof value === 'string' && value.length <= longestKey && /^[\x20-\x7e]+$/.test(value))
    return undefined
  return refuse(
    'invalid_request',
    `The header \`Idempotency-Key\` must be 1 to ${longestKey} printable ASCII characters, such as a UUID that is made anew for each request and sent again with each retry of it.`,
    { param: 'idempotency-key' },
  )
}

/** The same for the same request: SHA-256 of its address and its body, in hex. */
export function fingerprintOf({ address, provider, contentType, body }: KeyedRequest): string {
  const hash = createHash('sha256').update(JSON.stringify([address, provider ?? null]))
  const boundary = /^multipart\/.*;\s*boundary="?([^";]+)/i.exec(contentType ?? '')?.[1]
  if (boundary === undefined) return hash.update(body).digest('hex')
  // A form is sent with another boundary each time: it is the same form.
  const mark = Buffer.from(`--${boundary}`)
  let from = 0
  for (let at = body.indexOf(mark); at >= 0; at = body.indexOf(mark, from)) {
    hash.update(`${at - from}:`).update(body.subarray(from, at))
    from = at + mark.length
  }
  return hash
    .update(`${body.length - from}:`)
    .update(body.subarray(from))
    .digest('hex')
}
