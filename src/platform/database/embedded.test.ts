import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { before, describe, it } from 'node:test'
import type { Worker } from 'node:worker_threads'
import { type Database, DatabaseUnavailable, openDatabase } from '#platform'
import { atEnd } from '../../../test/support/cleanup.ts'
import { folderWithDatabase } from '../../../test/support/data-template.ts'
import { eventually } from '../../../test/support/eventually.ts'

const threads: Worker[] = []
process.on('worker', (worker: Worker) => threads.push(worker))

const isUnavailable = (cause: unknown): boolean => cause instanceof DatabaseUnavailable

async function open(dataDir: string): Promise<Database> {
  return await openDatabase({ url: undefined, dataDir, statementTimeoutMs: 10_000, connections: 4 })
}

/** One database goes through all of this, in order: making one takes seconds. */
describe('the embedded database', () => {
  let folder: string
  let database: Database
  let committed: number[]

  before(async () => {
    folder = await folderWithDatabase()
    committed = await linesUntilKilled(startWriter(folder), 25)
    database = await open(folder)
  })

  it('has every row that was committed before its process was killed, and none of a transaction', async () => {
    const rows = await kept(database)
    assert.deepEqual(rows.slice(0, committed.length), committed)
    assert.ok(rows.length - committed.length <= 1, 'at most the one whose commit nobody heard of')
  })

  it('comes back with all that was committed when its thread is killed, and says so to who was asking', async () => {
    const before = await kept(database)
    const insert = { name: 'insert_kept', text: 'insert into kept values ($1)' }
    for (const n of [1001, 1002]) {
      await database.query(insert, [n])
      const transaction = database.transaction(async tx => {
        await tx.query(insert, [-n])
        await threads.at(-1)?.terminate()
        return await tx.query({ text: 'select 1' })
      })
      await assert.rejects(transaction, isUnavailable)
    }
    assert.deepEqual(await kept(database), [...before, 1001, 1002])
  })

  it('is out of reach while its folder is unusable, and comes back by itself when that is mended', async () => {
    const path = join(folder, 'postgres')
    await rename(path, `${path}.away`)
    await writeFile(path, 'not a folder')
    await threads.at(-1)?.terminate()
    for (const _ of [1, 2]) await assert.rejects(database.query({ text: 'select 1' }), isUnavailable)
    await rm(path)
    await rename(`${path}.away`, path)
    assert.ok((await kept(database)).length > 0)
  })

  it('can be closed while its folder is unusable', async () => {
    const path = join(folder, 'postgres')
    await rm(path, { recursive: true })
    await writeFile(path, 'not a folder')
    await threads.at(-1)?.terminate()
    await assert.rejects(database.query({ text: 'select 1' }), isUnavailable)
    await database.close()
  })

  it('cannot be opened in a folder that is none', async () => {
    await assert.rejects(open(folder))
  })
})

async function kept(database: Database): Promise<number[]> {
  const read = (): Promise<{ n: number }[]> => database.query({ text: 'select n from kept order by n' })
  const rows = await eventually('the database answers', () => read().catch(() => undefined))
  return rows.map(({ n }) => n)
}

/** Commits row after row and tells each; between them it begins transactions that are left open. */
const writerProgram = `
import { openDatabase } from '#platform'
const dataDir = process.env.DATA_DIR
const database = await openDatabase({ url: undefined, dataDir, statementTimeoutMs: 10_000, connections: 1 })
await database.query({ text: 'create table kept (n int)' })
for (let n = 1; ; n += 1) {
  await database.query({ text: 'insert into kept values ($1)' }, [n])
  process.stdout.write(n + '\\n')
  const leave = new Error('left')
  await database.transaction(async tx => {
    await tx.query({ text: 'insert into kept values ($1)' }, [-n])
    throw leave
  }).catch(cause => { if (cause !== leave) throw cause })
}`

function startWriter(folder: string): ChildProcess {
  const writer = spawn(process.execPath, ['--liftoff-only', '--input-type=module', '-e', writerProgram], {
    cwd: import.meta.dirname,
    env: { ...process.env, DATA_DIR: folder },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  atEnd(async () => writer.kill('SIGKILL'))
  return writer
}

/** Kills the writer once it has told of so many rows; gives all that it told of. */
async function linesUntilKilled(writer: ChildProcess, count: number): Promise<number[]> {
  assert.ok(writer.stdout)
  const told: number[] = []
  for await (const line of createInterface(writer.stdout)) {
    told.push(Number(line))
    if (told.length === count) writer.kill('SIGKILL')
  }
  assert.ok(told.length >= count, 'the writer wrote')
  return told
}
