import { assert } from '#exchange'
import { type Clock, type Log, type Valkey, ValkeyAway } from '#platform'
import { LimitStoreAway } from './store.ts'
import {
  additions,
  type Epoch,
  type ExpiredHold,
  inChunks,
  type LedgerView,
  type OpenHold,
  packed,
  readExpired,
} from './valkey-holds.ts'
import type { LimitScripts } from './valkey-scripts.ts'
import type { Answer } from './valkey-words.ts'

export interface FillingOptions {
  valkey: Valkey
  scripts: LimitScripts
  /** What the installation is called: several may share one Valkey. */
  name: string
  /** This process; another one after each start. */
  owner: string
  clock: Clock
  log: Log
  newUuid(): string
  /** Fills an empty store: what the ledger knows, and of these calls whether it knows them. */
  load(calls: readonly string[]): Promise<LedgerView>
  /** Settles what it finds in the ledger; is asked again about what it did not settle. */
  onExpired(holds: readonly ExpiredHold[]): Promise<void>
  /** How long live processes have to say what their calls hold; more than `beatMs` and a reconnection take. */
  gatherMs?: number
  beatMs?: number
  /** How long the others wait for a sign of life from the one that fills it. */
  fillLeaseMs?: number
  /** A process that was not heard of for so long is gone. */
  leaseMs?: number
}

/** The holds of this process. */
export interface Own {
  open(): Iterable<OpenHold>
  /** A new filling is there, and knows what is open. */
  entered(): void
  /** Calls that are in the ledger, of which nothing has to be noted any more; what the store was told is taken away. */
  readonly posted: string[]
  /** The store was reached; so many calls of this process hold something there. */
  beat(epoch: Epoch, kept: number): Promise<void>
}

const enterEveryMs = 100
/** A script keeps all others waiting: some milliseconds at most. */
const chunk = 100
const atOnce = 4
const postedAtOnce = 2_000

/**
 * Which filling of the store this process counts in, and how an empty or outdated store is filled again.
 *
 * States of this process: out (steps fail) → in (steps are made under the filling's name) → out, when a step or a beat
 * is told that there is another filling, or none. States of a filling: gathering (live processes say what their calls
 * hold; nobody reserves) → filling (one process adds what the ledger knows, and takes away what it knows already) →
 * ready → left behind when the server restarts, is emptied, or is replaced: its run id is part of the filling. Every
 * key begins with the filling's name, so that nothing that was left behind is ever counted; what it was is deleted.
 * A process that dies while it fills loses the right to it after five seconds, and another one begins anew.
 */
export class Filling {
  readonly #options: FillingOptions
  readonly #own: Own
  readonly #tag: string
  #epoch: Epoch | undefined
  /** The filling that knows our holds already. */
  #declared: string | undefined
  #stopTimer: () => void = () => undefined
  #isStopped = false
  #isTicking = false
  #isAsking = false
  #waiting: (() => void)[] = []

  constructor(options: FillingOptions, own: Own) {
    this.#options = options
    this.#own = own
    this.#tag = `{sluice:${options.name}}:`
  }

  /** Undefined while there is none that could be counted in. */
  get epoch(): Epoch | undefined {
    return this.#epoch
  }

  get #fillLeaseMs(): number {
    return this.#options.fillLeaseMs ?? 5_000
  }

  start(): void {
    void this.#tick()
  }

  stop(): void {
    this.#isStopped = true
    this.#stopTimer()
    for (const done of this.#waiting.splice(0)) done()
  }

  /** A step was told that this is not the right filling. */
  left(epoch: Epoch): void {
    if (this.#epoch !== epoch) return
    this.#epoch = undefined
    this.#options.log.warn({ filling: epoch.n }, 'the counters of budgets have to be looked for again')
    this.#stopTimer()
    if (!this.#isTicking) void this.#tick()
  }

  /** True when there is a filling to count in within that time. */
  async whenIn(withinMs: number): Promise<boolean> {
    if (!this.#epoch && !this.#isStopped) {
      await new Promise<void>(resolve => {
        const cancel = this.#options.clock.after(withinMs, resolve)
        this.#waiting.push(() => {
          cancel()
          resolve()
        })
      })
    }
    return this.#epoch !== undefined
  }

  async #tick(): Promise<void> {
    const { clock, log, beatMs = 250 } = this.#options
    this.#isTicking = true
    try {
      if (this.#epoch) await this.#beat(this.#epoch)
      if (!this.#epoch) await this.#enter()
    } catch (cause) {
      if (!isAway(cause)) log.error({ err: cause }, 'the counters of budgets are not there')
    } finally {
      this.#isTicking = false
      if (!this.#isStopped) {
        this.#stopTimer = clock.after(this.#epoch ? beatMs : enterEveryMs, () => void this.#tick())
      }
    }
  }

  async #enter(): Promise<void> {
    const { scripts, owner, newUuid } = this.#options
    const words = [owner, newUuid().slice(-12), String(this.#fillLeaseMs)]
    const [state, n] = await this.#run(scripts.enter, [], words)
    const epoch = this.#epochOf(String(n))
    if (state === 'build') await this.#build(epoch)
    else if (state === 'gathering') await this.#declare(epoch, '0')
    else if (state === 'ready') {
      await this.#declare(epoch, '1')
      const [answer] = await this.#run(scripts.read, [], [epoch.n, '0'])
      if (answer === 'read') this.#goIn(epoch)
    }
  }

  #goIn(epoch: Epoch): void {
    if (this.#isStopped) return
    this.#epoch = epoch
    this.#own.entered()
    for (const done of this.#waiting.splice(0)) done()
  }

  /** Says what the calls of this process hold. */
  async #declare(epoch: Epoch, ready: '0' | '1'): Promise<void> {
    if (this.#declared === epoch.n) return
    const { scripts, owner, clock } = this.#options
    const keys = [`${epoch.prefix}owners`, epoch.ownKey]
    const words = (hold?: OpenHold): string[] => [
      ...[epoch.n, ready, owner, hold?.id ?? '', String(clock.now())],
      ...(hold ? packed(hold, epoch) : []),
    ]
    for (const some of inChunks([undefined, ...this.#own.open()], atOnce)) {
      const answers = await Promise.all(some.map(hold => this.#run(scripts.declare, keys, words(hold))))
      if (answers.some(([answer]) => answer !== 'declared')) return
    }
    this.#declared = epoch.n
  }

  async #build(epoch: Epoch): Promise<void> {
    const { scripts, owner, clock, log, gatherMs = 1_000 } = this.#options
    log.warn({ filling: epoch.n }, 'the counters of budgets are filled from the ledger')
    const renewal = this.#repeat(this.#fillLeaseMs / 5, () => this.#told(epoch, String(this.#fillLeaseMs)))
    try {
      await this.#declare(epoch, '0')
      await new Promise<void>(resolve => void clock.after(gatherMs, resolve))
      const prefix = `${epoch.prefix}h:`
      const gathered = await this.#run(scripts.gathered, [`${epoch.prefix}owners`], [epoch.n, owner, prefix])
      if (gathered[0] !== 'gathered') return
      await this.#fill(epoch, gathered.slice(1).map(String))
      if (await this.#told(epoch, 'done')) {
        log.info({ filling: epoch.n }, 'the counters of budgets are filled')
        this.#goIn(epoch)
        void this.#purge(epoch).catch(() => undefined) // the next filling takes it away
      }
    } catch (cause) {
      await this.#told(epoch, '0').catch(() => undefined) // another one may try at once
      throw cause
    } finally {
      renewal()
    }
  }

  /** `gathered`: pairs of process and call. */
  async #fill(epoch: Epoch, gathered: readonly string[]): Promise<void> {
    const { scripts, clock, load, newUuid } = this.#options
    const calls = gathered.filter((_, at) => at % 2 === 1)
    const { entries, holds, ended, rules } = await load(calls)
    const isEnded = new Set(ended)
    const isGathered = new Set(calls)
    const now = String(clock.now())
    const placings: string[] = []
    for (let at = 0; at < gathered.length; at += 2) {
      const call = gathered[at + 1] ?? ''
      placings.push(`${epoch.prefix}h:${gathered[at]}`, call, isEnded.has(call) ? '0' : '1')
    }
    const steps: (() => Promise<Answer>)[] = []
    for (const some of inChunks(placings, chunk * 3))
      steps.push(() => this.#run(scripts.place, [], [epoch.n, now, ...some]))
    for (const some of inChunks(entries, chunk)) {
      const { keys, words } = additions(some, epoch)
      const mark = `${epoch.prefix}a:${newUuid()}`
      steps.push(() => this.#run(scripts.add, [mark, ...keys], [epoch.n, 'f', now, ...words]))
    }
    const expired = [`${epoch.prefix}owners`, `${epoch.prefix}expired`]
    for (const some of inChunks(rules, chunk))
      steps.push(() => this.#run(scripts.claim, [`${epoch.prefix}claims`], [epoch.n, 'f', ...some]))
    for (const hold of holds) {
      if (isGathered.has(hold.id)) continue
      const words = [epoch.n, 'f', '', hold.id, now, ...packed(hold, epoch)]
      steps.push(() => this.#run(scripts.declare, expired, words))
    }
    for (const some of inChunks(steps, atOnce)) {
      const answers = await Promise.all(some.map(step => step()))
      // A step whose answer was lost cannot be told from one that was not made: the filling begins anew.
      if (answers.some(([answer]) => answer === 'epoch')) throw new Error('another filling has begun')
    }
  }

  async #beat(epoch: Epoch): Promise<void> {
    const { scripts, owner, clock, leaseMs = 10_000 } = this.#options
    const keys = [`${epoch.prefix}owners`, `${epoch.prefix}asks`, epoch.ownKey]
    const posted = this.#own.posted.slice(0, postedAtOnce)
    const words = [epoch.n, owner, String(leaseMs), `${epoch.prefix}h:`, String(clock.now()), ...posted]
    const answer = await this.#run(scripts.beat, keys, words)
    this.#own.posted.splice(0, posted.length)
    if (answer[0] === 'epoch') {
      this.left(epoch)
      return
    }
    await this.#own.beat(epoch, Number(answer[1]))
    const expired = readExpired(answer, epoch)
    if (expired.length > 0 && !this.#isAsking) void this.#ask(expired)
  }

  async #ask(expired: readonly ExpiredHold[]): Promise<void> {
    this.#isAsking = true
    try {
      await this.#options.onExpired(expired)
    } catch (cause) {
      this.#options.log.warn({ err: cause, holds: expired.length }, 'holds of a process that is gone wait')
    } finally {
      this.#isAsking = false
    }
  }

  async #purge(epoch: Epoch): Promise<void> {
    let cursor = '0'
    do {
      const [answer, next] = await this.#run(this.#options.scripts.purge, [], [epoch.n, cursor, this.#tag])
      if (answer !== 'purged') return
      cursor = String(next)
    } while (cursor !== '0' && !this.#isStopped)
  }

  async #told(epoch: Epoch, what: string): Promise<boolean> {
    const { scripts, owner } = this.#options
    const [answer] = await this.#run(scripts.filled, [], [epoch.n, owner, what])
    return answer === 'noted'
  }

  #repeat(everyMs: number, work: () => Promise<unknown>): () => void {
    const { clock } = this.#options
    let stop: () => void = () => undefined
    const again = (): void => {
      stop = clock.after(everyMs, () => {
        if (this.#isStopped) return
        work().catch(() => undefined) // the filling itself fails as well
        again()
      })
    }
    again()
    return () => stop()
  }

  async #run(script: LimitScripts['enter'], keys: readonly string[], words: string[]): Promise<Answer> {
    const answer = await this.#options.valkey.runPatiently(script, [`${this.#tag}epoch`, ...keys], words)
    assert(Array.isArray(answer), 'a script answers with a list')
    return answer
  }

  #epochOf(n: string): Epoch {
    const prefix = `${this.#tag}${n}:`
    return { n, epochKey: `${this.#tag}epoch`, prefix, ownKey: `${prefix}h:${this.#options.owner}` }
  }
}

function isAway(cause: unknown): boolean {
  return cause instanceof ValkeyAway || cause instanceof LimitStoreAway
}
