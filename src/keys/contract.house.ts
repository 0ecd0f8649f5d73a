import assert from 'node:assert/strict'
import { Ajv } from 'ajv'
import { type Caller, Fault, type Route } from '#exchange'
import { type Clock, createLog, type Database, migrate, systemChance } from '#platform'
import { type ConfiguredKey, createKeys, indexConfiguredKeys, type Keys, keysMigrations } from './index.ts'

/** A clock that a test turns by hand. */
interface HandClock extends Clock {
  pass(ms: number): void
}

/** What the contract's tests share: one database, emptied before each test. */
export interface House {
  readonly database: Database
  readonly clock: HandClock
  open(): Promise<void>
  empty(): Promise<void>
  close(): Promise<void>
  /** One process on the database. Several are several replicas. */
  start(database?: Database): Keys
}

export type Client = <Answer>(method: string, path: string, body?: object) => Promise<Answer>

/** The fields of an answer that the tests read. */
export interface KeyAnswer {
  id: string
  key: string
  hint: string
  name: string
  organization: string
  project: string
  models: string[] | null
  expires_at: string | null
  revoked_at: string | null
}

export interface ListAnswer<Item> {
  data: Item[]
  has_more: boolean
  next?: string
}

export const admin: Caller = {
  organization: 'default',
  project: 'default',
  keyId: 'key_of_the_test',
  keyName: 'test',
  role: 'admin',
}

export const configured = (...keys: ConfiguredKey[]) => indexConfiguredKeys(keys)

export function createHouse(openDatabase: () => Promise<Database>): House {
  let database: Database | undefined
  const clock = createHandClock(Date.UTC(2026, 0, 1))
  const opened = (): Database => database ?? assert.fail('the house is not open')
  return {
    get database() {
      return opened()
    },
    clock,
    async open() {
      database = await openDatabase()
      await migrate(database, [keysMigrations])
    },
    async empty() {
      await opened().query({ text: 'delete from keys' })
      await opened().query({
        text: `delete from projects where organization <> 'default' or name <> 'default'`,
      })
      await opened().query({ text: `delete from organizations where name <> 'default'` })
    },
    close: async () => await database?.close(),
    start: (on = opened()) =>
      createKeys({ database: on, clock, chance: systemChance, log: createLog('silent') }),
  }
}

function createHandClock(startMs: number): HandClock {
  let passedMs = 0
  return {
    now: () => startMs + passedMs,
    monotonic: () => passedMs,
    after: () => assert.fail('keys set no timers'),
    pass(ms) {
      passedMs += ms
    },
  }
}

const bodies = new Ajv()
const queries = new Ajv({ coerceTypes: true, useDefaults: true })

export function isFault(code: Fault['code']): (cause: unknown) => boolean {
  return cause => cause instanceof Fault && cause.code === code
}

/** Asks the routes as the edge does: by method and path, with everything validated against their own schemas. */
export function createClient(keys: Keys, caller: Caller = admin): Client {
  return async (method, path, body) => {
    const url = new URL(path, 'http://sluice')
    for (const route of keys.routes) {
      const params = method === route.method && matchPath(route.path, url.pathname)
      if (!params) continue
      const query = Object.fromEntries(url.searchParams)
      check(bodies, route.params, params)
      check(queries, route.query, query)
      check(bodies, route.body, body)
      const answer = await route.handle({ params, query, body, caller, headers: {} })
      check(bodies, route.answer.schema, answer)
      return JSON.parse(JSON.stringify(answer))
    }
    throw new Fault('not_found', `no route for ${method} ${path}`)
  }
}

function matchPath(template: string, path: string): Record<string, string> | undefined {
  const pattern = template.replaceAll(/\{(\w+)\}/g, '(?<$1>[^/]+)')
  return new RegExp(`^${pattern}$`).exec(path)?.groups ?? (template === path ? {} : undefined)
}

function check(ajv: Ajv, schema: Route['body'], value: unknown): void {
  if (schema && !ajv.validate(schema, value)) throw new Fault('invalid_request', ajv.errorsText())
}
