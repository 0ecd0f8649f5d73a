import { isIP, type LookupFunction } from 'node:net'
import { Client, type Dispatcher } from 'undici'
import type { EgressCode, EgressResult } from './egress.ts'

export interface Hop {
  url: URL
  /** Already checked; the connection goes to one of these and nowhere else. */
  addresses: readonly string[]
  /** Certificates to trust instead of the system's. */
  ca: string | undefined
  mostBytes: number
  signal: AbortSignal
}

/** The answer itself, or where it says to look instead. */
export type HopResult = EgressResult | { ok: 'elsewhere'; location: string }

const mostHeaderBytes = 16_384
const redirects = [301, 302, 303, 307, 308]

/**
 * One GET over a connection of its own. Nothing is kept from one to the next: no socket, no TLS session and no cookie
 * by which one caller's fetch could touch another's.
 */
export async function fetchOnce(hop: Hop): Promise<HopResult> {
  const client = createClient(hop)
  const { url, mostBytes, signal } = hop
  let isConnected = false
  client.once('connect', () => {
    isConnected = true
  })
  try {
    signal.throwIfAborted()
    const answer = await client.request({
      method: 'GET',
      path: `${url.pathname}${url.search}`,
      headers: { 'user-agent': 'sluice', accept: '*/*', 'accept-encoding': 'identity' },
      reset: true,
    })
    answer.body.on('error', () => {}) // whoever reads it meets the error; to hang up on it unread is no news
    return await readAnswer(url.host, answer, mostBytes)
  } catch {
    const secure = url.protocol === 'https:' ? 'secure ' : ''
    const reason = isConnected
      ? `The answer of ${url.host} broke off, or was not one of HTTP.`
      : `No ${secure}connection to ${url.host} could be made.`
    return refuse('unreachable', reason)
  } finally {
    await client.destroy()
  }
}

function createClient({ url, addresses, ca, signal }: Hop): Client {
  const checked = addresses.map(address => ({ address, family: isIP(address) }))
  // In place of the second look-up, between which and the first a hostile name server would change its answer.
  const lookup: LookupFunction = (_host, { all }, answer) => {
    const [first] = checked
    if (all) answer(null, checked)
    else answer(first ? null : new Error('there is no address'), first?.address ?? '', first?.family)
  }
  return new Client(url.origin, {
    // The signal is the socket's: a request would not hear it before it had a connection, nor end one half open.
    connect: { lookup, signal, timeout: 0, rejectUnauthorized: true, ...(ca !== undefined && { ca }) },
    maxCachedSessions: 0,
    pipelining: 1,
    allowH2: false,
    maxHeaderSize: mostHeaderBytes,
    headersTimeout: 0, // the one who asks keeps the time, for all of it together
    bodyTimeout: 0,
  })
}

async function readAnswer(
  host: string,
  { statusCode, headers, body }: Dispatcher.ResponseData,
  mostBytes: number,
): Promise<HopResult> {
  const { location, 'content-encoding': encoding = 'identity', 'content-length': length } = headers
  if (redirects.includes(statusCode) && typeof location === 'string') return { ok: 'elsewhere', location }
  if (statusCode !== 200)
    return refuse('bad_status', `${host} answered with status ${statusCode}, not with 200.`)
  // A small answer may unpack to an endless one, and nobody needs it: whoever is asked for identity sends it.
  if (String(encoding).toLowerCase() !== 'identity')
    return refuse('bad_status', `${host} sent a compressed answer, though it was asked for a plain one.`)
  const bytes = Number(length) > mostBytes ? undefined : await collect(body, mostBytes)
  if (!bytes) return refuse('too_large', `What is there has more than ${mostBytes} bytes.`)
  return { ok: true, mediaType: mediaTypeOf(headers['content-type']), bytes }
}

/** Undefined when there is more. */
async function collect(body: AsyncIterable<Buffer>, mostBytes: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of body) {
    bytes += chunk.length
    if (bytes > mostBytes) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, bytes)
}

/** `image/png` of `Image/PNG; q=1`. */
function mediaTypeOf(header: string | string[] | undefined): string | undefined {
  if (typeof header !== 'string') return undefined
  const [type = ''] = header.split(';', 1)
  const mediaType = type.trim().toLowerCase()
  return /^[\w!#$&^.+-]{1,127}\/[\w!#$&^.+-]{1,127}$/.test(mediaType) ? mediaType : undefined
}

function refuse(code: EgressCode, reason: string): EgressResult {
  return { ok: false, code, reason }
}
