import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { DataFolderError, takeDataFolder } from '#platform'
import { atEnd, temporaryFolder } from '../../test/support/cleanup.ts'

const isInUse = (cause: unknown): boolean =>
  cause instanceof DataFolderError && /in use by another Sluice/.test(cause.message)

describe('a data folder', () => {
  it('is made, for its owner alone, and can be taken again after it was given back', async () => {
    const folder = join(await temporaryFolder(), 'a', 'b')
    for (const _ of [1, 2]) {
      const release = await takeDataFolder(folder)
      assert.equal((await stat(folder)).mode & 0o777, 0o700)
      await release()
      assert.deepEqual(await readdir(folder), [])
    }
  })

  it('is refused to a second taker for as long as the first one has it', async () => {
    const folder = await temporaryFolder()
    const release = await takeDataFolder(folder)
    await assert.rejects(takeDataFolder(folder), isInUse)
    await release()
    await (await takeDataFolder(folder))()
  })

  it('is refused while another process has it, even a stopped one, and free once that was killed', async () => {
    const folder = await temporaryFolder()
    const holder = await startHolder(folder)
    await assert.rejects(takeDataFolder(folder), isInUse)
    holder.kill('SIGSTOP')
    await assert.rejects(takeDataFolder(folder), isInUse)
    await killed(holder)
    await (await takeDataFolder(folder))()
  })

  it('goes to exactly one of many who find the lock of a killed process at the same time', async () => {
    const folder = await temporaryFolder()
    await killed(await startHolder(folder))
    const takers = await Promise.allSettled(Array.from({ length: 20 }, () => takeDataFolder(folder)))
    const taken = takers.filter(taker => taker.status === 'fulfilled')
    for (const taker of takers)
      if (taker.status === 'rejected') assert.ok(taker.reason instanceof DataFolderError)
    assert.equal(taken.length, 1)
    await assert.rejects(takeDataFolder(folder), isInUse)
    await taken[0]?.value()
    assert.deepEqual(await readdir(folder), [])
  })

  it('may have a name longer than any socket', async () => {
    const folder = join(await temporaryFolder(), 'deep'.repeat(30), 'down'.repeat(30))
    const release = await takeDataFolder(folder)
    await assert.rejects(takeDataFolder(folder), isInUse)
    await release()
    await (await takeDataFolder(folder))()
  })

  it('that cannot be one is refused with its path and a way out', async () => {
    const file = join(await temporaryFolder(), 'file')
    await writeFile(file, '')
    for (const folder of [file, join(file, 'below')]) {
      await assert.rejects(
        takeDataFolder(folder),
        cause =>
          cause instanceof DataFolderError && cause.message.includes(folder) && /--data/.test(cause.message),
      )
    }
  })

  it('that cannot be written to is refused', {
    skip: process.getuid?.() === 0 && 'root may write',
  }, async () => {
    const folder = join(await temporaryFolder(), 'theirs')
    await mkdir(folder, { mode: 0o500 })
    await assert.rejects(takeDataFolder(folder), DataFolderError)
  })
})

const holderProgram = `
import { takeDataFolder } from '#platform'
await takeDataFolder(process.env.DATA_DIR)
process.stdout.write('taken')
setInterval(() => {}, 60_000)`

/** Another process that holds the folder. */
async function startHolder(folder: string): Promise<ChildProcess> {
  const holder = spawn(process.execPath, ['--input-type=module', '-e', holderProgram], {
    cwd: import.meta.dirname,
    env: { ...process.env, DATA_DIR: folder },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  atEnd(() => killed(holder))
  assert.ok(holder.stdout)
  await once(holder.stdout, 'data')
  return holder
}

async function killed(holder: ChildProcess): Promise<void> {
  if (holder.exitCode !== null || holder.signalCode !== null) return
  const gone = once(holder, 'close')
  holder.kill('SIGKILL')
  await gone
}
