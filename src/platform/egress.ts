import type { Clock } from './clock.ts'
import { isPublicAddress } from './egress.address.ts'
import { createDeadline } from './egress.deadline.ts'
import { fetchOnce, postOnce } from './egress.hop.ts'
import { createHostResolver } from './egress.resolve.ts'
import { readTarget, type Target, trustHosts } from './egress.target.ts'

export type EgressCode =
  | 'off' // the owner allows no fetching
  | 'not_allowed' // no https, no public address, a credential in it
  | 'unreachable' // no look-up, no connection, or half an answer; also when it was given up
  | 'too_large'
  | 'timeout'
  | 'bad_status' // anything but a plain 200, such as one redirect too many

/** `reason` is a sentence for the caller: nothing in it that the caller could not have found out without us. */
export interface EgressRefusal {
  ok: false
  code: EgressCode
  reason: string
}

/** `mediaType` is in small letters and without parameters, and only what the server says. */
export type EgressResult = { ok: true; mediaType: string | undefined; bytes: Buffer } | EgressRefusal

/** The one way to an address that a caller named. */
export interface Egress {
  /**
   * Fetches what stands at an https address. Never throws for what the address or its server does. When `signal` is
   * aborted, it ends at once as `unreachable`.
   */
  fetch(url: string, options: { mostBytes: number; signal?: AbortSignal }): Promise<EgressResult>
}

/** What an address answered to what it was sent; `retryAfter` as it says. The rest of the answer is not read. */
export type EgressReply = { ok: true; status: number; retryAfter: string | undefined } | EgressRefusal

/** The same for what is brought to an address, by the same rules. */
export interface EgressPost {
  /**
   * Sends a body to an https address. Any status is an answer; redirects are not followed. Never throws for what the
   * address or its server does. A post that was given up or timed out may have arrived.
   */
  post(url: string, sent: { headers: Readonly<Record<string, string>>; body: Buffer }): Promise<EgressReply>
}

export interface EgressOptions {
  enabled: boolean
  clock: Clock
  /** For all of it: look-ups, redirects and the last byte. */
  timeoutMs: number
  maxRedirects: number
  /** Hosts of the owner's own, `host` or `host:port`: neither https nor a public address is asked of them. */
  allowHosts: readonly string[]
  /** The addresses of a host; none when it has none. Throws when nobody can say. */
  resolve?: ((host: string) => Promise<readonly string[]>) | undefined
  /** For tests: certificates to trust instead of the system's. */
  ca?: string | undefined
  /** For tests: what counts as public where there is no internet. */
  isPublic?: (address: string) => boolean
}

const mostAddresses = 8

/** An egress under way ends with `close`, as given up. */
export function createEgress(options: EgressOptions): Egress & EgressPost & { close(): Promise<void> } {
  const resolver = createHostResolver()
  const isTrustedHost = trustHosts(options.allowHosts)
  const deadline = createDeadline(options)

  const locate = async (target: Target, signal: AbortSignal): Promise<readonly string[] | EgressRefusal> => {
    const { host, isAddress, isTrusted } = target
    const { isPublic = isPublicAddress, resolve } = options
    const lookUp = resolve ?? (isTrusted ? resolver.fromSystem : resolver.fromDns)
    const addresses = isAddress ? [host] : await lookUpUntil(lookUp(host), signal)
    if (!addresses || (isTrusted && addresses.length === 0))
      return refuse('unreachable', `The host ${host} could not be looked up.`)
    if (addresses.length > 0 && (isTrusted || addresses.every(address => isPublic(address))))
      return addresses.slice(0, mostAddresses)
    // The same sentence for a name that does not exist: our own network's names are not to be guessed through us.
    const reason = isAddress
      ? `${host} is not a public address.`
      : `The host ${host} must have public addresses, and only these.`
    return refuse('not_allowed', reason)
  }

  const follow = async (address: string, mostBytes: number, signal: AbortSignal): Promise<EgressResult> => {
    const { maxRedirects, ca } = options
    let [text, from]: [string, URL | undefined] = [address, undefined]
    for (let hops = 0; hops <= maxRedirects; hops++) {
      const target = readTarget(text, from, isTrustedHost)
      if (!target.ok) return afterRedirects(hops, target)
      const addresses = await locate(target, signal)
      if ('ok' in addresses) return afterRedirects(hops, addresses)
      const answer = await fetchOnce({ url: target.url, addresses, ca, mostBytes, signal })
      if (answer.ok !== 'elsewhere') return answer.ok ? answer : afterRedirects(hops, answer)
      ;[text, from] = [answer.location, target.url]
    }
    return refuse('bad_status', `The address leads through more than ${maxRedirects} redirects.`)
  }

  const bring: EgressPost['post'] = async (address, sent) =>
    await deadline.within(undefined, async signal => {
      const target = readTarget(address, undefined, isTrustedHost)
      if (!target.ok) return target
      const addresses = await locate(target, signal)
      if ('ok' in addresses) return addresses
      return await postOnce({ url: target.url, addresses, ca: options.ca, signal }, sent)
    })

  const whereOff = (): EgressRefusal | undefined =>
    options.enabled ? undefined : refuse('off', 'Addresses are not fetched here. Send the content itself.')

  return {
    async fetch(url, { mostBytes, signal }) {
      return whereOff() ?? (await deadline.within(signal, until => follow(url, mostBytes, until)))
    },
    async post(url, sent) {
      return whereOff() ?? (await bring(url, sent))
    },
    async close() {
      resolver.close()
      await deadline.close()
    },
  }
}

/** Undefined when the look-up failed, or there was no time to wait for its end. */
async function lookUpUntil(
  lookUp: Promise<readonly string[]>,
  signal: AbortSignal,
): Promise<readonly string[] | undefined> {
  return await new Promise(resolve => {
    const stop = (): void => resolve(undefined)
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop, { once: true })
    lookUp.then(resolve, stop).finally(() => signal.removeEventListener('abort', stop))
  })
}

function afterRedirects(hops: number, refusal: EgressRefusal): EgressRefusal {
  return hops === 0 ? refusal : { ...refusal, reason: `After a redirect: ${refusal.reason}` }
}

function refuse(code: EgressCode, reason: string): EgressRefusal {
  return { ok: false, code, reason }
}
