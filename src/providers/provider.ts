import type { Dialect, Family } from '#exchange'
import type { Quirk } from '#wire'
import type { BreakerLimits } from './breaker.ts'
import type { Credential } from './credential.ts'
import type { LaneLimits } from './lane-limits.ts'

/** A vendor, a place and a credential: all that is needed to make a call. */
export interface Provider {
  name: string
  /** Another one when anything of its configuration is: what was learned of it holds no longer than that. */
  identity: string
  /** Whose price list applies: a vendor's id, or the provider's own name when it is not a known vendor. */
  vendor: string
  /** Of the base URL. */
  origin: string
  /** Dialects that it speaks for a model, the one it speaks best first. */
  speaks(model: string): readonly Dialect[]
  /** Families of dialects of which it has the other addresses too. */
  families: readonly Family[]
  quirks: ReadonlySet<Quirk>
  /** Where a request of one of its dialects goes, with its query. */
  path(ask: ProviderAsk): string
  /** A body of that dialect, as the vendor wants it. */
  body(body: Buffer, ask: ProviderAsk): Buffer
  /** Sent with every request: the vendor's, and what the owner configured. */
  headers: Readonly<Record<string, string>>
  /** Adds to the headers, last of all: what it signs must not change any more. */
  credential: Credential
  /** Caller's headers that it is shown. */
  forwards: readonly string[]
  /** What must never be seen by a caller, wherever the provider repeats it: as it is now. */
  readonly secrets: readonly string[]
  connections: number
  /** Of what it may be asked. */
  limits: LaneLimits
  breaker: BreakerLimits
  connectTimeoutMs: number
  maxAnswerBytes: number
}

export interface ProviderAsk {
  dialect: Dialect
  model: string
  stream: boolean
  /** The dialect's own path for it, with its query. */
  own: string
}
