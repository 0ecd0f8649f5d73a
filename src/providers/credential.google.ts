import { readFile } from 'node:fs/promises'
import type { AuthClient, ExternalAccountClientOptions, OAuth2ClientOptions } from 'google-auth-library'
import { Fault } from '#exchange'
import type { Clock } from '#platform'
import type { Credential, HeaderRecord } from './credential.ts'

/** A token lives an hour; a new one is fetched while the old one still serves. */
const aheadMs = 5 * 60_000
/** The least time between two askings: a token server that is down, or keeps giving the same, is left alone. */
const restMs = 1_000
/** What a token without a word on its end is trusted for. */
const unknownLifeMs = 60_000

export interface GoogleOptions {
  /** For messages. */
  provider: string
  /** JSON of a service account, or of what else `clientOf` knows, or the path of a file that has it; absent: those of the machine. */
  credentials: string | undefined
  clock: Clock
  /** Instead of the network's. */
  fetch?: typeof fetch
}

interface Token {
  value: string
  headers: HeaderRecord
  endsAtMs: number
}

/**
 * Google's access tokens. States: none → fetching → fresh → due (a call starts fetching the next, and goes on with
 * this one) → ended (calls wait for the next). At most one fetch is under way.
 */
export function googleCredential({ provider, credentials, clock, fetch }: GoogleOptions): Credential {
  let token: Token | undefined
  let fetching: Promise<Token> | undefined
  let last: { atMs: number; fault: Fault | undefined } | undefined

  const rests = (): boolean => last !== undefined && clock.now() - last.atMs < restMs

  async function fetchToken(): Promise<Token> {
    try {
      token = await askForToken(await createClient(credentials, fetch), clock)
      last = { atMs: clock.now(), fault: undefined }
      return token
    } catch (cause) {
      const fault = faultOf(provider, cause)
      last = { atMs: clock.now(), fault }
      throw fault
    } finally {
      fetching = undefined
    }
  }

  return {
    get secrets() {
      return token ? [token.value] : []
    },
    authorize() {
      const leftMs = token ? token.endsAtMs - clock.now() : 0
      if (token && leftMs > aheadMs) return token.headers
      if (fetching === undefined && !rests()) {
        fetching = fetchToken()
        fetching.catch(() => undefined) // who waits for it hears of it; who has a token does not need to
      }
      if (token && leftMs > 0) return token.headers
      if (fetching !== undefined) return fetching.then(({ headers }) => headers)
      throw last?.fault ?? rejected(provider, 'the token that came had ended already')
    },
  }
}

/** Loaded when it is first needed: it takes 50 ms, and most have no Google in their configuration. */
type Library = typeof import('google-auth-library')

interface Told {
  library: Library
  options: OAuth2ClientOptions
}

/** What Google's tools write into their files, by its `type`. */
const clients: Readonly<
  Record<string, (json: Readonly<Record<string, string>>, told: Told) => AuthClient | null>
> = {
  service_account: ({ client_email, private_key, private_key_id }, { library, options }) =>
    new library.JWT({
      ...options,
      scopes,
      ...given({ email: client_email, key: private_key, keyId: private_key_id }),
    }),
  authorized_user: ({ client_id, client_secret, refresh_token }, { library, options }) =>
    new library.UserRefreshClient({
      ...options,
      ...given({ clientId: client_id, clientSecret: client_secret, refreshToken: refresh_token }),
    }),
  external_account(json, { library, options }) {
    const all: unknown = { ...json, ...options }
    const client = library.ExternalAccountClient.fromJSON(all as ExternalAccountClientOptions)
    if (client) client.scopes = scopes
    return client
  },
}

function given(fields: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  )
}

const scopes = ['https://www.googleapis.com/auth/cloud-platform']

/** A file is read anew each time: it may have been exchanged. */
async function createClient(
  credentials: string | undefined,
  fetch: typeof globalThis.fetch | undefined,
): Promise<AuthClient> {
  const options: OAuth2ClientOptions = {
    eagerRefreshThresholdMillis: Number.MAX_SAFE_INTEGER, // whenever it is asked: what is kept is kept here
    ...(fetch && { transporterOptions: { fetchImplementation: fetch } }),
  }
  const library = await import('google-auth-library')
  if (credentials === undefined)
    return await new library.GoogleAuth({ scopes, clientOptions: options }).getClient()
  const text = isJson(credentials) ? credentials : await readFile(credentials, 'utf8')
  const wrong = checkCredentials(text, 'must be JSON')
  if (wrong !== undefined) throw new Error(wrong)
  const json: Record<string, string> = JSON.parse(text)
  const client = clients[json.type ?? '']?.(json, { library, options })
  if (!client) throw new Error('no client can be made of the credentials')
  return client
}

function isJson(credentials: string): boolean {
  return credentials.trimStart().startsWith('{')
}

/** What is wrong with credentials, in words that repeat nothing of them; undefined when all is well, or it is a path. */
export function checkCredentials(credentials: string, path?: 'must be JSON'): string | undefined {
  if (!isJson(credentials) && path === undefined) return undefined
  try {
    const { type }: { type?: unknown } = JSON.parse(credentials)
    if (typeof type === 'string' && Object.hasOwn(clients, type)) return undefined
    return `These are no Google credentials: their \`type\` must be one of ${Object.keys(clients).join(', ')}.`
  } catch {
    return 'This is not valid JSON.'
  }
}

async function askForToken(client: AuthClient, clock: Clock): Promise<Token> {
  const { token } = await client.getAccessToken()
  if (!token) throw new Error('no token came')
  return {
    value: token,
    headers: { authorization: `Bearer ${token}` },
    endsAtMs: client.credentials.expiry_date ?? clock.now() + unknownLifeMs,
  }
}

/** The cause itself is not kept: it has the request that was made, with the assertion in it. */
function faultOf(provider: string, cause: unknown): Fault {
  const {
    message = 'unknown',
    status,
    code,
  } = cause as { message?: string; status?: unknown; code?: unknown }
  const internal = message.slice(0, 300)
  const isNetwork =
    typeof code === 'string' && /^(E(CONN|HOST|NET|PIPE|AI_)\w*|ETIMEDOUT|ENOTFOUND|UND_ERR\w*)$/.test(code)
  if (!isNetwork && !(typeof status === 'number' && status >= 500)) return rejected(provider, internal)
  return new Fault(
    'provider_unreachable',
    `Google gave no access token for provider \`${provider}\`; nothing was sent to it.`,
    { internal },
  )
}

function rejected(provider: string, internal: string): Fault {
  return new Fault(
    'provider_credential_rejected',
    `Google gave no access token for the credential configured for provider \`${provider}\`. The operator of this server must mend it.`,
    { internal },
  )
}
