import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { createAlerts } from '#alerts'
import { createEdge, type Edge } from '#edge'
import { createFileIntents, createMetrics, createTableIntents, Events, eventRoutes } from '#events'
import { createIdempotency } from '#idempotency'
import { createKeys } from '#keys'
import { readInstallation } from '#limits'
import { createLedger, createMarkup, readFactors } from '#metering'
import {
  createHttpClient,
  createLog,
  createPressure,
  createUuids,
  type Database,
  DataFolderError,
  migrate,
  NewerSchema,
  openValkey,
  systemChance,
  systemClock,
  takeDataFolder,
} from '#platform'
import {
  createLanes,
  createThoughtMemories,
  HedgeBudgets,
  providerRoutes,
  RetryBudgets,
  Standings,
} from '#providers'
import { createResponses } from '#responses'
import { createSimulator, type Simulator } from '#simulator'
import { announce } from './announce.ts'
import type { Config } from './config.ts'
import { followConfiguration, loadConfiguration } from './configuration.ts'
import { migrations } from './migrate.ts'
import { createMoney, telling } from './money.ts'
import { openStore } from './open-store.ts'
import { pricesInUse } from './prices-files.ts'
import { createSnapshot, type Snapshot } from './snapshot.ts'
import { StartError } from './start-error.ts'

export interface ServeOptions {
  /** Absent: providers are found in the environment. */
  configFile: string | undefined
  host: string | undefined
  port: number | undefined
  dataDir: string | undefined
  env: Readonly<Record<string, string | undefined>>
}

/** Runs the whole of Sluice in this process. Resolves when it serves; throws a `StartError` when it cannot. */
export async function serve(options: ServeOptions): Promise<{ stop(): Promise<void> }> {
  const { config } = await loadConfiguration(options)
  const log = createLog(config.log_level)
  const dataDir = resolve(options.dataDir ?? config.data)
  const releaseFolder = await takeDataFolder(dataDir).catch(startError)
  const database = await openMigrated(config, dataDir)
  const [clock, chance] = [systemClock, systemChance]
  const newUuid = createUuids(clock, chance)

  const keys = createKeys({ database, clock, chance, log })
  const metrics = createMetrics({
    underWay: () => edge.underWay,
    waitingForBudgets: () => money.limits.waiting,
    ledger: () => ledger.counts,
    foldedNames: () => ledger.counts.folded + events.foldedNames,
    pendingRecords: () => events.pending,
    stalledReaders: () => edge.droppedReaders,
    shed: () => edge.shed,
    standings: () => current.providers.standings(),
    lanes: () => current.providers.lanes(),
  })
  const alerts = createAlerts({
    database,
    clock,
    chance,
    log,
    newUuid,
    audit: entry => money.rules.audit(entry),
    readSpend: (fromMs, toMs) => ledger.hourlySpend(fromMs, toMs),
  })
  alerts.configure(config.alerts)
  const instance = newUuid()
  const vacuums = config.database === undefined
  let markup = createMarkup(readFactors(config.markup))
  const ledger = createLedger({
    database,
    clock,
    log,
    vacuums,
    usersPerHour: config.calls.users_per_hour,
    onCorrected: spent => money.corrected(spent),
    chargeOf: (cost, organization, project) => markup.chargeOf(cost, organization, project),
  })
  const companion = telling(ledger.companion, calls => money.posted(calls))
  const intents =
    config.database === undefined
      ? createFileIntents({ database, instance, newUuid, companion, path: join(dataDir, 'intents.log') })
      : createTableIntents({ database, instance, companion })
  const events = new Events({
    database,
    clock,
    log,
    instance,
    intents,
    shared: config.database !== undefined,
    companion,
    usersPerHour: config.calls.users_per_hour,
    observe(exchange) {
      metrics.observe(exchange)
      alerts.observe(exchange)
    },
  })
  await events.start().catch(startError)

  ledger.start()
  alerts.start()
  const responses = createResponses({ database, clock, log, newUuid, vacuums })
  responses.start()
  const idempotency = createIdempotency({ database, clock, log, instance, shared: !vacuums })
  await idempotency.start().catch(startError)

  const valkey =
    config.valkey === undefined
      ? undefined
      : await openValkey({ url: config.valkey, stepTimeoutMs: 50, clock, log })
  const money = createMoney({
    database,
    clock,
    log,
    newUuid,
    instance,
    shared: config.database !== undefined,
    valkey,
    installation: await readInstallation(database).catch(startError),
    ledger,
    alerts,
    flush: () => events.flush(),
  })
  money.configure(config)
  await money.start().catch(startError)

  const http = createHttpClient()
  const simulator = createSimulator({ seed: 'sluice', clock, log })
  const simulatorUrl = await openSimulator(simulator)
  const fixtures = {
    keys,
    events,
    responses,
    idempotency,
    http,
    clock,
    chance,
    published: pricesInUse(dataDir),
    thoughts: createThoughtMemories({ clock }),
    standings: new Standings({ clock }),
    lanes: createLanes({ clock, chance }),
    hedgeBudgets: new HedgeBudgets(),
    retryBudgets: new RetryBudgets({ clock, share: 0.1, floorPerSecond: 1 }),
    limits: money.limits,
    simulatorUrl: () => simulatorUrl,
  }
  let current: Snapshot = createSnapshot(config, fixtures)
  events.retain(current.retention)
  responses.retain(config.responses.retention)
  idempotency.limit(current.idempotency)
  const adminKey = await keys
    .ensureAdminKey({ dataDir, configured: current.configuredKeys })
    .catch(startError)

  const edge: Edge = createEdge({
    current: () => current.gateway,
    authenticate: credential => keys.authenticate(credential, current.configuredKeys),
    routes: [
      ...keys.routes,
      ...responses.routes,
      ...providerRoutes({ current: () => current.providers, clock }),
      ...eventRoutes({ database, flush: () => events.flush(), clock }),
      ...ledger.routes(() => events.flush()),
      ...alerts.routes,
      ...money.routes,
    ],
    metrics,
    checkReady: async () => {
      await database.query({ name: 'ready', text: 'select 1' })
    },
    clock,
    newUuid,
    log,
    version: version(),
    maxBodyBytes: config.requests.max_body,
    bodyTimeoutMs: config.requests.body_timeout,
    headerTimeoutMs: config.requests.header_timeout,
    pressure: createPressure(),
    chance,
    shedding: () => ({
      mostUnderWay: current.config.requests.most_under_way,
      mostDelayMs: current.config.requests.most_delay,
    }),
    streams: () => ({
      heartbeatMs: current.config.streams.heartbeat,
      stalledReaderMs: current.config.streams.stalled_reader,
    }),
  })
  const url = await edge.listen(addressOf(options, config)).catch(cause => startError(inUse(cause)))
  const unfollow = followConfiguration(options, log, next => {
    current = createSnapshot(next, fixtures)
    markup = current.markup
    events.retain(current.retention)
    responses.retain(next.responses.retention)
    idempotency.limit(current.idempotency)
    alerts.configure(next.alerts)
    money.configure(next)
  })
  announce({ url, adminKey, providers: Object.keys(config.providers), configFile: options.configFile })

  return {
    async stop() {
      unfollow()
      await edge.drain(current.config.requests.drain)
      await money.stop()
      await idempotency.stop()
      await responses.stop()
      await events.stop().catch(cause => log.error({ err: cause }, 'the last records could not be committed'))
      await ledger.stop()
      await alerts.stop()
      await simulator.close()
      await http.close()
      await valkey?.close()
      await database.close()
      await releaseFolder()
    },
  }
}

async function openMigrated(config: Config, dataDir: string): Promise<Database> {
  try {
    const database = await openStore(config, dataDir)
    await migrate(database, migrations)
    return database
  } catch (cause) {
    return startError(cause)
  }
}

async function openSimulator(simulator: Simulator): Promise<string> {
  const { url } = await simulator.listen({ host: '127.0.0.1', port: 0 })
  return url
}

function addressOf(options: ServeOptions, config: Config): { host: string; port: number } {
  const at = config.listen.lastIndexOf(':')
  const host = config.listen.slice(0, at).replace(/^\[|\]$/g, '')
  return { host: options.host ?? host, port: options.port ?? Number(config.listen.slice(at + 1)) }
}

function version(): string {
  const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8')) as {
    version: string
  }
  return version
}

function inUse(cause: unknown): unknown {
  const error = cause as NodeJS.ErrnoException & { port?: number }
  if (error.code === 'EADDRINUSE') {
    return new StartError(
      `Port ${error.port} is in use by another program. Stop that one, or choose another with --port.`,
    )
  }
  if (error.code === 'EACCES')
    return new StartError(`Port ${error.port} needs more rights. Choose one above 1023 with --port.`)
  if (error.code === 'EADDRNOTAVAIL')
    return new StartError('This machine does not have the address given in `listen`.')
  return cause
}

function startError(cause: unknown): never {
  if (cause instanceof StartError) throw cause
  if (cause instanceof DataFolderError || cause instanceof NewerSchema) throw new StartError(cause.message)
  const reason = cause instanceof Error ? cause.message : String(cause)
  throw new StartError(`Sluice cannot start: ${reason}`)
}
