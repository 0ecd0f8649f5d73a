import { allow, type Decision, Fault, type Presence, type Refusal, refuse } from '#exchange'
import { type Clock, type Database, DatabaseUnavailable, type Log } from '#platform'
import { fingerprintOf, type KeyedRequest } from './keyed-request.ts'
import { Recording } from './recording.ts'
import { claimKey, findHeld, type Held, keepAnswer, releaseKey } from './store.ts'
import { type Room, Tape } from './tape.ts'

/** What a request with a key comes to: its call is made, or it is given the answer of one that was. */
export type Claim = { kind: 'make'; recording: Recording } | { kind: 'repeat'; tape: Tape }

export interface ClaimsOptions {
  database: Database
  clock: Clock
  log: Log
  instance: string
  isStopping(): boolean
}

export interface Limits {
  keepMs: number
  maxAnswerBytes: number
}

/** One that has not been renewed for so long is a dead process's. */
export const leaseMs = 30_000
/** So long a request waits for a call that another process makes, looking more and more rarely. */
const longestWaitMs = 20_000
const firstLookMs = 50
const lookEveryMs = 1_000
/** Of all answers under way together. */
const mostHeldBytes = 256 * 1024 ** 2

interface Entry {
  fingerprint: string
  /** What its first request came to; undefined: another process makes the call. */
  claimed: Promise<Decision<Claim> | undefined>
}

/** Look again: what was there has just gone. */
const again = 'again'

/**
 * The keys that are in use here. A key has an entry from its first request until the database knows how that ended,
 * so that within a process all the others meet in memory. States of an entry: claiming → recording → settled, or
 * claiming → gone, where there is an answer already or another process makes the call.
 */
export class Claims {
  limits: Limits = { keepMs: 0, maxAnswerBytes: 0 }
  readonly #options: ClaimsOptions
  readonly #entries = new Map<string, Entry>()
  readonly #recordings = new Set<Recording>()
  readonly #room: Room
  #held = 0

  constructor(options: ClaimsOptions) {
    this.#options = options
    this.#room = {
      take: bytes => {
        if (this.#held + bytes > mostHeldBytes) return false
        this.#held += bytes
        return true
      },
      give: bytes => {
        this.#held -= bytes
      },
    }
  }

  /** 32 hex digits of each call that holds a key. */
  get running(): string[] {
    return [...this.#recordings].map(({ tape }) => uuidOf(tape.callId))
  }

  async settled(): Promise<void> {
    await Promise.all([...this.#recordings].map(({ settled }) => settled))
  }

  async claim(request: KeyedRequest, presence: Presence): Promise<Decision<Claim>> {
    const { clock } = this.#options
    const fingerprint = fingerprintOf(request)
    const giveUpAtMs = clock.monotonic() + longestWaitMs
    for (let waitMs = firstLookMs; ; ) {
      const seen = await this.#look(request, fingerprint)
      if (seen !== undefined && seen !== again) return seen
      if (presence.gone || clock.monotonic() > giveUpAtMs) return busy()
      if (seen === again) continue
      await new Promise<void>(resolve => clock.after(waitMs, resolve))
      waitMs = Math.min(waitMs * 2, lookEveryMs)
    }
  }

  async #look(
    request: KeyedRequest,
    fingerprint: string,
  ): Promise<Decision<Claim> | undefined | typeof again> {
    const name = JSON.stringify([request.organization, request.project, request.key])
    const known = this.#entries.get(name)
    if (known) return await this.#join(known, fingerprint)
    const entry = { fingerprint, claimed: this.#ask(request, fingerprint) }
    this.#entries.set(name, entry)
    try {
      const decision = await entry.claimed
      if (decision?.ok && decision.value.kind === 'make') {
        void decision.value.recording.settled.then(() => this.#entries.delete(name))
      } else {
        this.#entries.delete(name)
      }
      return decision
    } catch (cause) {
      this.#entries.delete(name)
      throw cause
    }
  }

  /** What another request of this process has come to, for one with the same key. */
  async #join(entry: Entry, fingerprint: string): Promise<Decision<Claim> | undefined | typeof again> {
    const decision = await entry.claimed
    if (!decision?.ok) return entry.fingerprint === fingerprint ? decision : again
    if (entry.fingerprint !== fingerprint) return decision.value.kind === 'make' ? reused() : again
    if (decision.value.kind === 'repeat') return decision
    const { recording } = decision.value
    const { tape, settled } = recording
    if (tape.state === 'spilled') return tooLarge()
    if (tape.state !== 'failed') return allow({ kind: 'repeat', tape })
    await settled
    return again
  }

  async #ask(request: KeyedRequest, fingerprint: string): Promise<Decision<Claim> | undefined> {
    try {
      return await this.#askStore(request, fingerprint)
    } catch (cause) {
      if (!(cause instanceof DatabaseUnavailable)) throw cause
      throw new Fault(
        'store_unavailable',
        'The store of this server cannot be reached, so it could not promise to make this request only once; nothing was sent to a provider. Try again in a moment, or send it without `Idempotency-Key`.',
        { internal: cause.message, cause, retryAfterMs: 1_000 },
      )
    }
  }

  async #askStore(request: KeyedRequest, fingerprint: string): Promise<Decision<Claim> | undefined> {
    const { database, clock, instance } = this.#options
    const call = uuidOf(request.callId)
    for (;;) {
      const nowMs = clock.now()
      const leasedUntilMs = nowMs + leaseMs
      const claim = { ...nameOf(request), fingerprint, call, instance, nowMs, leasedUntilMs }
      if (await claimKey(database, claim))
        return allow({ kind: 'make', recording: this.#record(request, fingerprint) })
      const held = await findHeld(database, request, { fingerprint, nowMs })
      if (held) return this.#readHeld(held, fingerprint)
    }
  }

  #readHeld(held: Held, fingerprint: string): Decision<Claim> | undefined {
    if (held.fingerprint !== fingerprint) return reused()
    if (held.state === 'running') return undefined
    const { answer } = held
    if (!answer) return tooLarge()
    const tape = new Tape(`call_${held.call}`, { most: Number.POSITIVE_INFINITY, room: roomy })
    const { body, ...head } = answer
    tape.begin(head)
    tape.add(body)
    tape.done()
    return allow({ kind: 'repeat', tape })
  }

  #record(request: KeyedRequest, fingerprint: string): Recording {
    const { database, clock, log, instance, isStopping } = this.#options
    const { maxAnswerBytes, keepMs } = this.limits
    const held = { ...nameOf(request), fingerprint, call: uuidOf(request.callId), instance }
    const tape = new Tape(request.callId, { most: maxAnswerBytes, room: this.#room })
    const recording = new Recording({
      tape,
      clock,
      log,
      isStopping,
      keep: answer => keepAnswer(database, { ...held, answer, expiresAtMs: clock.now() + keepMs }),
      release: () => releaseKey(database, held),
      onSettled: () => {
        this.#recordings.delete(recording)
        tape.free()
      },
    })
    this.#recordings.add(recording)
    return recording
  }
}

/** What was read from the database is read by its asker alone, and bounded where it was written. */
const roomy: Room = { take: () => true, give: () => undefined }

function nameOf({ organization, project, key }: KeyedRequest): {
  organization: string
  project: string
  key: string
} {
  return { organization, project, key }
}

function uuidOf(callId: string): string {
  return callId.slice('call_'.length)
}

function reused(): Refusal {
  return refuse(
    'idempotency_key_reused',
    'This `Idempotency-Key` was sent before with another request. Make a new key for each request, and send it again only with retries of the same one.',
    { param: 'idempotency-key' },
  )
}

function busy(): Refusal {
  return refuse(
    'idempotency_conflict',
    'The request that this `Idempotency-Key` belongs to is still being made by another process. Try again in a moment for its answer.',
    { param: 'idempotency-key', retryAfterMs: 2_000 },
  )
}

function tooLarge(): Refusal {
  return refuse(
    'idempotency_not_kept',
    'The answer to this `Idempotency-Key` was made, but it is larger than what this server keeps (`idempotency.max_answer` in its configuration), so it cannot be given again. Send the request with a new key to have it made, and paid for, once more.',
    { param: 'idempotency-key' },
  )
}
