import { assert } from '#exchange'
import { type Script, type Valkey, ValkeyAway } from '#platform'
import { Registry } from './registry.ts'
import {
  type Counted,
  type CounterRef,
  type Entry,
  type LimitStore,
  LimitStoreAway,
  type Line,
  type Once,
  type Outcome,
  type Patient,
  type Taken,
} from './store.ts'
import { Filling, type FillingOptions } from './valkey-filling.ts'
import { additions, type Epoch, type OpenHold } from './valkey-holds.ts'
import { type LimitScripts, readLimitScripts } from './valkey-scripts.ts'
import { type Answer, amountWord, mostWord, pushRef, readCounted, readOutcome } from './valkey-words.ts'

export type ValkeyLimitStoreOptions = Omit<FillingOptions, 'scripts'>

/** While a filling is looked for in the middle of a step. */
const patienceMs = 50

type Run = Valkey['run']

interface Wish {
  run: Run
  id: string
  lines: readonly Line[]
  nowMs: number
}

interface OwnHold extends OpenHold {
  /** `asking`: not answered yet; `doubtful`: not in time, so that it is let go (`ending`) unless the call asks again. */
  state: 'asking' | 'held' | 'doubtful' | 'ending'
  /** In the ledger before it is settled here. */
  isPosted?: boolean
}

/**
 * Counters of many processes, in Valkey. Each step is one script, so that it is atomic between all of them; all keys of
 * an installation have one hash tag, so that a cluster keeps them on one shard: a step over several counters could not
 * be atomic otherwise.
 *
 * A step that cannot be made within the time of the connection fails with `LimitStoreAway`. Whether it was made is then
 * unknown: a reservation may be asked for again, which replaces what it held, and is else settled to nothing as soon as
 * the store is reached; a settlement may be made again by whoever asked for it. What a process that dies holds is told
 * to `onExpired` of another one, ten seconds later; its leases end then.
 */
export class ValkeyLimitStore implements LimitStore {
  readonly #options: ValkeyLimitStoreOptions
  readonly #scripts: LimitScripts
  readonly #filling: Filling
  readonly #holds = new Registry<OwnHold>()
  readonly #doubtful = new Set<string>()
  /** Settled calls that may not be in the ledger yet, and those that are. */
  readonly #ended = new Set<string>()
  readonly #posted: string[] = []

  readonly #hurriedly: Run
  readonly #patiently: Run
  readonly patient: Patient

  constructor(options: ValkeyLimitStoreOptions) {
    this.#options = options
    const { valkey } = options
    this.#hurriedly = (script, keys, words) => valkey.run(script, keys, words)
    this.#patiently = (script, keys, words) => valkey.runPatiently(script, keys, words)
    const run = this.#patiently
    this.patient = {
      reserve: (id, lines, nowMs) => this.#reserve({ run, id, lines, nowMs }),
      amend: (id, lines, nowMs) => this.#amend({ run, id, lines, nowMs }),
    }
    this.#scripts = readLimitScripts()
    this.#filling = new Filling(
      { ...options, scripts: this.#scripts },
      {
        open: () => this.#openHolds(),
        posted: this.#posted,
        entered: () => this.#forgetDoubts(),
        beat: (epoch, kept) => this.#resolveDoubts(epoch, kept),
      },
    )
  }

  get filling(): string | undefined {
    return this.#filling.epoch?.n
  }

  /** Calls of this process that hold anything. */
  get holds(): number {
    return this.#holds.size
  }

  get isReady(): boolean {
    return this.#filling.epoch !== undefined && this.#options.valkey.isThere
  }

  /** Begins to look for the counters; true when they are there within that time. It goes on looking. */
  start(withinMs: number): Promise<boolean> {
    this.#filling.start()
    return this.#filling.whenIn(withinMs)
  }

  stop(): void {
    this.#filling.stop()
  }

  reserve(id: string, lines: readonly Line[], nowMs: number): Promise<Outcome> {
    return this.#reserve({ run: this.#hurriedly, id, lines, nowMs })
  }

  amend(id: string, lines: readonly Line[], nowMs: number): Promise<Outcome> {
    return this.#amend({ run: this.#hurriedly, id, lines, nowMs })
  }

  async #reserve(wish: Wish): Promise<Outcome> {
    const { id, lines, nowMs } = wish
    const known = this.#holds.get(id)
    if (known?.state === 'ending') throw new LimitStoreAway('what the call held before is being let go', true)
    assert(!known || known.state === 'doubtful', 'a call reserves once, and then amends')
    const hold: OwnHold = { id, atMs: nowMs, lines, state: 'asking' }
    this.#holds.set(id, hold)
    this.#doubtful.delete(id)
    try {
      const outcome = await this.#take(wish, known !== undefined)
      if (outcome.ok) hold.state = 'held'
      else if (known) this.#doubt(hold)
      else this.#holds.delete(id)
      return outcome
    } catch (cause) {
      if (known || isMaybeDone(cause)) this.#doubt(hold)
      else this.#holds.delete(id)
      throw cause
    }
  }

  async #amend(wish: Wish): Promise<Outcome> {
    const { id, lines } = wish
    const hold = this.#holds.get(id)
    assert(hold?.state === 'held', 'only what is held can be amended')
    try {
      const outcome = await this.#take(wish, true)
      if (outcome.ok) hold.lines = lines
      return outcome
    } catch (cause) {
      if (isMaybeDone(cause)) hold.lines = most(hold.lines, lines)
      throw cause
    }
  }

  async settle(id: string, taken: readonly Taken[], nowMs: number): Promise<void> {
    await this.#step(async epoch => {
      const words = [epoch.n, id, String(nowMs)]
      for (const { key, amount } of taken) words.push(`${epoch.prefix}c:${key}`, amountWord(amount))
      const [what, note] = await this.#run(this.#scripts.settle, [epoch.epochKey, epoch.ownKey], words)
      if (note === 'noted' || what === 'unknown') this.#ended.add(id)
      return what === 'epoch' ? undefined : true
    })
    if (this.#holds.get(id)?.isPosted) this.posted([id])
    this.#holds.delete(id)
  }

  /** These calls are in the ledger: from now on it tells what was taken by them, should this process die. */
  posted(calls: readonly string[]): void {
    for (const id of calls) {
      if (this.#ended.delete(id)) {
        this.#posted.push(id)
        continue
      }
      const hold = this.#holds.get(id)
      if (hold) hold.isPosted = true
    }
  }

  read(counters: readonly CounterRef[], nowMs: number): Promise<readonly Counted[]> {
    return this.#step(async epoch => {
      const keys = [epoch.epochKey]
      const words = [epoch.n, String(nowMs)]
      for (const counter of counters) {
        keys.push(`${epoch.prefix}c:${counter.key}`)
        pushRef(words, counter)
      }
      const answer = await answerOf(this.#hurriedly(this.#scripts.read, keys, words))
      return answer[0] === 'epoch' ? undefined : readCounted(answer, 1)
    })
  }

  /** Whether a step that failed was made is not known; entries are in the ledger, which the next filling begins from. */
  async add(entries: readonly Entry[], nowMs: number, once?: Once): Promise<void> {
    const mark = once?.mark ?? this.#options.newUuid()
    await this.#step(async epoch => {
      if (once && once.filling !== epoch.n) return true
      const { keys, words } = additions(entries, epoch)
      const [what] = await this.#run(
        this.#scripts.add,
        [epoch.epochKey, `${epoch.prefix}a:${mark}`, ...keys],
        [epoch.n, '1', String(nowMs), ...words],
      )
      return what === 'epoch' ? undefined : true
    })
  }

  /**
   * Which of these rules nobody has begun to `add` the past of, in this filling: the caller does. A filling begins with
   * those that its ledger view names.
   */
  claim(rules: readonly string[]): Promise<readonly string[]> {
    return this.#step(async epoch => {
      const keys = [epoch.epochKey, `${epoch.prefix}claims`]
      const [what, ...claimed] = await this.#run(this.#scripts.claim, keys, [epoch.n, '1', ...rules])
      return what === 'epoch' ? undefined : claimed.map(String)
    })
  }

  /** `isHeld`: it holds something that this replaces, or may do so. */
  #take({ run, id, lines, nowMs }: Wish, isHeld: boolean): Promise<Outcome> {
    return this.#step(async epoch => {
      const keys = [epoch.epochKey, epoch.ownKey]
      const words = [epoch.n, id, String(nowMs), isHeld ? '1' : '']
      for (const line of lines) {
        keys.push(`${epoch.prefix}c:${line.key}`)
        words.push(amountWord(line.amount))
        pushRef(words, line)
        words.push(line.isLease ? '1' : '', mostWord(line.most))
      }
      return readOutcome(await answerOf(run(this.#scripts.reserve, keys, words)))
    })
  }

  /** A step that was told of another filling is made again under that one, if it is there in time. */
  async #step<T>(make: (epoch: Epoch) => Promise<T | undefined>): Promise<T> {
    const epoch = this.#filling.epoch
    if (!epoch) throw new LimitStoreAway('the counters are not filled yet', this.#options.valkey.isThere)
    const made = await make(epoch)
    if (made !== undefined) return made
    this.#filling.left(epoch)
    const next = (await this.#filling.whenIn(patienceMs)) ? this.#filling.epoch : undefined
    const again = next && (await make(next))
    if (again === undefined) throw new LimitStoreAway('the counters have to be filled again', true)
    return again
  }

  #run(script: Script, keys: string[], words: string[]): Promise<Answer> {
    return answerOf(this.#patiently(script, keys, words))
  }

  /** It may hold something; a refusal leaves that as it was. The call may ask again, and is let go if it does not. */
  #doubt(hold: OwnHold): void {
    hold.state = 'doubtful'
    this.#doubtful.add(hold.id)
  }

  *#openHolds(): Iterable<OpenHold> {
    for (const hold of this.#holds.values()) if (hold.state === 'held') yield hold
  }

  /** Whatever was made under an earlier filling is not in this one. */
  #forgetDoubts(): void {
    for (const id of this.#doubtful) this.#holds.delete(id)
    this.#doubtful.clear()
  }

  /**
   * Settles to nothing what was made although nobody was told; also where a reservation came in over a connection that
   * was given up, after all: its call is not among ours.
   */
  async #resolveDoubts(epoch: Epoch, kept: number): Promise<void> {
    const doubts = [...this.#doubtful]
    if (kept > this.#holds.size) {
      const [, ...calls] = await this.#run(this.#scripts.mine, [epoch.epochKey, epoch.ownKey], [epoch.n])
      doubts.push(...calls.map(String).filter(id => !this.#holds.has(id)))
    }
    for (const id of doubts) await this.#letGo(id)
  }

  async #letGo(id: string): Promise<void> {
    const hold = this.#holds.get(id)
    if (hold && hold.state !== 'doubtful') return // its call has asked again meanwhile
    if (hold) hold.state = 'ending'
    try {
      await this.settle(id, [], this.#options.clock.now())
      this.#doubtful.delete(id)
    } catch (cause) {
      if (hold) hold.state = 'doubtful'
      throw cause
    }
  }
}

async function answerOf(step: Promise<unknown>): Promise<Answer> {
  try {
    return (await step) as Answer
  } catch (cause) {
    throw cause instanceof ValkeyAway ? new LimitStoreAway(cause, cause.isLate) : cause
  }
}

function isMaybeDone(cause: unknown): boolean {
  return cause instanceof LimitStoreAway && cause.cause instanceof ValkeyAway && cause.cause.maybeDone
}

/** Of two sets of lines, one of which is held, the more of each. */
function most(before: OpenHold['lines'], after: OpenHold['lines']): OpenHold['lines'] {
  const lines = new Map(before.map(line => [line.key, line]))
  for (const line of after) {
    const known = lines.get(line.key)
    if (!known || known.amount < line.amount) lines.set(line.key, line)
  }
  return [...lines.values()]
}
