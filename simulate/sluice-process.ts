import { Events } from '#events'
import { type Call, Fault } from '#exchange'
import { answer, type Gateway } from '#gateway'
import { createIdempotency } from '#idempotency'
import { createKeys } from '#keys'
import type { PublishedPrices } from '#metering'
import { createLog, createUuids } from '#platform'
import { createLanes, createThoughtMemories, HedgeBudgets } from '#providers'
import { createResponses } from '#responses'
import type { Config } from '../src/roles/config.ts'
import { createSnapshot, type Fixtures, type Snapshot } from '../src/roles/snapshot.ts'
import type { Disk } from './disk.ts'
import type { Draw } from './draw.ts'
import type { LawBook } from './laws.ts'
import { Ledger, type Places } from './ledger.ts'
import { Till } from './till.ts'
import type { VirtualClock } from './virtual-clock.ts'
import { type Place, VirtualNetwork } from './virtual-network.ts'
import type { VirtualReader } from './virtual-reader.ts'
import { type Sabotage, WatchedRetryBudgets, WatchedStandings } from './watch.ts'

export interface ProcessOptions {
  clock: VirtualClock
  draw: Draw
  disk: Disk
  places: readonly Place[]
  published: PublishedPrices
  book: LawBook
  sabotage: Sabotage
  config: Config
  /** What it says of providers. */
  configured: Places
}

const log = createLog('silent')
/** As the configuration has it by default. */
const drainMs = 30_000
const farewellMs = 2_000
const restartMs = 500

/**
 * One run of Sluice, put together as `roles/serve.ts` does it, with a virtual world in the place of the real one.
 * States: starting → serving → draining → stopped; or dead, from any of them.
 */
export class SluiceProcess {
  readonly #options: ProcessOptions
  readonly #clock: ReturnType<VirtualClock['branch']>
  readonly #instance: string
  readonly #events: Events
  readonly #fixtures: Fixtures
  readonly #underWay = new Set<VirtualReader>()
  readonly newUuid: () => string
  readonly network: VirtualNetwork
  readonly ledger: Ledger
  readonly till: Till
  readonly retries: WatchedRetryBudgets
  #snapshot: Snapshot
  #gateway: Gateway
  isServing = false
  isDead = false
  /** Resolves when it is killed. */
  readonly death: Promise<void>
  #die: () => void = () => undefined

  constructor(options: ProcessOptions) {
    this.#options = options
    const { clock, draw, disk, places, published, book, sabotage } = options
    this.#clock = clock.branch()
    this.death = new Promise(resolve => {
      this.#die = resolve
    })
    this.newUuid = createUuids(clock, draw.fork())
    this.#instance = this.newUuid()
    this.ledger = new Ledger(book, options.configured)
    this.network = new VirtualNetwork({
      clock,
      draw: draw.fork(),
      places,
      depart: request => this.ledger.depart(request),
    })
    const [database, intents] = [disk.databaseOf(this.#instance), disk.intentsOf(this.#instance)]
    const watch = { book, clock: this.#clock, sabotage }
    const upkeep = { database, clock: this.#clock, log, instance: this.#instance, shared: true }
    this.#events = new Events({ ...upkeep, intents, observe: () => undefined })
    this.retries = new WatchedRetryBudgets(watch)
    this.till = new Till({
      ...upkeep,
      disk,
      book,
      config: options.config,
      opened: this.ledger.opened,
      limitStore: store => sabotage.limitStore?.(store) ?? store,
    })
    const fixtures: Fixtures = {
      keys: createKeys({ database, clock: this.#clock, chance: draw.fork(), log }),
      events: this.#events,
      responses: createResponses({ ...upkeep, newUuid: this.newUuid, vacuums: false }),
      idempotency: createIdempotency(upkeep),
      http: this.network,
      clock: this.#clock,
      chance: draw.fork(),
      published,
      thoughts: createThoughtMemories({ clock: this.#clock }),
      standings: new WatchedStandings(watch),
      lanes: createLanes({ clock: this.#clock, chance: draw.fork() }),
      retryBudgets: this.retries,
      hedgeBudgets: new HedgeBudgets(),
      limits: this.till.keeper,
      simulatorUrl: () => 'http://nowhere.test',
    }
    this.#fixtures = sabotage.fixtures?.(fixtures) ?? fixtures
    this.#snapshot = this.#read(options.config)
    this.#gateway = this.#watched()
  }

  get instance(): string {
    return this.#instance
  }

  /** Until it serves: while the store is away, it is started again and again. */
  async start(): Promise<void> {
    this.#options.disk.boot(this.#instance)
    while (!this.isDead && !this.isServing) {
      try {
        await this.#events.start()
        await this.till.keeper.start()
        this.isServing = !this.isDead
      } catch {
        await new Promise<void>(resolve => this.#options.clock.after(restartMs, resolve))
      }
    }
  }

  reload(config: Config): void {
    this.till.configure(config)
    this.#snapshot = this.#read(config)
    this.#gateway = this.#watched()
  }

  async serve(call: Call, reader: VirtualReader): Promise<void> {
    this.#underWay.add(reader)
    await answer(this.#gateway, call, reader)
    this.#underWay.delete(reader)
  }

  /** No new calls; waits for those under way, cuts off what is left of them, and stops, as the edge does. */
  async drain(): Promise<void> {
    this.isServing = false
    await this.#emptyWithin(this.#options.sabotage.drainMs ?? drainMs)
    for (const reader of this.#underWay)
      reader.cut(new Fault('shutting_down', 'This server is shutting down; try another one.'))
    await this.#emptyWithin(farewellMs)
    await this.stop()
  }

  async stop(): Promise<void> {
    this.isServing = false
    await this.#events.stop().catch(() => undefined) // the store is away: what it left is found later
    this.#options.disk.leave(this.#instance)
  }

  /** As by SIGKILL: what it had in its memory is gone, and its connections are. */
  kill(): void {
    this.isServing = false
    this.isDead = true
    this.#clock.kill()
    this.#options.disk.leave(this.#instance)
    this.network.cut()
    for (const reader of this.#underWay) reader.lose()
    this.#underWay.clear()
    this.#die()
  }

  get underWay(): number {
    return this.#underWay.size
  }

  async #emptyWithin(ms: number): Promise<void> {
    const untilMs = this.#clock.monotonic() + ms
    while (this.#underWay.size > 0 && !this.isDead && this.#clock.monotonic() < untilMs)
      await new Promise<void>(resolve => this.#options.clock.after(50, resolve))
  }

  #read(config: Config): Snapshot {
    const snapshot = createSnapshot(config, this.#fixtures)
    this.#events.retain(snapshot.retention)
    return snapshot
  }

  #watched(): Gateway {
    const { gateway } = this.#snapshot
    return this.till.watch(this.ledger.watch(this.#options.sabotage.gateway?.(gateway) ?? gateway))
  }
}
