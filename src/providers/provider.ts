/** A vendor, a place and a credential: all that is needed to make a call, as data. */
export interface Provider {
  name: string
  /** Whose price list applies: a vendor's id, or the provider's own name when it is not a known vendor. */
  vendor: string
  /** Of the base URL. */
  origin: string
  /** Of the base URL, without a slash at its end. */
  basePath: string
  /** Sent with every request: the credential, and what the owner configured. */
  headers: Readonly<Record<string, string>>
  /** Caller's headers that it is shown. */
  forwards: readonly string[]
  /** What must never be seen by a caller, wherever the provider repeats it. */
  secret: string | undefined
  connections: number
  connectTimeoutMs: number
  maxAnswerBytes: number
}
