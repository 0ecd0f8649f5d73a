import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Database, DatabaseUnavailable } from '#platform'
import { eventually } from '../../../test/support/eventually.ts'

const isUnavailable = (cause: unknown): boolean => cause instanceof DatabaseUnavailable

/** What holds when the database is slower than one waits, on any engine. `shared` is one for all of these tests. */
export function patienceContract(shared: () => Database): void {
  const slow = { text: `select pg_sleep(0.8), 'late' as said`, timeoutMs: 200 }

  describe('a statement that takes too long', () => {
    it('is given up, and its answer is never taken for that of another', async () => {
      await assert.rejects(shared().query(slow), isUnavailable)
      const echo = { name: 'contract.patience', text: 'select $1::int as n', timeoutMs: 300 }
      for (let n = 0; n < 20; n += 1) {
        const answer = await eventually(`answer ${n}`, () => orNothing(shared().query(echo, [n])))
        assert.deepEqual(answer, [{ n }])
      }
    })

    it('takes its transaction with it', async () => {
      await shared().query({ text: 'create table patience (n int)' })
      const work = shared().transaction(async tx => {
        await tx.query({ text: 'insert into patience values (1)' })
        await tx.query(slow)
      })
      await assert.rejects(work, isUnavailable)
      const read = { text: 'select n, pg_current_xact_id_if_assigned() from patience' }
      assert.deepEqual(await shared().query(read), [])
      await shared().query({ text: 'insert into patience values (2)' })
      assert.deepEqual(await shared().query({ text: 'select n from patience' }), [{ n: 2 }])
    })

    it('that the work of a transaction shrugs off still takes the transaction with it', async () => {
      const work = shared().transaction(async tx => await tx.query(slow).catch(() => 'never mind'))
      await assert.rejects(work, isUnavailable)
    })
  })
}

/** How it ends. `open` opens a database that the test may close. */
export function closingContract(open: () => Promise<Database>): void {
  it('is closed when what was begun has ended, and takes no more', async () => {
    const database = await open()
    await database.query({ text: 'create table closing (n int)' })
    const asked = Array.from({ length: 50 }, (_, n) => database.query({ text: 'select $1::int as n' }, [n]))
    const transaction = database.transaction(async tx => {
      await tx.query({ text: 'insert into closing values (1)' })
      return await tx.query({ text: 'select n from closing' })
    })
    const closed = database.close()
    await assert.rejects(database.query({ text: 'select 1' }), isUnavailable)
    const expected = asked.map((_, n) => [{ n }])
    assert.deepEqual(await Promise.all(asked), expected)
    assert.deepEqual(await transaction, [{ n: 1 }])
    await closed
  })
}

/** Nothing while the database is out of reach; other errors are errors. */
async function orNothing<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer
  } catch (cause) {
    if (isUnavailable(cause)) return undefined
    throw cause
  }
}
