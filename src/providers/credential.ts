/** Proves to a provider who asks. */
export interface Credential {
  /**
   * Headers to add to a request that is otherwise complete; at once where nothing has to be waited for. Fails with a
   * `Fault`: `provider_credential_rejected` where the credential is no good, `provider_unreachable` where it is not
   * known because nobody could be asked.
   */
  authorize(request: SignableRequest): HeaderRecord | Promise<HeaderRecord>
  /** What must never be seen by a caller, as it is now: a token changes. */
  readonly secrets: readonly string[]
}

export interface SignableRequest {
  method: string
  origin: string
  /** With its query. */
  path: string
  headers: HeaderRecord
  body: Buffer
}

export type HeaderRecord = Readonly<Record<string, string>>

/** The same headers every time. */
export function staticCredential(headers: HeaderRecord, secrets: readonly string[]): Credential {
  return { authorize: () => headers, secrets }
}
