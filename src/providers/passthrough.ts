import { type Call, Fault, type FaultCode } from '#exchange'
import type { Passage } from '#wire'
import type { ErrorAnswer } from './classify.ts'
import type { Provider, ProviderAsk } from './provider.ts'

type Headers = Readonly<Record<string, string | string[] | undefined>>

/**
 * What of a caller's request goes along. A credential is nowhere here, nor what chooses an account to bill
 * (`openai-organization`, `x-goog-user-project`), nor anything by which one method passes for another.
 */
const forwarded =
  /^(accept|accept-language|content-type|content-disposition|range|idempotency-key|(openai|anthropic)-beta|anthropic-version|x-goog-upload-(protocol|command|offset|file-name)|x-goog-upload-header-content-(type|length))$/

/** What of a provider's answer means something to whoever reads its body; the address for uploads is exchanged. */
const shown =
  /^(content-(type|disposition|encoding|language|range)|accept-ranges|etag|last-modified|retry-after|openai-poll-after-ms|x-goog-upload-(status|chunk-granularity|size-received|control-url|url)|(x|anthropic)-ratelimit-.*|openai-(processing-ms|version))$/

/** Under the provider's base URL, with the caller's query. */
export function passedPath(provider: Provider, ask: ProviderAsk, passage: Passage, query: string): string {
  const path = provider.path(ask)
  const at = path.lastIndexOf(ask.own)
  // Uploads have a root of their own, before the version: `/upload/v1beta/files`.
  const placed = passage.upload
    ? path.slice(0, at).replace(/(\/v\d\w*)?$/, '/upload$1') + path.slice(at)
    : path
  if (query === '') return placed
  return `${placed}${placed.includes('?') ? '&' : '?'}${query}`
}

export function passedHeaders(provider: Provider, passage: Passage, call: Call): Record<string, string> {
  const headers: Record<string, string> = { accept: '*/*', ...passage.headers }
  for (const [name, value] of Object.entries(call.headers)) {
    if (typeof value !== 'string') continue
    if (forwarded.test(name) || provider.forwards.includes(name)) headers[name] = value
  }
  return { ...headers, 'accept-encoding': 'identity', 'user-agent': 'sluice', ...provider.headers }
}

/** Headers of an answer for its caller. */
export function passedAnswerHeaders(
  provider: Provider,
  call: Call,
  { headers, isStream }: { headers: Headers; isStream: boolean },
): Record<string, string> {
  const given: Record<string, string> = { 'content-type': 'application/octet-stream' }
  for (const [name, value] of Object.entries(headers)) {
    if (typeof value !== 'string' || !(shown.test(name) || (isStream && name === 'content-length'))) continue
    const said = name.endsWith('-url') ? atOurs(provider, call, value) : value
    if (said !== undefined) given[name] = said
  }
  return given
}

/** Where the bytes of an upload go next: to us, as the caller reached us. Undefined for what is not the provider's. */
function atOurs(provider: Provider, { headers }: Call, address: string): string | undefined {
  if (!URL.canParse(address)) return undefined
  const { origin, pathname, search } = new URL(address)
  const own = /\/upload(\/v1(?:beta)?\/.*)$/.exec(pathname)
  if (origin !== provider.origin || !own) return undefined
  const scheme = headers['x-forwarded-proto'] === 'https' ? 'https' : 'http'
  return `${scheme}://${headers.host}${own[0]}${search.replace(/([?&])key=[^&]*&?/, '$1')}`
}

/** What is between the provider and us, and none of its caller's business. */
const ours = new Set<FaultCode>([
  'provider_credential_rejected',
  'provider_quota_exhausted',
  'provider_malformed',
  'rate_limited',
])

/**
 * An error of an address that is not served here goes to its caller as it is; `fault` is what it means of a model
 * call. Not what concerns our account, and nothing that is not JSON or repeats a secret.
 */
export function passedFault(fault: Fault, { provider, status, body, repeatsSecret }: ErrorAnswer): Fault {
  if (ours.has(fault.code)) return fault
  const isMissing = status === 404
  const isShown = !repeatsSecret && isJson(body)
  return new Fault(
    isMissing ? 'not_found' : fault.code,
    isMissing ? `Provider \`${provider}\` has nothing at this address.` : fault.message,
    { ...fault.detail, ...(isShown && { providerAnswer: { status, body } }) },
  )
}

function isJson(body: Buffer): boolean {
  try {
    JSON.parse(body.toString())
    return true
  } catch {
    return false
  }
}
