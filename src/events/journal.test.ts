import assert from 'node:assert/strict'
import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, beforeEach, describe, it } from 'node:test'
import { allow, type Call, Fault } from '#exchange'
import {
  type Clock,
  createLog,
  createUuids,
  type Database,
  DatabaseUnavailable,
  migrate,
  openDatabase,
  systemChance,
  systemClock,
} from '#platform'
import { atEnd } from '../../test/support/cleanup.ts'
import { testDatabases } from '../../test/support/databases.ts'
import { createFileIntents, createTableIntents, Events, eventsMigrations } from './index.ts'
import type { IntentLog } from './intents.ts'

const newUuid = createUuids(systemClock, systemChance)
const target = { provider: 'up', model: 'm' }
const content = {
  content: 'all',
  contentMs: Number.MAX_SAFE_INTEGER,
  callsMs: Number.MAX_SAFE_INTEGER,
} as const

for (const engine of testDatabases()) {
  describe(`calls of a process that dies (${engine.name})`, () => {
    let database: Database
    let folder: string
    let clock = createMortalClock()

    before(async () => {
      folder = await engine.folder()
      const url = await engine.fresh()
      database = await openDatabase({ url, dataDir: folder, statementTimeoutMs: 10_000, connections: 4 })
      atEnd(() => database.close())
      await migrate(database, [eventsMigrations])
    })

    beforeEach(async () => {
      for (const table of ['calls', 'call_intents']) await database.query({ text: `delete from ${table}` })
    })

    /** One more process on the data; what came before it is dead. */
    const begin = async (through: Database = database): Promise<Events> => {
      clock.die()
      clock = createMortalClock()
      await database.query({ text: `update instances set seen_at = now() - interval '31 s'` })
      const instance = newUuid()
      const path = join(folder, 'intents.log')
      const intents =
        engine.name === 'embedded'
          ? createFileIntents({ database: through, instance, newUuid, path })
          : createTableIntents({ database: through, instance })
      const events = eventsOn(through, { clock, intents, instance, shared: engine.name !== 'embedded' })
      await events.start()
      return events
    }

    it('are on record with all attempts that could be made, each of them once', async () => {
      const dying = await begin()
      const calls = [call(), call(), call()]
      for (const [n, each] of calls.entries()) {
        const exchange = dying.begin(each)
        for (let attempt = 0; attempt <= n; attempt += 1) await exchange.open(target)
        if (n === 1) dying.record(exchange)
        await dying.flush() // somebody reads: calls under way are published, besides being on record
      }
      // The next process dies as well, right after it has taken over what it found and before it is recovered.
      await assert.rejects(begin(withoutTransactions(database)))
      await (await begin()).stop()
      assert.deepEqual(await recorded(database), [
        { status: 'unknown', code: 'process_lost', attempts: [1] },
        { status: 'succeeded', code: null, attempts: [1, 2] },
        { status: 'unknown', code: 'process_lost', attempts: [1, 2, 3] },
      ])
    })

    const skip = engine.name !== 'embedded' && 'attempts are in a table here'
    it('are on record when the write before theirs was cut short by a full disk', { skip }, async () => {
      const dying = await begin()
      await dying.begin(call()).open(target)
      appendFileSync(join(folder, 'intents.log'), '[{"id":"01')
      await dying.begin(call()).open(target)
      await (await begin()).stop()
      assert.equal((await recorded(database)).length, 2)
    })
  })
}

// A hedge that was still on its way to the record when the other attempt had answered: what it left was never let go.
describe('an attempt that comes to the record when its call is over', () => {
  it('is not made, and leaves nothing behind', async () => {
    for (const when of ['before', 'while', 'after'] as const) {
      const intents = new HeldIntents()
      const events = eventsOn(new AwayDatabase(), { intents })
      const exchange = events.begin(call())
      await exchange.open(target)
      const append = intents.hold()
      const late = exchange.open(target).then(
        () => 'opened',
        (cause: Fault) => cause.code,
      )
      await append.asked
      if (when === 'before') events.record(exchange)
      if (when === 'before') await events.flush()
      append.release()
      if (when === 'while') events.record(exchange)
      assert.equal(await late, when === 'after' ? 'opened' : 'client_closed')
      assert.equal(exchange.attempts.length, when === 'after' ? 2 : 1)
      if (when === 'after') events.record(exchange)
      await events.flush()
      const next = events.begin(call())
      events.record(next)
      await events.flush()
      assert.deepEqual(intents.forgotten.toSorted(), intents.appended, when)
    }
  })
})

describe('the call log while the database is away', () => {
  it('refuses attempts, keeps what has ended, and commits it when the database is back', async () => {
    const store = new AwayDatabase()
    const events = eventsOn(store)
    const exchange = events.begin(call())
    await exchange.open(target)
    store.away = true
    await assert.rejects(
      events.begin(call()).open(target),
      cause => cause instanceof Fault && cause.code === 'store_unavailable',
    )
    events.record(exchange)
    await events.flush()
    assert.equal(events.pending, 1)
    store.away = false
    await events.flush()
    assert.equal(events.pending, 0)
  })

  it('lets texts go rather than make readers wait for each of them', async () => {
    const store = new AwayDatabase()
    const events = eventsOn(store)
    events.retain(content)
    store.away = true
    for (let n = 0; n < 100; n += 1) events.record(events.begin(call()))
    await events.flush()
    const texts = store.asked.filter(name => name === 'insert_contents')
    assert.ok(texts.length <= 2, `${texts.length} statements for texts`)
    store.away = false
    await events.flush()
  })
})

describe('the upkeep of the call log', () => {
  it('is over when `stop` resolves, whatever it was doing', async () => {
    const store = new AwayDatabase()
    const clock = createHandClock()
    const events = eventsOn(store, { clock })
    await events.start()
    const held = store.hold('upsert_instance')
    clock.fire()
    const stopped = events.stop()
    await held.asked
    held.release()
    await stopped
    assert.equal(store.asked.at(-1), 'delete from instances where id = $1')
    assert.equal(clock.timers, 0)
  })
})

function eventsOn(
  database: Database,
  options: Partial<ConstructorParameters<typeof Events>[0]> = {},
): Events {
  const { instance = newUuid(), clock = systemClock } = options
  const intents = options.intents ?? createTableIntents({ database, instance })
  return new Events({
    database,
    clock,
    log: createLog('silent'),
    instance,
    intents,
    shared: false,
    observe: () => undefined,
    ...options,
  })
}

function call(): Call {
  const hex = newUuid().replaceAll('-', '')
  const body = Buffer.from('{"model":"up/m"}')
  return {
    id: `call_${hex}`,
    requestId: `req_${hex}`,
    startedAtMs: systemClock.now(),
    dialect: 'openai-chat',
    caller: { organization: 'acme', project: 'shop', keyId: 'key_1', keyName: 'web', role: 'key' },
    asked: allow({
      operation: 'chat',
      dialect: 'openai-chat',
      model: 'up/m',
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
  }
}

interface Recorded {
  status: string
  code: string | null
  attempts: { n: number }[]
}

/** Oldest first. */
async function recorded(database: Database): Promise<unknown[]> {
  const rows = await database.query<Recorded>({
    text: 'select status, code, attempts from calls order by id',
  })
  return rows.map(({ attempts, ...row }) => ({ ...row, attempts: attempts.map(({ n }) => n) }))
}

/** As if the process were killed before its first transaction. */
function withoutTransactions(database: Database): Database {
  return {
    query: (statement, values) => database.query(statement, values),
    transaction: async () => await Promise.reject(new Error('killed')),
    close: async () => undefined,
  }
}

/** Takes everything and has nothing, unless it is away. */
/** Keeps nothing; knows which groups were let go. */
class HeldIntents implements IntentLog {
  readonly gatherMs = 0
  readonly appended: number[] = []
  readonly forgotten: number[] = []
  #held: { heard: () => void; released: Promise<void> } | undefined

  /** The next group waits until it is released. */
  hold(): { asked: Promise<void>; release: () => void } {
    const [asked, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    this.#held = { heard: asked.resolve, released: released.promise }
    return { asked: asked.promise, release: released.resolve }
  }

  async append({ groupNo }: { groupNo: number }): Promise<void> {
    this.#held?.heard()
    await this.#held?.released
    this.appended.push(groupNo)
  }

  forget(groups: readonly number[]): void {
    this.forgotten.push(...groups)
  }

  async publish(): Promise<void> {}
  async recover(): Promise<number> {
    return 0
  }
  async close(): Promise<void> {}
}

class AwayDatabase implements Database {
  away = false
  readonly asked: string[] = []
  #held: { name: string; heard: () => void; released: Promise<void> } | undefined

  async query<Row>({ name, text }: { name?: string; text: string }): Promise<Row[]> {
    this.asked.push(name ?? text)
    if (this.#held?.name === name) {
      this.#held?.heard()
      await this.#held?.released
    }
    if (this.away) throw new DatabaseUnavailable('away')
    return []
  }

  async transaction<T>(work: (tx: Database) => Promise<T>): Promise<T> {
    return await work(this)
  }

  async close(): Promise<void> {}

  /** Statements of this name wait until they are released. */
  hold(name: string): { asked: Promise<void>; release: () => void } {
    const [asked, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    this.#held = { name, heard: asked.resolve, released: released.promise }
    return { asked: asked.promise, release: released.resolve }
  }
}

/** The real time, until its process dies. */
function createMortalClock(): Clock & { die(): void } {
  const cancels = new Set<() => void>()
  let dead = false
  return {
    ...systemClock,
    after(ms, work) {
      if (dead) return () => undefined
      const cancel = systemClock.after(ms, work)
      cancels.add(cancel)
      return cancel
    },
    die() {
      dead = true
      for (const cancel of cancels) cancel()
    },
  }
}

/** Time stands still; `fire` runs what was set until then. */
function createHandClock(): Clock & { fire(): void; readonly timers: number } {
  const waiting = new Set<() => void>()
  return {
    now: () => 0,
    monotonic: () => 0,
    after(_ms, work) {
      waiting.add(work)
      return () => waiting.delete(work)
    },
    fire() {
      for (const work of [...waiting]) {
        waiting.delete(work)
        work()
      }
    },
    get timers() {
      return waiting.size
    },
  }
}
