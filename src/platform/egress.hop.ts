import { isIP, type LookupFunction } from 'node:net'
import { Client, type Dispatcher } from 'undici'
import type { EgressCode, EgressRefusal, EgressReply, EgressResult } from './egress.ts'

/** One connection to one address. */
interface Way {
  url: URL
  /** Already checked; the connection goes to one of these and nowhere else. */
  addresses: readonly string[]
  /** Certificates to trust instead of the system's. */
  ca: string | undefined
  signal: AbortSignal
}

export interface Hop extends Way {
  mostBytes: number
}

/** The answer itself, or where it says to look instead. */
export type HopResult = EgressResult | { ok: 'elsewhere'; location: string }

const mostHeaderBytes = 16_384
const redirects = [301, 302, 303, 307, 308]

/** One GET. */
export async function fetchOnce({ mostBytes, ...way }: Hop): Promise<HopResult> {
  const request = { method: 'GET', headers: { ...ownHeaders, accept: '*/*' } } as const
  return await ask(way, request, answer => readAnswer(way.url.host, answer, mostBytes))
}

/** One POST. */
export async function postOnce(
  way: Way,
  { headers, body }: { headers: Readonly<Record<string, string>>; body: Buffer },
): Promise<EgressReply> {
  const request = { method: 'POST', headers: { ...ownHeaders, ...headers }, body } as const
  return await ask(way, request, async ({ statusCode, headers }) => {
    const { 'retry-after': retryAfter } = headers
    return {
      ok: true,
      status: statusCode,
      retryAfter: typeof retryAfter === 'string' ? retryAfter : undefined,
    }
  })
}

const ownHeaders = { 'user-agent': 'sluice', 'accept-encoding': 'identity' }

/**
 * One request over a connection of its own. Nothing is kept from one to the next: no socket, no TLS session and no
 * cookie by which one caller's fetch could touch another's.
 */
async function ask<Answer>(
  way: Way,
  request: Pick<Dispatcher.RequestOptions, 'method' | 'headers'> & { body?: Buffer },
  read: (answer: Dispatcher.ResponseData) => Promise<Answer>,
): Promise<Answer | EgressRefusal> {
  const client = createClient(way)
  const { url, signal } = way
  let isConnected = false
  client.once('connect', () => {
    isConnected = true
  })
  try {
    signal.throwIfAborted()
    const answer = await client.request({ ...request, path: `${url.pathname}${url.search}`, reset: true })
    answer.body.on('error', () => {}) // whoever reads it meets the error; to hang up on it unread is no news
    return await read(answer)
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

function createClient({ url, addresses, ca, signal }: Way): Client {
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

function refuse(code: EgressCode, reason: string): EgressRefusal {
  return { ok: false, code, reason }
}
