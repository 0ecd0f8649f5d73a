import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, globSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { temporaryFolder } from './cleanup.ts'
import { startProgram } from './program.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const cache = join(root, 'node_modules', '.cache', 'test-data')

const initialise = join(root, 'src/platform/database/pglite-initialise.ts')

/**
 * Makes a data folder that is as after `sluice migrate`: the database is there, and empty. It is made once for each
 * state of the migrations and copied from then on, because making one takes four seconds of processor, and the
 * suite needs dozens.
 */
export async function fillDataFolder(dataDir: string): Promise<void> {
  const migrations = globSync('src/**/migrations/*', { cwd: root }).sort()
  await copyTemplate(`migrated-${fingerprint(migrations)}`, dataDir, async folder => {
    const { code } = await startProgram({ args: ['migrate', '--data', join(folder, 'data')], folder }).ended
    if (code !== 0) throw new Error('`sluice migrate` failed; run it by hand to see why')
  })
}

/** A data folder with a database in which there is nothing yet, not even a table; gone after the test. */
export async function folderWithDatabase(): Promise<string> {
  const dataDir = await temporaryFolder()
  await copyTemplate(`empty-${fingerprint([])}`, dataDir, async folder => {
    await mkdir(join(folder, 'data'))
    const args = ['--liftoff-only', initialise, join(folder, 'data', 'postgres')] // the flag: see program.ts
    await promisify(execFile)(process.execPath, args)
  })
  return dataDir
}

async function copyTemplate(
  name: string,
  dataDir: string,
  make: (folder: string) => Promise<void>,
): Promise<void> {
  const template = join(cache, name)
  if (!existsSync(template)) {
    await mkdir(cache, { recursive: true })
    const folder = await mkdtemp(join(cache, 'unfinished-'))
    await make(folder)
    // Another test file may have been faster: its template is as good.
    await rename(join(folder, 'data'), template).catch(() => undefined)
    await rm(folder, { recursive: true, force: true })
  }
  // At once: the thousand files one by one, as promises, take six times as much of the processor.
  cpSync(template, dataDir, { recursive: true })
}

function fingerprint(files: readonly string[]): string {
  const hash = createHash('sha256')
  for (const file of ['package-lock.json', ...files]) hash.update(readFileSync(join(root, file)))
  return hash.digest('hex').slice(0, 16)
}
