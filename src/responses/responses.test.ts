import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import { createLog, type Database, DatabaseUnavailable, openDatabase, systemClock } from '#platform'
import { testDatabases } from '../../test/support/databases.ts'
import { chainsContract } from './chains.contract.ts'
import { acme, answerOf, askedOf, callOf, createShelf, isFault } from './contract.shelf.ts'
import { createResponses } from './index.ts'
import { routesContract } from './routes.contract.ts'

for (const engine of testDatabases()) {
  describe(`stored responses on ${engine.name}`, () => {
    const shelf = createShelf(async () => {
      const url = await engine.fresh()
      return await openDatabase({
        url,
        dataDir: await engine.folder(),
        statementTimeoutMs: 10_000,
        connections: 4,
      })
    })
    before(shelf.open)
    beforeEach(shelf.empty)
    after(shelf.close)
    chainsContract(shelf)
    routesContract(shelf)
  })
}

/** A store that refuses so many statements. */
function storeThatFails(times: number): { database: Database; asked: string[] } {
  const asked: string[] = []
  const query = async (): Promise<never[]> => {
    asked.push('query')
    if (asked.length <= times) throw new DatabaseUnavailable('the server is gone', undefined)
    return []
  }
  const never = () => assert.fail('not asked for')
  return { asked, database: { query, transaction: never, close: never } }
}

function responsesOn(database: Database) {
  return createResponses({
    database,
    clock: systemClock,
    log: createLog('silent'),
    newUuid: () => '0'.repeat(32),
    vacuums: false,
  })
}

describe('a request that has nothing to do with the store', () => {
  const gone = responsesOn(storeThatFails(Number.POSITIVE_INFINITY).database)

  it('goes its way at once', () => {
    const { conversation: _, ...stateless } = askedOf({ input: [] })
    const whole = answerOf({ id: 'r1' })
    for (const asked of [stateless, askedOf({ input: [], store: false })]) {
      assert.deepEqual(gone.resume(asked, acme), { ok: true, value: asked })
      assert.equal(gone.keep(whole, { asked, call: callOf('0'.repeat(32), asked, acme) }), whole)
    }
  })
})

describe('a store that is out of reach', () => {
  const asked = askedOf({ input: [] })
  const of = { asked, call: callOf('0'.repeat(32), asked, acme) }
  const whole = answerOf({ id: 'r1' })
  const unavailable = isFault('store_unavailable')

  it('refuses to go on, before any provider is asked', async () => {
    const { resume } = responsesOn(storeThatFails(1).database)
    await assert.rejects(async () => await resume(askedOf({ input: [], previous: 'r1' }), acme), unavailable)
  })

  it('is asked twice, and then the answer fails', async () => {
    const once = storeThatFails(1)
    assert.equal(await responsesOn(once.database).keep(whole, of), whole)
    assert.equal(once.asked.length, 2)
    const twice = storeThatFails(2)
    await assert.rejects(async () => await responsesOn(twice.database).keep(whole, of), unavailable)
    assert.equal(twice.asked.length, 2)
  })

  it('tells every route of it', async () => {
    const { routes } = responsesOn(storeThatFails(Number.POSITIVE_INFINITY).database)
    for (const route of routes) {
      assert.equal(route.requires, 'key')
      const input = { params: { id: 'r1' }, query: {}, body: undefined, caller: acme, headers: {} }
      await assert.rejects(route.handle(input), DatabaseUnavailable, `${route.method} ${route.path}`)
    }
  })
})

describe('an answer that cannot be named', () => {
  it('passes, and is not kept', async () => {
    const store = storeThatFails(0)
    const asked = askedOf({ input: [] })
    const of = { asked, call: callOf('0'.repeat(32), asked, acme) }
    for (const id of ['', 'a b', 'x'.repeat(600)]) {
      const nameless = answerOf({ id })
      assert.equal(await responsesOn(store.database).keep(nameless, of), nameless)
    }
    assert.deepEqual(store.asked, [])
  })
})
