import assert from 'node:assert/strict'
import { Ajv } from 'ajv'
import {
  type AnswerWatch,
  type Asked,
  accept,
  allow,
  type Call,
  type Caller,
  Fault,
  type WholeAnswer,
} from '#exchange'
import { type Clock, createLog, createUuids, type Database, migrate, systemChance } from '#platform'
import { createResponses, type Responses, responsesMigrations } from './index.ts'

/** A clock that a test turns by hand, with its timers. */
interface HandClock extends Clock {
  /** Lets time pass, and does what falls due. */
  pass(ms: number): void
}

/** What the contract's tests share: one database, emptied before each test. */
export interface Shelf {
  readonly database: Database
  readonly clock: HandClock
  readonly responses: Responses
  open(): Promise<void>
  empty(): Promise<void>
  close(): Promise<void>
  /** A call and its answer, as the gateway takes them through: gives what the model was shown. */
  turn(options: Turn): Promise<unknown[]>
  /** Asks a route as the edge does, with everything validated against its own schemas. */
  ask<Body = Record<string, unknown>>(method: string, path: string, caller?: Caller): Promise<Body>
}

export interface Turn {
  /** Of the answer. */
  id: string
  previous?: string
  input?: unknown[]
  output?: unknown[]
  caller?: Caller
}

const startMs = Date.UTC(2026, 0, 15, 12)
export const dayMs = 86_400_000
export const retentionMs = 30 * dayMs

export function callerOf(organization: string, project: string): Caller {
  return { organization, project, keyId: `key_of_${project}`, keyName: project, role: 'key' }
}

export const acme = callerOf('acme', 'shop')

export function createShelf(openDatabase: () => Promise<Database>): Shelf {
  let database: Database | undefined
  let responses: Responses | undefined
  const clock = createHandClock()
  const newUuid = createUuids(clock, systemChance)
  const shelf: Shelf = {
    get database() {
      return database ?? assert.fail('the shelf is not open')
    },
    get responses() {
      return responses ?? assert.fail('the shelf is not open')
    },
    clock,
    async open() {
      database = await openDatabase()
      await migrate(database, [responsesMigrations])
      responses = createResponses({ database, clock, newUuid, log: createLog('silent'), vacuums: true })
      responses.retain(retentionMs)
    },
    async empty() {
      await shelf.database.query({ text: 'delete from responses' })
    },
    close: async () => await database?.close(),
    async turn({ id, previous, input = [], output = [], caller = acme }) {
      const said = askedOf({ input, previous })
      const asked = accept(await shelf.responses.resume(said, caller))
      await shelf.responses.keep(answerOf({ id, output }), { asked, call: callOf(newUuid(), said, caller) })
      return shownBy(asked)
    },
    ask: async (method, path, caller = acme) => await askRoutes(shelf.responses, { method, path, caller }),
  }
  return shelf
}

function createHandClock(): HandClock {
  let passedMs = 0
  const timers = new Set<{ atMs: number; work: () => void }>()
  return {
    now: () => startMs + passedMs,
    monotonic: () => passedMs,
    after(ms, work) {
      const timer = { atMs: passedMs + ms, work }
      timers.add(timer)
      return () => timers.delete(timer)
    },
    pass(ms) {
      passedMs += ms
      for (const timer of [...timers]) {
        if (timer.atMs > passedMs || !timers.delete(timer)) continue
        timer.work()
      }
    },
  }
}

const shown = new WeakMap<Asked, unknown[]>([])

/** All items that a provider would be sent. */
function shownBy(asked: Asked): unknown[] {
  return shown.get(asked) ?? []
}

/** A request in a dialect that is as plain as can be. */
export function askedOf({
  input,
  previous,
  store = true,
  history = [],
}: {
  input: unknown[]
  previous?: string | undefined
  store?: boolean
  history?: readonly unknown[]
}): Asked {
  const asked: Asked = {
    operation: 'chat',
    dialect: 'openai-responses',
    model: 'm',
    stream: false,
    wantsUsage: true,
    estimatedInputTokens: 1,
    incoming: { body: Buffer.alloc(0), rest: '', query: {} },
    renderFor: () => assert.fail('nobody asks a provider here'),
    inputBound: 1,
    countInputBound: () => 1,
    output: undefined,
    boundless: undefined,
    withOutputCap: () => assert.fail('nobody shortens it here'),
    conversation: {
      previous,
      store,
      inputItems: hex => input.map((item, n) => ({ id: `in_${hex}_${n}`, ...(item as object) })),
      after: history => askedOf({ input, store, history }),
      watch: () => new PlainWatch(),
    },
  }
  shown.set(asked, [...history, ...input])
  return asked
}

/** Takes lines of JSON; the one that is a response is the answer. */
class PlainWatch implements AnswerWatch {
  #text = ''

  hear(bytes: Buffer): void {
    this.#text += bytes.toString()
  }

  answer(): Record<string, unknown> | undefined {
    const lines = this.#text.split('\n').slice(0, -1)
    const last = lines.find(line => line.includes('"object":"response"'))
    return last === undefined ? undefined : JSON.parse(last)
  }
}

function responseOf({ id, output = [] }: { id: string; output?: unknown[] }): Record<string, unknown> {
  return { id, object: 'response', output, usage: { total_tokens: 3 } }
}

export function answerOf(of: { id: string; output?: unknown[] }): WholeAnswer {
  return { kind: 'whole', status: 200, headers: {}, body: Buffer.from(`${JSON.stringify(responseOf(of))}\n`) }
}

export function callOf(hex: string, asked: Asked, caller: Caller): Call {
  return {
    id: `call_${hex}`,
    requestId: `req_${hex}`,
    startedAtMs: startMs,
    dialect: 'openai-responses',
    caller,
    asked: allow(asked),
    body: Buffer.alloc(0),
    user: undefined,
    feature: undefined,
    tags: [],
    environment: undefined,
    attributionDropped: 0,
    class: 'interactive',
    unsupported: undefined,
    patienceMs: undefined,
    headers: {},
  }
}

export function isFault(code: Fault['code'], sentence = /./): (cause: unknown) => boolean {
  return cause => cause instanceof Fault && cause.code === code && sentence.test(cause.message)
}

const ajv = new Ajv()

async function askRoutes<Body>(
  { routes }: Responses,
  { method, path, caller }: { method: string; path: string; caller: Caller },
): Promise<Body> {
  const url = new URL(path, 'http://sluice')
  for (const route of routes) {
    const template = new RegExp(`^${route.path.replace(/\{(\w+)\}/, '(?<$1>[^/]+)')}$`)
    const params = route.method === method && template.exec(url.pathname)?.groups
    if (!params) continue
    const query: Record<string, unknown> = Object.fromEntries(url.searchParams)
    if (query.limit !== undefined) query.limit = Number(query.limit)
    check(route.query, query)
    const answer = await route.handle({ params: { ...params }, query, body: undefined, caller, headers: {} })
    check(route.answer.schema, answer)
    return JSON.parse(JSON.stringify(answer))
  }
  throw new Fault('not_found', `no route for ${method} ${path}`)
}

function check(schema: Responses['routes'][number]['query'], value: unknown): void {
  if (schema && !ajv.validate(schema, value)) throw new Fault('invalid_request', ajv.errorsText())
}
