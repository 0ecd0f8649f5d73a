import { Fault, type Route } from '#exchange'
import { type Chance, type Clock, type Database, type Log, repeat } from '#platform'
import type { Alert } from './alert.ts'
import { picoUsd } from './amount.ts'
import type { Audit } from './audit.ts'
import type { BudgetNote } from './budget-note.ts'
import type { AlertsConfig } from './config.ts'
import { Deliveries } from './deliver.ts'
import type { Destination, Told } from './destination.ts'
import { createDestinations, type Network } from './destinations.ts'
import { Raiser } from './raise.ts'
import { silenceRoutes } from './routes.silences.ts'
import { alertRoutes, type Tested } from './routes.ts'
import { deleteOldAlerts, dropOrphans, dropSilenced } from './store.ts'
import { BudgetWatch } from './watch-budgets.ts'
import { CallWatch, type EndedCall } from './watch-calls.ts'
import { findChanges, type ReadSpend } from './watch-spend.ts'

export interface AlertsOptions {
  database: Database
  clock: Clock
  chance: Chance
  log: Log
  newUuid(): string
  /** What calls cost over some time; absent: spend is not compared. */
  readSpend?: ReadSpend | undefined
  /** Told of every change that somebody makes; absent: the log is. */
  audit?: Audit | undefined
  /** For tests: another world than the internet. */
  network?: Network | undefined
}

/** What the owner is told before it hurts. */
export interface Alerts {
  /** Puts an alert on record and has it delivered; once for its key, however often it is raised, by any process. */
  raise(alert: Alert): void
  /** Where a budget stands; called for every call that ends. */
  noteBudget(note: BudgetNote): void
  /** Sees a call that has ended. */
  observe(call: EndedCall): void
  routes: readonly Route[]
  /** Holds from now on. */
  configure(config: AlertsConfig): void
  start(): void
  /** Writes what was raised, and leaves what is not delivered to others or to the next start. */
  stop(): Promise<void>
}

const pollMs = 5_000
const upkeepMs = 60_000
const hourMs = 3_600_000
const dayMs = 24 * hourMs
/** After the end of an hour, until all of its calls are in the sums. */
const settledAfterMs = 5 * 60_000
const deleteAtOnce = 1_000
/** What is under way when the program stops may take so long. */
const lastSendsMs = 2_000

export function createAlerts(options: AlertsOptions): Alerts {
  const { log, audit = entry => log.info({ audit: entry }, 'changed') } = options
  const crew = createCrew(options)
  const { watches, raiser } = crew
  const stops: (() => Promise<void>)[] = []
  const routesOptions = { ...options, audit, test: (name: string | undefined) => test(crew, options, name) }
  return {
    raise: alert => raiser.raise(alert),
    noteBudget: note => watches.budgets.note(note),
    observe: call => watches.calls.observe(call),
    routes: [...alertRoutes(routesOptions), ...silenceRoutes(routesOptions)],
    configure: config => crew.configure(config),
    start() {
      const { clock } = options
      stops.push(
        repeat(options, { waitMs: pollMs, failed: 'delivering alerts failed' }, () => crew.deliver()),
        repeat(options, { waitMs: upkeepMs, failed: 'upkeep of alerts failed' }, () => upkeep(crew, options)),
        repeat(options, { waitMs: untilNextHour(clock), failed: 'comparing spend failed' }, () =>
          compareSpend(crew, options),
        ),
      )
    },
    async stop() {
      await Promise.all([crew.stop(), ...stops.map(stop => stop())])
    },
  }
}

/** All that works together on alerts, under the configuration of the moment. */
interface Crew {
  readonly config: AlertsConfig | undefined
  readonly destinations: readonly Destination[]
  raiser: Raiser
  watches: { budgets: BudgetWatch; calls: CallWatch }
  configure(config: AlertsConfig): void
  deliver(): Promise<void>
  stop(): Promise<void>
}

function createCrew(options: AlertsOptions): Crew {
  const { clock, log, network = {} } = options
  let config: AlertsConfig | undefined
  let destinations: readonly Destination[] = []
  /** Of an earlier configuration, while something may still be under way to them. */
  let retired: Destination[] = []
  const deliveries = new Deliveries({ ...options, destinations: () => destinations })
  const deliver = async (): Promise<void> => {
    await deliveries.round()
    const over = retired
    retired = []
    await Promise.all(over.map(destination => destination.close()))
  }
  const raiser = new Raiser({
    ...options,
    wantedBy: alert => destinations.filter(one => one.wants(alert)).map(({ name }) => name),
    onRaised: () => {
      deliver().catch(cause => log.error({ err: cause }, 'delivering alerts failed; it is tried again'))
    },
  })
  const raise = (alert: Alert): void => raiser.raise(alert)
  const budgets = new BudgetWatch({
    raise,
    shares: () => config?.budget_shares ?? [],
    watchesBurn: () => config?.budget_burn ?? false,
    mostPerHour: () => config?.most_per_hour ?? 1,
  })
  return {
    get config() {
      return config
    },
    get destinations() {
      return destinations
    },
    raiser,
    watches: { budgets, calls: new CallWatch(raise) },
    configure(next) {
      config = next
      retired.push(...destinations)
      destinations = createDestinations(next.destinations, { clock, network })
      budgets.reset()
    },
    deliver,
    async stop() {
      await raiser.stop()
      const ended = deliveries.stop()
      let stopTimer: () => void = () => undefined
      const late = new Promise<void>(resolve => {
        stopTimer = clock.after(lastSendsMs, resolve)
      })
      await Promise.race([ended, late]).finally(stopTimer)
      await Promise.all([...retired, ...destinations].map(destination => destination.close()))
      await ended
    },
  }
}

async function upkeep(
  { config, destinations }: Crew,
  { database, clock, log }: AlertsOptions,
): Promise<void> {
  const nowMs = clock.now()
  await dropSilenced(database, nowMs)
  const names = destinations.map(({ name }) => name)
  const gone = await dropOrphans(database, { destinations: names, dueBeforeMs: nowMs - dayMs, nowMs })
  if (gone.length > 0)
    log.error({ destinations: [...new Set(gone)] }, 'alerts were given up: nobody has these destinations')
  if (!config) return
  const old = { beforeMs: nowMs - config.retention, most: deleteAtOnce }
  while ((await deleteOldAlerts(database, old)) >= deleteAtOnce);
}

/** The first time soon: the hour may have ended while nobody was there. */
function untilNextHour(clock: Clock): () => number {
  let isFirst = true
  return () => {
    if (!isFirst) return hourMs - ((clock.now() - settledAfterMs) % hourMs)
    isFirst = false
    return upkeepMs
  }
}

/** The last hour that is settled. */
async function compareSpend({ config, raiser }: Crew, { readSpend, clock }: AlertsOptions): Promise<void> {
  if (!readSpend || !config?.spend_change.enabled) return
  const { factor, floor } = config.spend_change
  const fromMs = Math.floor((clock.now() - settledAfterMs) / hourMs) * hourMs - hourMs
  for (const alert of await findChanges(readSpend, fromMs, { factor, floorPicoUsd: picoUsd(floor) }))
    raiser.raise(alert)
}

async function test(
  { destinations }: Crew,
  { clock, newUuid }: AlertsOptions,
  name: string | undefined,
): Promise<Tested[]> {
  if (destinations.length === 0)
    throw new Fault('conflict', 'No destination is configured. Add one under `alerts.destinations`.')
  const chosen = destinations.filter(destination => name === undefined || destination.name === name)
  if (chosen.length === 0)
    throw new Fault('not_found', 'There is no destination of this name.', { param: 'destination' })
  const nowMs = clock.now()
  const alert: Told = {
    id: newUuid(),
    kind: 'test',
    key: 'test',
    severity: 'info',
    title: 'This is a test: alerts of Sluice arrive here.',
    detail: {},
    raisedAtMs: nowMs,
    endsAtMs: nowMs,
  }
  return await Promise.all(
    chosen.map(async destination => ({
      destination: destination.name,
      type: destination.type,
      delivery: await destination.send(alert),
    })),
  )
}
