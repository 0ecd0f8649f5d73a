import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import type pg from 'pg'
import { type Database, DatabaseUnavailable, type Queryable, type Statement } from './database.ts'
import { Session, unavailable } from './session.ts'

/**
 * A database over a pool of connections. States: open → closing (no new work; what is under way ends) → closed. A
 * connection goes back to the pool only while it is sound: one whose statement was given up is closed, and with it
 * ends its transaction.
 */
export class PoolDatabase implements Database {
  readonly #pool: pg.Pool
  readonly #timeoutMs: number
  readonly #closeServer: () => Promise<void>
  /** The transaction that the running code is inside of. */
  readonly #inside = new AsyncLocalStorage<{ over: boolean }>()
  #closing = false
  #underWay = 0
  #whenIdle: () => void = () => undefined

  /** `timeoutMs` is how long a statement may take, waiting for its connection included. */
  constructor(pool: pg.Pool, timeoutMs: number, closeServer: () => Promise<void>) {
    pool.on('error', () => undefined) // an idle connection died: the pool opens another when it is needed
    this.#pool = pool
    this.#timeoutMs = timeoutMs
    this.#closeServer = closeServer
  }

  async query<Row>(statement: Statement, values?: readonly unknown[]): Promise<Row[]> {
    const { timeoutMs = this.#timeoutMs } = statement
    const askedAtMs = performance.now()
    return await this.#withSession(async session => {
      const leftMs = timeoutMs - (performance.now() - askedAtMs)
      const result = await session.run({ ...statement, timeoutMs: leftMs }, values)
      return result.rows as Row[]
    })
  }

  async transaction<T>(work: (tx: Queryable) => Promise<T>): Promise<T> {
    return await this.#withSession(async session => {
      const timeoutMs = this.#timeoutMs
      const inside = { over: false }
      await session.run({ text: 'begin', timeoutMs })
      try {
        const result = await this.#inside.run(inside, () => work(transactionOn(session, inside, timeoutMs)))
        inside.over = true
        if (!session.sound) throw unavailable('a statement of the transaction was given up')
        const { command } = await session.run({ text: 'commit', timeoutMs })
        // What Postgres makes of a commit after a failed statement; whoever caught that error must not go on.
        assert.equal(command, 'COMMIT', 'a transaction went on after one of its statements had failed')
        return result
      } catch (cause) {
        inside.over = true
        if (session.sound) await session.run({ text: 'rollback', timeoutMs }).catch(() => undefined)
        throw cause
      }
    })
  }

  async close(): Promise<void> {
    this.#closing = true
    if (this.#underWay > 0) await this.#idle()
    await this.#pool.end()
    await this.#closeServer()
  }

  async #withSession<T>(work: (session: Session) => Promise<T>): Promise<T> {
    assert(
      this.#inside.getStore()?.over !== false,
      'inside a transaction its `tx` is asked, not the database',
    )
    if (this.#closing) throw new DatabaseUnavailable('the database is closed')
    this.#underWay += 1
    try {
      const session = new Session(await this.#connect())
      try {
        return await work(session)
      } finally {
        session.release()
      }
    } finally {
      this.#underWay -= 1
      if (this.#underWay === 0) this.#whenIdle()
    }
  }

  async #connect(): Promise<pg.PoolClient> {
    try {
      return await this.#pool.connect()
    } catch (cause) {
      throw unavailable(cause)
    }
  }

  #idle(): Promise<void> {
    return new Promise(resolve => {
      this.#whenIdle = resolve
    })
  }
}

function transactionOn(session: Session, inside: { over: boolean }, usualMs: number): Queryable {
  return {
    async query<Row>(statement: Statement, values?: readonly unknown[]): Promise<Row[]> {
      assert(!inside.over, 'a statement came after the end of its transaction')
      const { timeoutMs = usualMs } = statement
      const result = await session.run({ ...statement, timeoutMs }, values)
      return result.rows as Row[]
    },
  }
}
