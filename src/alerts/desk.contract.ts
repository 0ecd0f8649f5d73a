import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { Ajv } from 'ajv'
import { type Caller, Fault, type Route } from '#exchange'
import { createLog, createUuids, type Database, migrate, systemChance } from '#platform'
import { eventually } from '../../test/support/eventually.ts'
import { type SeenRequest, startUpstream } from '../../test/support/upstream.ts'
import { VirtualClock } from '../../test/support/virtual-clock.ts'
import type { Alert } from './alert.ts'
import type { AlertsConfig } from './config.ts'
import { type Alerts, type AlertsOptions, type AuditEntry, alertsMigrations, createAlerts } from './index.ts'

export const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`

export const admin: Caller = {
  organization: 'default',
  project: 'default',
  keyId: 'key_of_the_test',
  keyName: 'test',
  role: 'admin',
}

/** The fields of an answer that the tests read. */
export interface AlertAnswer {
  id: string
  key: string
  kind: string
  status: string
  title: string
  detail: Record<string, unknown>
  acknowledged_by: string | null
  deliveries: {
    destination: string
    state: string
    attempts: number
    next_at: string | null
    error: string | null
  }[]
}

export interface ListAnswer<Item> {
  data: Item[]
  has_more: boolean
  next?: string
}

/** What the contract's tests share: one database, emptied before each test, and a clock that stands still. */
export interface Desk {
  readonly database: Database
  readonly clock: VirtualClock
  readonly audited: AuditEntry[]
  open(): Promise<void>
  empty(): Promise<void>
  close(): Promise<void>
  /** One process. Several are several replicas. It is stopped when the next test begins. */
  start(destinations?: Record<string, object>, more?: Partial<AlertsOptions>): Alerts
  /** Lets time pass until it has come about. */
  passUntil<T>(what: string, probe: () => Promise<T | undefined | false> | T | undefined | false): Promise<T>
}

export function createDesk(openDatabase: () => Promise<Database>): Desk {
  let database: Database | undefined
  let running: Alerts[] = []
  const clock = new VirtualClock()
  const audited: AuditEntry[] = []
  const opened = (): Database => database ?? assert.fail('the desk is not open')
  const passUntil: Desk['passUntil'] = (what, probe) =>
    eventually(
      what,
      async () => {
        await clock.pass(1_000)
        return await probe()
      },
      { steady: true },
    )
  const stopAll = async (): Promise<void> => {
    let isStopped = false
    const stopping = Promise.all(running.map(alerts => alerts.stop())).then(() => {
      isStopped = true
    })
    await passUntil('they have stopped', () => isStopped)
    await stopping
    running = []
  }
  return {
    get database() {
      return opened()
    },
    clock,
    audited,
    async open() {
      database = await openDatabase()
      await migrate(database, [alertsMigrations])
    },
    async empty() {
      await stopAll()
      audited.length = 0
      await opened().query({ text: 'delete from alerts' })
      await opened().query({ text: 'delete from alert_silences' })
    },
    async close() {
      await stopAll()
      await database?.close()
    },
    start(destinations = {}, more = {}) {
      const alerts = createAlerts({
        database: opened(),
        clock,
        chance: systemChance,
        log: createLog('silent'),
        newUuid: createUuids(clock, systemChance),
        audit: entry => void audited.push(entry),
        ...more,
      })
      alerts.configure(configOf(destinations))
      alerts.start()
      running.push(alerts)
      return alerts
    },
    passUntil,
  }
}

function configOf(destinations: Record<string, object>): AlertsConfig {
  const filled = Object.entries(destinations).map(([name, settings]) => [
    name,
    { internal: true, severity: 'info', ...settings },
  ])
  return {
    destinations: Object.fromEntries(filled),
    budget_shares: [50, 80, 100],
    budget_burn: true,
    most_per_hour: 20,
    spend_change: { enabled: true, factor: 3, floor: '5' },
    retention: 90 * 86_400_000,
  }
}

export function alertOf(more: Partial<Alert> = {}): Alert {
  return {
    kind: 'unpriced_calls',
    key: 'unpriced_calls/openai/x/2026-03-14',
    severity: 'warning',
    title: 'Calls to openai/x have no price.',
    detail: { target: 'openai/x' },
    endsAtMs: Date.UTC(2040, 0, 1),
    ...more,
  }
}

export interface Hook {
  settings: object
  requests: SeenRequest[]
}

/** Where webhooks arrive; the answer is 204 where nothing else is said. */
export async function startHook(
  answer: (response: ServerResponse, n: number) => void = response => void response.writeHead(204).end(),
): Promise<Hook> {
  let n = 0
  const { url, requests } = await startUpstream((_, response) => {
    n += 1
    answer(response, n)
  })
  return { settings: { type: 'webhook', url: `${url}/hook`, secret }, requests }
}

export function isFault(code: Fault['code']): (cause: unknown) => boolean {
  return cause => cause instanceof Fault && cause.code === code
}

const bodies = new Ajv()
const queries = new Ajv({ coerceTypes: true, useDefaults: true })

/** Asks the routes as the edge does: by method and path, with everything validated against their own schemas. */
export async function ask<Answer>(
  { routes }: Pick<Alerts, 'routes'>,
  request: string,
  body?: object,
): Promise<Answer> {
  const [method, path = ''] = request.split(' ')
  const url = new URL(`/sluice/v1/alerts${path}`, 'http://sluice')
  const fitting = routes.filter(route => route.method === method && matchPath(route.path, url.pathname))
  // As a router does: what is written out goes before what stands in braces.
  const route = fitting.find(({ path }) => path === url.pathname) ?? fitting[0]
  if (!route) throw new Fault('not_found', `no route for ${request}`)
  const params = matchPath(route.path, url.pathname) ?? {}
  const query = Object.fromEntries(url.searchParams)
  check(bodies, route.params, params)
  check(queries, route.query, query)
  check(bodies, route.body, body)
  const answer = await route.handle({ params, query, body, caller: admin, headers: {} })
  check(bodies, route.answer.schema, answer)
  return JSON.parse(JSON.stringify(answer))
}

function matchPath(template: string, path: string): Record<string, string> | undefined {
  if (template === path) return {}
  const match = new RegExp(`^${template.replaceAll(/\{(\w+)\}/g, '(?<$1>[^/]+)')}$`).exec(path)
  return match ? { ...match.groups } : undefined
}

function check(ajv: Ajv, schema: Route['body'], value: unknown): void {
  if (schema && !ajv.validate(schema, value)) throw new Fault('invalid_request', ajv.errorsText())
}
