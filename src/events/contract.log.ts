import assert from 'node:assert/strict'
import { Ajv } from 'ajv'
import { type Caller, Fault, type Route } from '#exchange'
import { type Clock, createUuids, type Database, migrate, Rollup, systemChance } from '#platform'
import { eventRoutes, eventsMigrations } from './index.ts'
import { type AttemptRow, type CallRow, callIdOf } from './record.ts'
import { insertCalls, insertIntents } from './store.ts'
import { usageRollups } from './usage-rollups.ts'

/** What the contract's tests share: one database, emptied before each test, and a time that they set. */
export interface CallLog {
  readonly database: Database
  nowMs: number
  open(): Promise<void>
  empty(): Promise<void>
  close(): Promise<void>
  /** Asks a route as the edge does, with everything validated against its own schemas. */
  get<Answer = ListAnswer>(path: string, options?: { flush(): Promise<void> }): Promise<Answer>
  /** Adds all calls that have ended to the sums of usage. */
  addUp(): Promise<void>
  /** A call that has succeeded now. */
  call(fields?: Partial<CallRow>): CallRow
  /** Commits calls that have ended, and drops groups of intents, as the journal does. */
  record(calls: readonly CallRow[], finishedGroups?: readonly number[]): Promise<void>
  /** Commits the attempts of calls under way as one group. */
  intend(groupNo: number, calls: readonly CallRow[], instance?: string): Promise<void>
}

/** The fields of answers that the tests read. */
export interface CallAnswer {
  id: string
  request_id: string
  status: string
  code: string | null
  target: string | null
  ended_at: string | null
  usage: Record<string, unknown>
  cost: { usd: string | null; state: string | null }
  skips: { target: string; reason: string }[]
  degraded: string | null
  repeats: string | null
  tags: string[]
  environment: string | null
}

export interface ListedAnswer extends CallAnswer {
  attempts: number
  targets: string[]
}

export interface WholeAnswer extends CallAnswer {
  attempts: {
    n: number
    target: string
    status: string
    reason: string | null
    failure: string | null
    lost_race: boolean
    usage: object
    cost: object
  }[]
  content: { request: string | null; answer: string | null } | null
}

export interface ListAnswer {
  data: ListedAnswer[]
  has_more: boolean
  next?: string
}

export const thisInstance = '00000000-0000-7000-8000-000000000001'
export const otherInstance = '00000000-0000-7000-8000-000000000002'
export const startMs = Date.UTC(2026, 0, 15, 12)

const admin: Caller = {
  organization: 'default',
  project: 'default',
  keyId: 'key_of_the_test',
  keyName: 'test',
  role: 'admin',
}

const tables = [
  'calls',
  'call_intents',
  'call_contents',
  'instances',
  'usage_feed',
  'usage_rollups',
  'usage_rollups_names',
]

export function createCallLog(openDatabase: () => Promise<Database>): CallLog {
  let database: Database | undefined
  const opened = (): Database => database ?? assert.fail('the call log is not open')
  const clock: Clock = {
    now: () => log.nowMs,
    monotonic: () => log.nowMs,
    after: () => assert.fail('sets no timers'),
  }
  const newUuid = createUuids(clock, systemChance)
  const log: CallLog = {
    get database() {
      return opened()
    },
    nowMs: startMs,
    async open() {
      database = await openDatabase()
      await migrate(database, [eventsMigrations])
    },
    async empty() {
      log.nowMs = startMs
      for (const table of tables) {
        await opened().query({ text: `delete from ${table}` })
      }
    },
    close: async () => await database?.close(),
    get: async (path, { flush } = { flush: async () => undefined }) =>
      await ask(eventRoutes({ database: opened(), flush, clock }), path),
    async addUp() {
      await new Rollup(opened(), usageRollups()).catchUp()
    },
    call: fields => describe(newUuid(), log.nowMs, fields),
    record: async (calls, finishedGroups = []) =>
      await insertCalls(opened(), thisInstance, { calls, finishedGroups }),
    intend: async (groupNo, calls, instance = thisInstance) =>
      await insertIntents(opened(), instance, { groupNo, attempts: JSON.stringify(calls) }),
  }
  return log
}

function describe(id: string, atMs: number, fields: Partial<CallRow> = {}): CallRow {
  const at = new Date(atMs).toISOString()
  return {
    id,
    started_at: at,
    ended_at: at,
    status: 'succeeded',
    organization: 'acme',
    project: 'shop',
    key_id: 'key_1',
    key_name: 'web',
    class: 'interactive',
    dialect: 'openai-chat',
    operation: 'chat',
    model: 'fast',
    target: 'openai/gpt-5-mini',
    stream: false,
    total_ms: 12,
    price_state: 'free',
    cost_pico_usd: '0',
    attempts: [attempt(1, 'openai/gpt-5-mini', { status: 'succeeded' })],
    ...fields,
  }
}

export function attempt(n: number, target: string, fields: Partial<AttemptRow> = {}): AttemptRow {
  return { n, target, started_at: new Date(startMs).toISOString(), status: 'running', ...fields }
}

/** The same call as its intent says it: what is known before an attempt is made. */
export function intentOf(call: CallRow, of = call.attempts[0] ?? attempt(1, 'openai/gpt-5-mini')): CallRow {
  const { ended_at, total_ms, target, price_state, cost_pico_usd, usage, usage_source, ...known } = call
  const { n, target: to, started_at } = of
  return { ...known, status: 'running', attempts: [{ n, target: to, started_at, status: 'running' }] }
}

export function idsOf(calls: readonly CallRow[]): string[] {
  return calls.map(({ id }) => callIdOf(id))
}

export function listed(page: ListAnswer): string[] {
  return page.data.map(({ id }) => id)
}

export function isFault(code: Fault['code']): (cause: unknown) => boolean {
  return cause => cause instanceof Fault && cause.code === code
}

const ajv = new Ajv({ useDefaults: true })

async function ask<Answer>(routes: readonly Route[], path: string): Promise<Answer> {
  const url = new URL(path, 'http://sluice')
  for (const route of routes) {
    const params = new RegExp(`^${route.path.replace(/\{(\w+)\}/, '(?<$1>[^/]+)')}$`).exec(url.pathname)
    if (!params) continue
    const query = readQuery(url.searchParams, route)
    check(route.query, query)
    const answer = await route.handle({
      params: { ...params.groups },
      query,
      body: undefined,
      caller: admin,
      headers: {},
    })
    check(route.answer.schema, answer)
    return JSON.parse(JSON.stringify(answer))
  }
  throw new Fault('not_found', `no route for ${path}`)
}

/** A query string knows only text. */
function readQuery(search: URLSearchParams, route: Route): Record<string, unknown> {
  const { properties = {} } = (route.query ?? {}) as { properties?: Record<string, { type?: string }> }
  const typed = (name: string, text: string): unknown => {
    if (properties[name]?.type === 'integer') return Number(text)
    if (properties[name]?.type === 'boolean') return text === 'true' || (text === 'false' ? false : text)
    return properties[name]?.type === 'array' ? text.split(',') : text
  }
  return Object.fromEntries([...search].map(([name, text]) => [name, typed(name, text)]))
}

function check(schema: Route['query'], value: unknown): void {
  if (schema && !ajv.validate(schema, value)) throw new Fault('invalid_request', ajv.errorsText())
}
