import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto'
import type { SignatureV4 } from '@smithy/signature-v4'
import type { Clock } from '#platform'
import type { Credential } from './credential.ts'

export interface AwsKeys {
  accessKeyId: string
  secretAccessKey: string
  sessionToken: string | undefined
  region: string
  /** The name that the service signs by. */
  service: string
  clock: Clock
}

/** Signs each request with AWS Signature Version 4; the body is part of what is signed, and so is the minute. */
export function awsCredential(keys: AwsKeys): Credential {
  const { secretAccessKey, sessionToken, clock } = keys
  let signer: SignatureV4 | undefined
  return {
    secrets: [secretAccessKey, ...(sessionToken === undefined ? [] : [sessionToken])],
    async authorize({ method, origin, path, headers, body }) {
      const url = new URL(origin)
      const [pathname = '/', query = ''] = path.split('?')
      const type = headers['content-type']
      const given = { host: url.host, ...(type !== undefined && { 'content-type': type }) }
      signer ??= await createSigner(keys)
      const signed = await signer.sign(
        {
          method,
          protocol: url.protocol,
          hostname: url.hostname,
          path: pathname,
          query: Object.fromEntries(new URLSearchParams(query)),
          headers: given,
          body,
        },
        { signingDate: new Date(clock.now()) },
      )
      return Object.fromEntries(
        Object.entries(signed.headers).filter(([name]) => !Object.hasOwn(given, name)),
      )
    },
  }
}

/** The library is loaded when it is first needed: most have no Amazon in their configuration. */
async function createSigner(keys: AwsKeys): Promise<SignatureV4> {
  const { accessKeyId, secretAccessKey, sessionToken, region, service } = keys
  const library = await import('@smithy/signature-v4')
  return new library.SignatureV4({
    credentials: { accessKeyId, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) },
    region,
    service,
    sha256: Sha256,
    applyChecksum: false, // a header that repeats a part of the signature, which only S3 asks for
  })
}

/** Node's own, as the signer wants it: a megabyte of body is a millisecond, where one in JavaScript takes twenty. */
class Sha256 {
  readonly #secret: string | Buffer | undefined
  #hash: Hash | Hmac

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#secret = secret === undefined ? undefined : bytesOf(secret)
    this.#hash = this.#begin()
  }

  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.#hash.update(bytesOf(data))
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest()
  }

  reset(): void {
    this.#hash = this.#begin()
  }

  #begin(): Hash | Hmac {
    return this.#secret === undefined ? createHash('sha256') : createHmac('sha256', this.#secret)
  }
}

function bytesOf(data: string | ArrayBuffer | ArrayBufferView): Buffer {
  if (typeof data === 'string') return Buffer.from(data)
  return ArrayBuffer.isView(data)
    ? Buffer.from(data.buffer, data.byteOffset, data.byteLength)
    : Buffer.from(data)
}
