import assert from 'node:assert/strict'
import { join } from 'node:path'
import { Ajv } from 'ajv'
import { createFileIntents, Events, type Exchange, eventsMigrations } from '#events'
import {
  type Attempt,
  allow,
  type Call,
  type Caller,
  Fault,
  type Hold,
  type Route,
  type RouteInput,
  StreamedAnswer,
  type Target,
} from '#exchange'
import { createLedger, type Ledger, type LedgerOptions, meteringMigrations } from '#metering'
import {
  type Clock,
  createLog,
  createUuids,
  type Database,
  migrate,
  systemChance,
  systemClock,
} from '#platform'
import { atEnd, temporaryFolder } from '../../test/support/cleanup.ts'

export const startMs = Date.UTC(2026, 0, 15, 12)

/** How an attempt goes, as a test says it. */
export interface Tried extends Partial<Omit<Attempt, 'target'>> {
  target?: string
  atMs?: number
}

export interface Made extends Partial<Omit<Call, 'caller' | 'asked'>> {
  organization?: string
  project?: string
  keyId?: string
  keyName?: string
  model?: string
  attempts?: readonly Tried[]
}

/** One process that makes calls: its call log with the ledger beside it. */
export interface Process {
  events: Events
  ledger: Ledger
  /** A call whose attempts are on record and made, and that has not ended. */
  begin(made?: Made): Promise<Exchange>
  /** Its end, on record. */
  end(exchange: Exchange): Promise<void>
  /** The whole of a call. Gives its id. */
  call(made?: Made): Promise<string>
  /** Asks a route as the edge does, with everything validated against its own schemas. A stream comes as one text. */
  // biome-ignore lint/suspicious/noExplicitAny: what it answers is for the test to say
  ask(path: string, input?: Partial<RouteInput>): Promise<any>
  leave(): Promise<void>
}

/** What the ledger's contracts share: one database, emptied before each test, and a time that they set. */
export interface LedgerStage {
  readonly database: Database
  nowMs: number
  open(): Promise<void>
  empty(): Promise<void>
  close(): Promise<void>
  /** A process that writes to the database, or to what stands before it; on its start it takes over from all others. */
  join(options?: Partial<LedgerOptions>): Promise<Process>
  /** Rows of a statement. */
  rows<Row = Record<string, unknown>>(text: string, values?: readonly unknown[]): Promise<Row[]>
}

const tables = [
  'ledger',
  'ledger_feed',
  'cost_rollups',
  'cost_rollups_names',
  'calls',
  'call_intents',
  'call_contents',
  'instances',
]

export function createLedgerStage(openDatabase: () => Promise<Database>): LedgerStage {
  let database: Database | undefined
  const stage: LedgerStage = {
    get database() {
      return database ?? assert.fail('the database is not open')
    },
    nowMs: startMs,
    async open() {
      database = await openDatabase()
      await migrate(database, [eventsMigrations, meteringMigrations])
    },
    async empty() {
      stage.nowMs = startMs
      await stage.rows('alter table ledger disable trigger user')
      for (const table of tables) await stage.rows(`delete from ${table}`)
      await stage.rows('alter table ledger enable trigger user')
    },
    close: async () => await database?.close(),
    rows: async (text, values) => await stage.database.query({ text }, values),
    async join(options) {
      const process = await startProcess(stage, options)
      atEnd(() => process.leave())
      return process
    },
  }
  return stage
}

async function startProcess(stage: LedgerStage, options: Partial<LedgerOptions> = {}): Promise<Process> {
  const clock: Clock = { ...systemClock, now: () => stage.nowMs }
  const log = createLog('silent')
  const newUuid = createUuids(clock, systemChance)
  const instance = newUuid()
  const { database = stage.database } = options
  const ledger = createLedger({ database, clock, log, ...options })
  const { companion } = ledger
  const path = join(await temporaryFolder(), 'intents.log')
  const intents = createFileIntents({ database: stage.database, instance, newUuid, companion, path })
  const events = new Events({
    database,
    clock,
    log,
    instance,
    intents,
    shared: false,
    companion,
    observe: () => undefined,
  })
  await events.start()

  let hasLeft = false
  const process: Process = {
    async leave() {
      if (hasLeft) return
      hasLeft = true
      await events.stop()
      await ledger.stop()
    },
    events,
    ledger,
    async begin(made = {}) {
      const exchange = events.begin(callOf(made, { newUuid, nowMs: stage.nowMs }))
      for (const tried of made.attempts ?? [answered()]) await tryOnce(exchange, tried, stage)
      return exchange
    },
    async end(exchange) {
      const last = exchange.decisive
      if (last?.status !== 'succeeded') exchange.fail(new Fault('provider_failed', 'It failed.'))
      const costs = exchange.attempts.map(({ costPicoUsd }) => costPicoUsd)
      const isPriced = costs.every(cost => cost !== undefined)
      exchange.settlement = {
        usage: last?.usage ?? {},
        usageSource: last?.usageSource,
        costPicoUsd: isPriced ? costs.reduce((sum, cost) => sum + cost, 0n) : undefined,
        priced: isPriced ? 'priced' : 'unpriced',
      }
      events.record(exchange)
      await events.flush()
    },
    async call(made) {
      const exchange = await process.begin(made)
      await process.end(exchange)
      return exchange.call.id
    },
    ask: async (path, input) =>
      await ask(
        ledger.routes(() => events.flush()),
        path,
        input,
      ),
  }
  return process
}

async function tryOnce(exchange: Exchange, { target, atMs, ...tried }: Tried, stage: LedgerStage) {
  const before = stage.nowMs
  if (atMs !== undefined) stage.nowMs = atMs
  const attempt = await exchange.open(targetOf(target ?? 'openai/gpt-5-mini'), tried.hold)
  Object.assign(attempt, { endedAtMs: stage.nowMs + 900, ...tried })
  stage.nowMs = before
}

/** An attempt that answers, at a known cost. */
export function answered(more: Tried = {}): Tried {
  return {
    status: 'succeeded',
    usage: { input: 1000, output: 500 },
    usageSource: 'provider',
    costPicoUsd: 1_250_000_000n,
    price: 'openai/gpt-5-mini@2026-01-01',
    ...more,
  }
}

export function held(picoUsd: bigint, more: Partial<Hold> = {}): Hold {
  return { atMs: startMs, inputTokens: 4000, outputTokens: 2000, picoUsd, ...more }
}

function targetOf(name: string): Target {
  const at = name.indexOf('/')
  return { provider: name.slice(0, at), model: name.slice(at + 1) }
}

function callOf(made: Made, { newUuid, nowMs }: { newUuid(): string; nowMs: number }): Call {
  const { organization = 'acme', project = 'shop', keyId = 'key_1', keyName = 'web', model = 'fast' } = made
  const { attempts, ...more } = made
  const hex = newUuid().replaceAll('-', '')
  const body = Buffer.from('{}')
  return {
    id: `call_${hex}`,
    requestId: `req_${hex}`,
    startedAtMs: nowMs,
    dialect: 'openai-chat',
    asked: allow({
      operation: 'chat',
      dialect: 'openai-chat',
      model,
      stream: false,
      wantsUsage: false,
      estimatedInputTokens: 1,
      incoming: { body, rest: '', query: {} },
      renderFor: () => body,
      inputBound: 1,
      countInputBound: () => 1,
      output: undefined,
      boundless: undefined,
      withOutputCap: () => assert.fail('nobody shortens it here'),
    }),
    body,
    user: undefined,
    feature: undefined,
    tags: [],
    environment: undefined,
    attributionDropped: 0,
    class: 'interactive',
    unsupported: undefined,
    patienceMs: undefined,
    headers: {},
    ...more,
    caller: { organization, project, keyId, keyName, role: 'key' },
  }
}

export const admin: Caller = {
  organization: 'default',
  project: 'default',
  keyId: 'key_of_the_test',
  keyName: 'test',
  role: 'admin',
}

export function isFault(code: Fault['code']): (cause: unknown) => boolean {
  return cause => cause instanceof Fault && cause.code === code
}

const ajv = new Ajv({ useDefaults: true })

async function ask(
  routes: readonly Route[],
  path: string,
  input: Partial<RouteInput> = {},
): Promise<unknown> {
  const url = new URL(path, 'http://sluice')
  const method = input.body === undefined ? 'GET' : 'POST'
  const route = routes.find(one => one.path === url.pathname && one.method === method)
  if (!route) throw new Fault('not_found', `no route for ${path}`)
  const query = readQuery(url.searchParams, route)
  check(route.query, query)
  check(route.body, input.body)
  const answer = await route.handle({
    params: {},
    body: undefined,
    caller: admin,
    headers: {},
    ...input,
    query,
  })
  if (answer instanceof StreamedAnswer) {
    let text = ''
    for await (const chunk of answer.chunks) text += chunk
    return text
  }
  check(route.answer.schema, answer)
  return JSON.parse(JSON.stringify(answer))
}

/** A query string knows only text. */
function readQuery(search: URLSearchParams, route: Route): Record<string, unknown> {
  const { properties = {} } = (route.query ?? {}) as { properties?: Record<string, { type?: string }> }
  const typed = (name: string, text: string): unknown => {
    if (properties[name]?.type === 'integer') return Number(text)
    if (properties[name]?.type === 'boolean') return text === 'true'
    return properties[name]?.type === 'array' ? text.split(',') : text
  }
  return Object.fromEntries([...search].map(([name, text]) => [name, typed(name, text)]))
}

function check(schema: Route['query'], value: unknown): void {
  if (schema && !ajv.validate(schema, value)) throw new Fault('invalid_request', ajv.errorsText())
}
