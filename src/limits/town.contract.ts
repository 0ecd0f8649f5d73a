import assert from 'node:assert/strict'
import { Ajv } from 'ajv'
import { type Caller, Fault } from '#exchange'
import { createLog, createUuids, type Database, migrate, systemChance } from '#platform'
import { VirtualClock } from '../../test/support/virtual-clock.ts'
import { type BudgetConfig, type RateLimitConfig, readBudgetConfig, readRateLimitConfig } from './config.ts'
import {
  type ConfiguredRules,
  type Counters,
  createRules,
  limitsMigrations,
  type Rule,
  type RuleSet,
  type Rules,
  type Standing,
} from './index.ts'

/** What the contract's tests share: one database, emptied before each test, and what counters stand at. */
export interface Town {
  readonly database: Database
  readonly clock: VirtualClock
  /** By rule; what is asked of a process is answered from here. */
  readonly counters: Map<string, Standing[]>
  open(): Promise<void>
  empty(): Promise<void>
  close(): Promise<void>
  /** One process on the database, which has begun. */
  begin(configured?: Partial<ConfiguredRules>, database?: Database): Promise<Rules>
}

export const admin: Caller = {
  organization: 'default',
  project: 'default',
  keyId: 'key_of_the_test',
  keyName: 'test',
  role: 'admin',
}

export const web: Caller = {
  ...admin,
  organization: 'acme',
  project: 'shop',
  keyId: 'config/web',
  role: 'key',
}

export function createTown(openDatabase: () => Promise<Database>): Town {
  let database: Database | undefined
  const clock = new VirtualClock()
  const counters = new Map<string, Standing[]>()
  const begun: Rules[] = []
  const opened = (): Database => database ?? assert.fail('the town is not open')
  return {
    get database() {
      return opened()
    },
    clock,
    counters,
    async open() {
      database = await openDatabase()
      await migrate(database, [limitsMigrations])
    },
    async empty() {
      for (const rules of begun.splice(0)) await rules.stop()
      counters.clear()
      for (const table of ['rules', 'rule_increases', 'audit'])
        await opened().query({ text: `delete from ${table}` })
      await opened().query({ text: `update rules_version set configured = '{}'` })
    },
    async close() {
      for (const rules of begun) await rules.stop()
      await database?.close()
    },
    async begin(configured = {}, on = opened()) {
      const rules = createRules({
        database: on,
        clock,
        log: createLog('silent'),
        newUuid: createUuids(clock, systemChance),
        shared: true,
        standings: async (rule, which) => standingsOf(counters.get(rule.id) ?? [], which),
      })
      begun.push(rules)
      rules.configure({ ...nothing, ...configured })
      await rules.start()
      return rules
    },
  }
}

const nothing: ConfiguredRules = {
  budgets: [],
  rate_limits: [],
  models: { smart: {} },
  providers: { openai: {} },
}

function standingsOf(all: readonly Standing[], which: Counters): Standing[] {
  if ('subject' in which) return all.filter(({ subject }) => subject === which.subject)
  const { after, limit } = which
  return all
    .toSorted((a, b) => (a.subject < b.subject ? -1 : 1))
    .filter(({ subject }) => after === undefined || subject > after)
    .slice(0, limit)
}

export function budgetOf(fields: object): BudgetConfig {
  const read = readBudgetConfig(fields)
  return read.ok ? read.value : assert.fail(JSON.stringify(read.problems))
}

export function rateLimitOf(fields: object): RateLimitConfig {
  const read = readRateLimitConfig(fields)
  return read.ok ? read.value : assert.fail(JSON.stringify(read.problems))
}

export function ruleNamed(rules: RuleSet, name: string): Rule | undefined {
  return rules.rules.find(rule => rule.name === name)
}

export function isFault(code: Fault['code'], says?: RegExp): (cause: unknown) => boolean {
  return cause => cause instanceof Fault && cause.code === code && (says?.test(cause.message) ?? true)
}

// biome-ignore lint/suspicious/noExplicitAny: each test reads the fields that it is about
export type Answered = any

const bodies = new Ajv()
const queries = new Ajv({ coerceTypes: 'array', useDefaults: true })

/** Asks the routes as the edge does: by method and path, with everything validated against their own schemas. */
export function clientOf(rules: Rules, caller = admin) {
  return async (
    method: string,
    path: string,
    { body, headers = {} }: { body?: object; headers?: Record<string, string> } = {},
  ): Promise<Answered> => {
    const url = new URL(path, 'http://sluice')
    for (const route of rules.routes) {
      const params = method === route.method && matchPath(route.path, url.pathname)
      if (!params) continue
      assert(caller.role === 'admin' || route.requires === 'key', 'the edge refuses that')
      const query = Object.fromEntries(url.searchParams)
      check(bodies, route.params, params)
      check(queries, route.query, query)
      check(bodies, route.body, body)
      const answer = await route.handle({ params, query, body, caller, headers })
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

function check(ajv: Ajv, schema: object | undefined, value: unknown): void {
  if (schema && !ajv.validate(schema, value)) throw new Fault('invalid_request', ajv.errorsText())
}
