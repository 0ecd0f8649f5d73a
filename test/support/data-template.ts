import { createHash } from 'node:crypto'
import { globSync, readFileSync } from 'node:fs'
import { cp, mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startProgram } from './program.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const cache = join(root, 'node_modules', '.cache', 'test-data')

/**
 * Makes a data folder that is as after `sluice migrate`: the database is there, and empty. It is made once for each
 * state of the migrations and copied from then on, because making one takes four seconds of processor, and the
 * suite needs dozens.
 */
export async function fillDataFolder(dataDir: string): Promise<void> {
  const template = join(cache, fingerprint())
  if (!(await exists(template))) await makeTemplate(template)
  await cp(template, dataDir, { recursive: true })
}

async function makeTemplate(template: string): Promise<void> {
  await mkdir(cache, { recursive: true })
  const folder = await mkdtemp(join(cache, 'new-'))
  const { code } = await startProgram({ args: ['migrate', '--data', join(folder, 'data')], folder }).ended
  if (code !== 0) throw new Error('`sluice migrate` failed; run it by hand to see why')
  // Another test file may have been faster: its template is as good.
  await rename(join(folder, 'data'), template).catch(() => undefined)
  await rm(folder, { recursive: true, force: true })
}

function fingerprint(): string {
  const hash = createHash('sha256')
  for (const file of ['package-lock.json', ...globSync('src/**/migrations/*', { cwd: root }).sort()])
    hash.update(readFileSync(join(root, file)))
  return hash.digest('hex').slice(0, 16)
}

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  )
}
