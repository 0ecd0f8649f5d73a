import { createHash } from 'node:crypto'
import { type PublishedPrices, readPublishedPrices } from '#metering'
import { createSimulator } from '#simulator'
import { type Config, readConfig } from '../src/roles/config.ts'
import { Disk } from './disk.ts'
import { Draw } from './draw.ts'
import type { FaultyPart } from './faulty-parts.ts'
import { judge } from './judge.ts'
import { type Breach, type Law, LawBook } from './laws.ts'
import { configText, drawScenario, type Incident, type Scenario } from './scenario.ts'
import { SluiceProcess } from './sluice-process.ts'
import { live, type Street, type Trial } from './user.ts'
import { VirtualClock } from './virtual-clock.ts'
import type { Place } from './virtual-network.ts'
import type { Sabotage } from './watch.ts'
import { roadAt } from './weather.ts'

export interface Outcome {
  seed: number
  users: number
  calls: number
  attempts: number
  served: number
  virtualMs: number
  breaches: readonly Breach[]
  checks: ReadonlyMap<Law, number>
  /** Of all that happened, and when: the same seed gives the same. */
  trace: string
  /** Told when the same is to be looked at closely. */
  story: readonly string[]
}

/** What is over by then was stuck. */
const patienceMs = 30 * 60_000
const restartsWithinMs = 3_000

/** Runs one scenario from its seed, and judges it; with a faulty part, until the law that must see it is broken. */
export async function simulate(seed: number, faulty?: FaultyPart): Promise<Outcome> {
  const draw = new Draw(seed)
  const world = new World(drawScenario(draw, new Draw(~seed)), draw, faulty)
  await world.run()
  return world.outcome(seed)
}

/** One world: providers, a network, a store, users, and Sluice, which comes and goes. */
class World {
  readonly #scenario: Scenario
  readonly #draw: Draw
  readonly #sabotage: Sabotage
  readonly #clock = new VirtualClock()
  readonly #book: LawBook
  readonly #disk: Disk
  readonly #places: Place[]
  readonly #processes: SluiceProcess[] = []
  readonly #trials: Trial[] = []
  readonly #served = new Map<number, boolean>()
  readonly #story: string[] = []
  readonly #published: PublishedPrices = published()
  #storeAwayUntilMs = 0
  readonly #configs = new Map<boolean, Config>()
  #isEdited = false
  #front: SluiceProcess | undefined
  #isOver = false

  constructor(scenario: Scenario, draw: Draw, faulty: FaultyPart | undefined) {
    this.#scenario = scenario
    this.#draw = draw
    this.#sabotage = faulty?.sabotage ?? {}
    this.#book = new LawBook(faulty?.law)
    const isAway = (): boolean => this.#clock.monotonic() < this.#storeAwayUntilMs
    this.#disk = new Disk(this.#clock, draw.fork(), { isAway })
    this.#places = this.#openPlaces()
  }

  async run(): Promise<void> {
    const lived = this.#live().then(() => {
      this.#isOver = true
    })
    const lateMs = this.#scenario.endMs + patienceMs
    await this.#clock.run(() => this.#isOver || this.#book.isSettled || this.#clock.monotonic() > lateMs)
    if (this.#book.isSettled) return
    const [isOver, ms] = [this.#isOver, this.#clock.monotonic()]
    this.#book.check(isOver, 'a call ends', () => `something is still waited for after ${ms} ms`)
    if (isOver) await lived
    judge({
      book: this.#book,
      scenario: this.#scenario,
      trials: this.#trials,
      served: this.#served,
      processes: this.#processes,
      places: this.#places,
      disk: this.#disk,
      configs: [...this.#configs.values()],
    })
  }

  outcome(seed: number): Outcome {
    const opened = this.#processes.flatMap(({ ledger }) => [...ledger.opened.values()])
    return {
      seed,
      users: this.#scenario.users.length,
      calls: this.#trials.length,
      attempts: opened.length,
      served: [...this.#served.values()].filter(one => one).length,
      virtualMs: this.#clock.monotonic(),
      breaches: this.#book.breaches,
      checks: this.#book.checks,
      trace: this.#trace(),
      story: [...this.#tellScenario(), ...this.#story, ...this.#trials.map(tell)],
    }
  }

  async #live(): Promise<void> {
    const { users, incidents, endMs } = this.#scenario
    await this.#boot()
    const street = this.#openStreet()
    const lives = users.map(async user => {
      await this.#at(user.atMs)
      this.#served.set(user.n, await live(user, street))
    })
    for (const incident of incidents) {
      await this.#at(incident.atMs)
      await this.#befall(incident)
    }
    await Promise.all([...lives, this.#at(endMs)])
    await this.#front?.drain()
    await this.#front?.till.judgeCounters()
    await this.#boot() // finds what was left
    await this.#front?.till.judgeCounters() // made from the disk
    await this.#front?.stop()
  }

  #openStreet(): Street {
    return {
      clock: this.#clock,
      draw: this.#draw.fork(),
      front: () => (this.#front?.isServing ? this.#front : undefined),
      note: trial => this.#trials.push(trial),
      nextNumber: () => this.#trials.length + 1,
    }
  }

  async #befall(incident: Incident): Promise<void> {
    const { kind } = incident
    this.#story.push(`${Math.round(this.#clock.monotonic())} ms: ${kind}`)
    if (kind === 'store-away') this.#storeAwayUntilMs = this.#clock.monotonic() + incident.forMs
    else if (kind === 'reload') this.#reload()
    else if (kind === 'kill') await this.#replaceDead()
    else await this.#replaceDrained()
  }

  #reload(): void {
    this.#isEdited = !this.#isEdited
    this.#front?.reload(this.#config())
  }

  async #replaceDead(): Promise<void> {
    this.#front?.kill()
    await this.#at(this.#clock.monotonic() + this.#draw.between(100, restartsWithinMs))
    await this.#boot()
  }

  /** A rolling restart: the new one serves before the old one stops. Counters in memory are for one after the other. */
  async #replaceDrained(): Promise<void> {
    const old = this.#front
    if (this.#scenario.money) await old?.drain()
    await this.#boot()
    if (!this.#scenario.money && old && !old.isDead) await old.drain()
  }

  async #boot(): Promise<void> {
    const process = new SluiceProcess({
      clock: this.#clock,
      draw: this.#draw.fork(),
      disk: this.#disk,
      places: this.#places,
      published: this.#published,
      book: this.#book,
      sabotage: this.#sabotage,
      config: this.#config(),
      configured: {
        originOf: name => this.#scenario.providers.find(one => one.name === name)?.origin ?? '',
        concurrencyOf: name => this.#scenario.providers.find(one => one.name === name)?.concurrency,
      },
    })
    this.#processes.push(process)
    await process.start()
    this.#front = process
  }

  /** Reading one is the most expensive thing here, so each is read once. */
  #config(): Config {
    const known = this.#configs.get(this.#isEdited)
    if (known) return known
    const text = configText(this.#scenario, this.#isEdited)
    const loaded = readConfig({ text, file: 'simulated.json', env: {} })
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems))
    this.#configs.set(this.#isEdited, loaded.config)
    return loaded.config
  }

  #openPlaces(): Place[] {
    return this.#scenario.providers.map(plan => {
      const { name, origin, roundTripMs, roads, script, weather } = plan
      const simulator = createSimulator({ seed: name, clock: this.#clock, chance: this.#draw.fork() })
      simulator.setWeather([script, ...weather].join('\n'))
      return { origin, simulator, roundTripMs, roadAt: ms => roadAt(roads, ms) }
    })
  }

  async #at(ms: number): Promise<void> {
    await new Promise<void>(resolve => this.#clock.after(ms - this.#clock.monotonic(), resolve))
  }

  #trace(): string {
    const hash = createHash('sha256')
    for (const trial of this.#trials) hash.update(`${tell(trial)}\n${trial.reader.text}\n`)
    for (const { instance, ledger } of this.#processes)
      for (const { tag, attempt } of ledger.opened.values())
        hash.update(`${instance} ${tag} ${attempt.startedAtMs} ${attempt.endedAtMs} ${attempt.code}\n`)
    return hash.digest('hex').slice(0, 16)
  }

  #tellScenario(): string[] {
    const { providers, users, clearMs, judgedMs, ...rest } = this.#scenario
    return [
      ...providers.map(one => JSON.stringify(one)),
      JSON.stringify({ users: users.length, clearMs, judgedMs, ...rest }),
    ]
  }
}

function tell({ number, user, call, reader, startedMs, doneMs }: Trial): string {
  const { attempts = [] } = reader.exchange ?? {}
  const ways = attempts.map(({ target, code, status }) => `${target.provider} ${code ?? status}`)
  const when = `${Math.round(startedMs)} ms +${doneMs === undefined ? '∞' : Math.round(doneMs - startedMs)}`
  const what = `${call.dialect}${user.stream ? ' stream' : ''} ${user.model} of user ${user.n}`
  return `call ${number} at ${when}: ${what}: ${reader.outcome} ${reader.fault?.code ?? ''} [${ways.join(', ')}]`
}

const prices: { published?: PublishedPrices } = {}

/** Read once: it is a large file, and the same in every world. */
function published(): PublishedPrices {
  prices.published ??= readPublishedPrices()
  return prices.published
}
