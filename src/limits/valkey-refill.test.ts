import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { eventually } from '../../test/support/eventually.ts'
import { ownValkey, withoutValkey } from '../../test/support/valkey.ts'
import { type Entry, type LimitStore, LimitStoreAway, type Line } from './store.ts'
import type { LedgerView, OpenHold } from './valkey-holds.ts'
import { createStage } from './valkey-stage.contract.ts'

const nowMs = Date.UTC(2026, 0, 15, 12)
const counter = { key: 'x', rolling: undefined, endsAtMs: nowMs + 3_600_000 }
const lines = (amount: bigint): Line[] => [{ ...counter, amount, most: 100n }]

/** What the database knows of calls: which have begun, and what those that have ended came to. */
function createBooks() {
  const open = new Map<string, OpenHold>()
  const ended = new Map<string, bigint>()
  return {
    begin: (id: string, amount: bigint) => open.set(id, { id, atMs: nowMs, lines: lines(amount) }),
    end(id: string, amount: bigint) {
      open.delete(id)
      ended.set(id, amount)
    },
    async load(calls: readonly string[]): Promise<LedgerView> {
      const entries = [...ended.values()].map((amount): Entry => ({ ...counter, amount, atMs: nowMs }))
      return { entries, holds: [...open.values()], ended: calls.filter(id => ended.has(id)), rules: ['old'] }
    },
    /** As the books tell it, for calls whose process is gone. */
    async settle(store: LimitStore, id: string): Promise<void> {
      const amount = ended.get(id)
      if (amount !== undefined) await store.settle(id, [{ key: 'x', amount }], nowMs)
    },
  }
}

const ways: Record<
  string,
  { settings: string[]; lose(server: Awaited<ReturnType<typeof ownValkey>>): Promise<void> }
> = {
  'killed, and kept nothing': {
    settings: ['--save', '', '--appendonly', 'no'],
    async lose(server) {
      await server.signal('SIGKILL')
      await server.start()
    },
  },
  'killed, and kept what it was told until shortly before': {
    settings: ['--save', '', '--appendonly', 'yes', '--appendfsync', 'everysec'],
    async lose(server) {
      await server.signal('SIGKILL')
      await server.start()
    },
  },
  emptied: {
    settings: ['--save', '', '--appendonly', 'no'],
    async lose(server) {
      await server.command('flushall')
    },
  },
}

describe('a Valkey that forgets', { skip: withoutValkey }, () => {
  for (const [what, { settings, lose }] of Object.entries(ways)) {
    it(`is filled from the ledger and by live processes when it was ${what}`, async () => {
      const server = await ownValkey(...settings)
      const books = createBooks()
      const stage = createStage(server.url)
      const more = { load: books.load, gatherMs: 800, beatMs: 100 }
      const [one, two] = [await stage.join(more), await stage.join(more)]
      for (const { store } of [one, two]) await eventually('the counters are there', () => store.isReady)

      // One call has ended, one has begun, one is held and nobody has written it down yet.
      await one.store.reserve('ended', lines(40n), nowMs)
      books.end('ended', 30n)
      await one.store.settle('ended', [{ key: 'x', amount: 30n }], nowMs)
      await one.store.reserve('begun', lines(20n), nowMs)
      books.begin('begun', 20n)
      await two.store.reserve('held', lines(10n), nowMs)
      // This one's end is in the books, and its settlement is still on its way to the counters.
      await two.store.reserve('settling', lines(15n), nowMs)
      books.end('settling', 5n)

      await lose(server)
      const counted = await eventually('the counters are there again', () => read(one.store))
      assert.deepEqual(counted, [{ spent: 35n, held: 30n }])
      await eventually('they are there for the other one', () => read(two.store))
      await two.store.settle('settling', [{ key: 'x', amount: 5n }], nowMs)
      await two.store.settle('held', [{ key: 'x', amount: 10n }], nowMs)
      await one.store.amend('begun', lines(25n), nowMs)
      await one.store.settle('begun', [{ key: 'x', amount: 25n }], nowMs)
      assert.deepEqual(await read(two.store), [{ spent: 70n, held: 0n }])
      assert.equal((await two.store.reserve('more', lines(31n), nowMs)).ok, false)
      assert.equal((await two.store.reserve('more', lines(30n), nowMs)).ok, true)
    })
  }

  it('is not believed when it comes back with what it knew long ago', async () => {
    const server = await ownValkey('--save', '', '--appendonly', 'no')
    const books = createBooks()
    const { store } = await createStage(server.url).join({ load: books.load, beatMs: 100 })
    await eventually('the counters are there', () => store.isReady)
    await server.command('save')
    await store.reserve('a', lines(90n), nowMs)
    books.end('a', 90n)
    await store.settle('a', [{ key: 'x', amount: 90n }], nowMs)
    await server.signal('SIGKILL')
    await server.start()
    assert.deepEqual(await eventually('the counters are there again', () => read(store)), [
      { spent: 90n, held: 0n },
    ])
    assert.equal((await store.reserve('b', lines(11n), nowMs)).ok, false)
  })

  it('has what it knew of an earlier filling taken away', async () => {
    const server = await ownValkey('--save', '', '--appendonly', 'yes')
    const { store } = await createStage(server.url).join({ beatMs: 100 })
    await eventually('the counters are there', () => store.isReady)
    await store.add([{ ...counter, amount: 5n, atMs: nowMs }], nowMs)
    await server.command('set', '{sluice:another}:epoch', 'of somebody else')
    const before = (await server.command('keys', '*c:x')) as string[]
    assert.equal(before.length, 1)
    await server.signal('SIGKILL')
    await server.start()
    await eventually('the counters are there again', () => read(store))
    await eventually('the old ones are gone', async () => {
      const keys = (await server.command('keys', '*')) as string[]
      return !keys.some(key => before.includes(key))
    })
    assert.equal(await server.command('get', '{sluice:another}:epoch'), 'of somebody else')
  })

  it('is filled by another process when the one that fills it is gone, and by the same when the ledger was', async () => {
    const server = await ownValkey('--save', '', '--appendonly', 'no')
    const books = createBooks()
    books.end('a', 7n)
    const stage = createStage(server.url)
    let asked = 0
    const stuck = await stage.join({
      fillLeaseMs: 1_000,
      load: () => {
        asked += 1
        return new Promise<never>(() => undefined)
      },
    })
    await eventually('one fills it', () => asked > 0)
    let failures = 2
    const two = await stage.join({
      async load(calls) {
        failures -= 1
        if (failures >= 0) throw new Error('the database is away')
        return await books.load(calls)
      },
    })
    await assert.rejects(async () => two.store.reserve('b', lines(1n), nowMs), LimitStoreAway)
    await stuck.leave()
    await eventually('the counters are there', () => two.store.isReady)
    assert.deepEqual(await read(two.store), [{ spent: 7n, held: 0n }])
    assert.equal(failures, -1)
  })

  it('has the past of a new rule added by one process only, and of those it was filled with by none', async () => {
    const server = await ownValkey('--save', '', '--appendonly', 'no')
    const stage = createStage(server.url)
    const books = createBooks()
    const [one, two] = [await stage.join({ load: books.load }), await stage.join({ load: books.load })]
    for (const { store } of [one, two]) await eventually('the counters are there', () => store.isReady)
    assert.deepEqual(await one.store.claim(['old', 'new']), ['new'])
    assert.deepEqual(await two.store.claim(['new', 'old', 'newer']), ['newer'])
  })

  it('keeps what a call holds whose process is gone until the ledger tells what became of it', async () => {
    const server = await ownValkey('--save', '', '--appendonly', 'no')
    const books = createBooks()
    const stage = createStage(server.url)
    const place: Line = { ...counter, key: 'place', amount: 1n, most: 1n, isLease: true }
    const told: string[] = []
    const one = await stage.join({ load: books.load, beatMs: 50 })
    await eventually('the counters are there', () => one.store.isReady)
    const two = await stage.join({
      load: books.load,
      beatMs: 50,
      leaseMs: 500,
      async onExpired(holds) {
        for (const { id, parts } of holds) {
          told.push(`${id}: ${parts.map(({ key, amount }) => `${key} ${amount}`).join(', ')}`)
          await books.settle(two.store, id)
        }
      },
    })
    await eventually('the counters are there', () => two.store.isReady)
    await one.store.reserve('a', [...lines(40n), place], nowMs)
    await one.leave()
    assert.equal((await two.store.reserve('b', [place], nowMs)).ok, false)
    await eventually('the place is free', async () => (await two.store.reserve('b', [place], nowMs)).ok)
    await eventually('it is asked again', () => told.length > 2)
    assert.deepEqual(await read(two.store), [{ spent: 0n, held: 40n }])
    assert.equal(new Set(told).size, 1)
    assert.equal(told[0], 'a: x 40')
    books.end('a', 33n)
    await eventually('the ledger has told', async () => (await read(two.store))?.[0]?.held === 0n)
    assert.deepEqual(await read(two.store), [{ spent: 33n, held: 0n }])
  })

  it('counts by the ledger what a process had settled, and had not on record yet when it died', async () => {
    const server = await ownValkey('--save', '', '--appendonly', 'no')
    const books = createBooks()
    const stage = createStage(server.url)
    const one = await stage.join({ load: books.load, beatMs: 50 })
    await eventually('the counters are there', () => one.store.isReady)
    const told: string[] = []
    const two = await stage.join({
      load: books.load,
      beatMs: 50,
      leaseMs: 500,
      async onExpired(holds) {
        for (const { id, settledBy, parts } of holds) {
          told.push(`${id}: ${parts.map(({ key, amount }) => `${key} ${amount}`).join(', ')}`)
          await two.store.settle(settledBy, [{ key: 'x', amount: 40n }], nowMs)
        }
      },
    })
    await eventually('the counters are there', () => two.store.isReady)
    for (const id of ['a', 'b']) {
      await one.store.reserve(id, lines(40n), nowMs)
      await one.store.settle(id, [{ key: 'x', amount: 12n }], nowMs)
    }
    one.store.posted(['b'])
    await eventually('the other is forgotten', async () => {
      const [ended] = (await server.command('keys', '*:e:*')) as string[]
      return (await server.command('hlen', ended ?? '')) === 1
    })
    await one.leave()
    await eventually('it is counted', async () => (await read(two.store))?.[0]?.spent === 52n)
    assert.deepEqual(await read(two.store), [{ spent: 52n, held: 0n }])
    assert.deepEqual(told, ['a: x 12'])
    assert.deepEqual(await server.command('keys', '*:e*d'), [])
  })
})

async function read(store: LimitStore) {
  try {
    return await store.read([counter], nowMs)
  } catch (cause) {
    assert(cause instanceof LimitStoreAway, String(cause))
    return undefined
  }
}
