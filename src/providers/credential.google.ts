import { GoogleAuth } from 'google-auth-library'
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
  /** JSON of a service account or of any other Google credential, or the path of a file that has it; absent: those of the machine. */
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
  const auth = createAuth(credentials, fetch)
  let token: Token | undefined
  let fetching: Promise<Token> | undefined
  let last: { atMs: number; fault: Fault | undefined } | undefined

  const rests = (): boolean => last !== undefined && clock.now() - last.atMs < restMs

  async function fetchToken(): Promise<Token> {
    try {
      token = await askForToken(auth, clock)
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

function createAuth(credentials: string | undefined, fetch: typeof globalThis.fetch | undefined): GoogleAuth {
  const isJson = credentials?.trimStart().startsWith('{')
  return new GoogleAuth({
    scopes: 'https://www.googleapis.com/auth/cloud-platform',
    ...(credentials !== undefined &&
      (isJson ? { credentials: readCredentials(credentials) } : { keyFilename: credentials })),
    clientOptions: {
      eagerRefreshThresholdMillis: Number.MAX_SAFE_INTEGER, // whenever it is asked: what is kept is kept here
      ...(fetch && { transporterOptions: { fetchImplementation: fetch } }),
    },
  })
}

/** JSON that `checkCredentials` has found to be good. */
function readCredentials(json: string): object {
  const value: unknown = JSON.parse(json)
  return value as object
}

/** What is wrong with credentials written in place, in words that tell nothing of them; undefined when all is well. */
export function checkCredentials(credentials: string): string | undefined {
  if (!credentials.trimStart().startsWith('{')) return undefined
  try {
    const { type } = readCredentials(credentials) as { type?: unknown }
    return typeof type === 'string'
      ? undefined
      : 'These are no Google credentials: `type` is missing in the JSON.'
  } catch {
    return 'This is not valid JSON.'
  }
}

async function askForToken(auth: GoogleAuth, clock: Clock): Promise<Token> {
  const client = await auth.getClient()
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
