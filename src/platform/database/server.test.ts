import assert from 'node:assert/strict'
import { createServer, type Socket } from 'node:net'
import { describe, it } from 'node:test'
import { type Database, DatabaseUnavailable, migrate, openDatabase } from '#platform'
import { atEnd } from '../../../test/support/cleanup.ts'
import { testDatabases } from '../../../test/support/databases.ts'
import { source } from './migrations.contract.ts'

const server = testDatabases().find(({ name }) => name === 'postgres')
const skip = server ? false : 'SLUICE_TEST_DATABASE_URL does not name a real Postgres'

const isUnavailable = (cause: unknown): boolean => cause instanceof DatabaseUnavailable

async function open(url: string | undefined, statementTimeoutMs = 10_000): Promise<Database> {
  const database = await openDatabase({ url, dataDir: '/nowhere', statementTimeoutMs, connections: 4 })
  atEnd(() => database.close())
  return database
}

describe('a server that is not there', () => {
  it('is out of reach when nobody listens', async () => {
    const database = await open(`postgres://me@127.0.0.1:${await freePort()}/any`)
    await assert.rejects(database.query({ text: 'select 1' }), isUnavailable)
    await assert.rejects(
      database.transaction(async () => 1),
      isUnavailable,
    )
  })

  it('is out of reach when somebody listens and says nothing, for all who wait', async () => {
    const database = await open(`postgres://me@127.0.0.1:${await silentPort()}/any`, 200)
    const asked = Array.from({ length: 20 }, () => database.query({ text: 'select 1' }))
    for (const answer of await Promise.allSettled(asked)) {
      assert.ok(answer.status === 'rejected' && isUnavailable(answer.reason))
    }
  })
})

describe('a real server', { skip }, () => {
  const fresh = async (): Promise<string> => (await server?.fresh()) ?? ''

  it('is out of reach when it knows no such database, as when it refuses us', async () => {
    const url = new URL(await fresh())
    url.pathname += '_not'
    await assert.rejects((await open(url.href)).query({ text: 'select 1' }), isUnavailable)
  })

  it('that ends our connections is out of reach for who was asking, and there for who comes next', async () => {
    const url = await fresh()
    const [database, operator] = [await open(url), await open(url)]
    const asking = database.query({ text: 'select pg_sleep(30)' })
    const ended = assert.rejects(asking, isUnavailable)
    for (let count = 0; count === 0; ) {
      const others = `select pg_terminate_backend(pid) from pg_stat_activity where query like '%pg_sleep(30)%'
        and pid <> pg_backend_pid() and state = 'active' and datname = current_database()`
      count = (await operator.query({ text: others })).length
    }
    await ended
    assert.deepEqual(await database.query({ text: 'select 1 as one' }), [{ one: 1 }])
  })

  it('that ends a connection between two statements of a transaction ends that transaction alone', async () => {
    const url = await fresh()
    const [database, operator] = [await open(url), await open(url)]
    const work = database.transaction(async tx => {
      const [self] = await tx.query<{ pid: number }>({ text: 'select pg_backend_pid() as pid' })
      await operator.query({ text: 'select pg_terminate_backend($1, 10000)' }, [self?.pid])
      await new Promise(resolve => setImmediate(resolve))
      await tx.query({ text: 'select 1' })
    })
    await assert.rejects(work, isUnavailable)
    assert.deepEqual(await database.query({ text: 'select 1 as one' }), [{ one: 1 }])
  })

  it('that takes no writes is out of reach for them', async () => {
    const url = await fresh()
    const writable = await open(url)
    await writable.query({ text: 'create table kept (n int)' })
    const name = new URL(url).pathname.slice(1)
    await writable.query({ text: `alter database ${name} set default_transaction_read_only = on` })
    const database = await open(url)
    await assert.rejects(database.query({ text: 'insert into kept values (1)' }), isUnavailable)
    assert.deepEqual(await database.query({ text: 'select n from kept' }), [])
  })

  it('is migrated once by processes that start at the same time, however long it takes', async () => {
    const url = await fresh()
    const sources = [
      await source('fruit', { '001-all': 'select pg_sleep(1);\ncreate table apples (n int);' }),
    ]
    const applied = await Promise.all([1, 2, 3].map(async () => await migrate(await open(url, 500), sources)))
    assert.deepEqual(applied.flat(), ['fruit/001-all'])
  })
})

async function freePort(): Promise<number> {
  const closing = createServer()
  const port = await listen(closing)
  await new Promise(resolve => closing.close(resolve))
  return port
}

/** Takes connections, and never says a word. */
async function silentPort(): Promise<number> {
  const sockets: Socket[] = []
  const silent = createServer(socket => sockets.push(socket.on('error', () => undefined)))
  atEnd(async () => {
    silent.close()
    for (const socket of sockets) socket.destroy()
  })
  return await listen(silent)
}

async function listen(on: ReturnType<typeof createServer>): Promise<number> {
  await new Promise<void>(resolve => on.listen(0, '127.0.0.1', resolve))
  const address = on.address()
  assert.ok(address && typeof address === 'object')
  return address.port
}
