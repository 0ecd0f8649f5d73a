import assert from 'node:assert/strict'
import { before, beforeEach, describe, it } from 'node:test'
import type { Database, Queryable } from '#platform'
import { isCode } from './statements.contract.ts'

/** What any transaction may rely on, on any engine. `shared` is one database for all of these tests. */
export function transactionsContract(shared: () => Database): void {
  const insert = async (db: Queryable, n: number): Promise<unknown> =>
    await db.query({ text: 'insert into kept (n) values ($1)' }, [n])
  const kept = async (): Promise<number[]> =>
    (await shared().query<{ n: number }>({ text: 'select n from kept order by n' })).map(({ n }) => n)

  describe('a transaction', () => {
    before(() => shared().query({ text: 'create table kept (n int primary key)' }))
    beforeEach(() => shared().query({ text: 'delete from kept' }))

    it('keeps all of it, and gives what its work gave', async () => {
      const given = await shared().transaction(async tx => {
        await insert(tx, 1)
        await insert(tx, 2)
        return 'done'
      })
      assert.equal(given, 'done')
      assert.deepEqual(await kept(), [1, 2])
    })

    it('keeps nothing when its work throws, and throws the same', async () => {
      const why = new Error('changed my mind')
      const work = async (tx: Queryable): Promise<never> => {
        await insert(tx, 1)
        throw why
      }
      await assert.rejects(shared().transaction(work), cause => cause === why)
      assert.deepEqual(await kept(), [])
    })

    it('keeps nothing when one of its statements fails', async () => {
      const work = async (tx: Queryable): Promise<void> => {
        await insert(tx, 1)
        await insert(tx, 1)
      }
      await assert.rejects(shared().transaction(work), cause => isCode(cause, '23505'))
      assert.deepEqual(await kept(), [])
    })

    it('never says that it kept what it did not, when its work swallows the error of a statement', async () => {
      const work = async (tx: Queryable): Promise<void> => {
        await insert(tx, 1)
        await insert(tx, 1).catch(() => undefined)
      }
      await assert.rejects(shared().transaction(work), /after one of its statements had failed/)
      assert.deepEqual(await kept(), [])
    })

    it('refuses work that asks the database instead of the transaction, which could wait for itself', async () => {
      const asking = shared().transaction(async () => await insert(shared(), 1))
      await assert.rejects(asking, /inside a transaction its `tx` is asked/)
      const nesting = shared().transaction(async () => await shared().transaction(async () => undefined))
      await assert.rejects(nesting, /inside a transaction its `tx` is asked/)
      assert.deepEqual(await kept(), [])
    })

    it('refuses statements that come after its end', async () => {
      const tx = await shared().transaction(async tx => tx)
      await assert.rejects(insert(tx, 1), /after the end of its transaction/)
      assert.deepEqual(await kept(), [])
    })

    it('runs beside others without mixing with them', async () => {
      const even = (n: number): boolean => n % 2 === 0
      const asked = Array.from({ length: 20 }, (_, n) => n)
      await Promise.all(
        asked.map(async n => {
          const work = async (tx: Queryable): Promise<void> => {
            await insert(tx, n)
            if (!even(n)) throw new Error('odd')
          }
          await shared()
            .transaction(work)
            .catch(cause => assert.equal(cause.message, 'odd'))
        }),
      )
      assert.deepEqual(await kept(), asked.filter(even))
    })
  })
}
