import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Queryable } from '#platform'
import type { ConfiguredKeys } from './configured.ts'
import { digest } from './credential.ts'
import { fingerprint, type KeyRing } from './keys.ts'
import { findKeyByHash, hasLiveAdminKey, insertKey, lockAdminKey } from './store.keys.ts'

/**
 * Where the admin key is.
 * `configured`: in the configuration. `made`: at this start; show it once. `kept`: in the file, from an earlier
 * start. `elsewhere`: there is one, but this data folder does not hold it (another replica made it, or it was rotated).
 */
export type AdminKey =
  | { state: 'configured' }
  | { state: 'made'; credential: string; path: string }
  | { state: 'kept'; path: string }
  | { state: 'elsewhere' }

/**
 * Makes sure that somebody can administer: makes an admin key when no live one is on record and none is
 * configured, and keeps it in `<dataDir>/admin-key`, readable by the owner alone.
 *
 * The file comes first, the row after it. A crash in between leaves a file whose key is not on record; the next
 * start replaces it. The file's key is never put on record: it may be one that was rotated because it leaked.
 * Rejects with the file system's error when the folder cannot be written.
 */
export async function ensureAdminKey(
  ring: KeyRing,
  { dataDir, configured }: { dataDir: string; configured: ConfiguredKeys },
): Promise<AdminKey> {
  if (configured.hasAdmin) return { state: 'configured' }
  const path = join(dataDir, 'admin-key')
  return await ring.database.transaction(async tx => {
    await lockAdminKey(tx)
    const now = new Date(ring.clock.now())
    if (await hasLiveAdminKey(tx, now.toISOString())) {
      return (await holdsLiveAdmin(tx, path, now)) ? { state: 'kept', path } : { state: 'elsewhere' }
    }
    const credential = ring.newCredential('admin')
    await replaceFile(dataDir, path, credential)
    await insertAdmin(tx, ring, credential, now)
    return { state: 'made', credential, path }
  })
}

async function holdsLiveAdmin(tx: Queryable, path: string, now: Date): Promise<boolean> {
  const found = await readIfThere(path)
  const row = found === undefined ? undefined : await findKeyByHash(tx, digest(found.trim()))
  return (
    row !== undefined && row.role === 'admin' && !row.revokedAt && (!row.expiresAt || row.expiresAt > now)
  )
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined
    throw cause
  }
}

/** Whole or not at all, and never through a link that somebody else has laid. */
async function replaceFile(dataDir: string, path: string, credential: string): Promise<void> {
  const draft = `${path}.new`
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  await rm(draft, { force: true })
  await writeFile(draft, `${credential}\n`, { flag: 'wx', mode: 0o600, flush: true })
  await rename(draft, path)
}

async function insertAdmin(tx: Queryable, ring: KeyRing, credential: string, now: Date): Promise<void> {
  const row = await insertKey(tx, {
    id: ring.newId(),
    name: 'admin',
    ...fingerprint(credential, 'admin'),
    organization: 'default',
    project: 'default',
    role: 'admin',
    models: null,
    passthrough: false, // admins may in any case
    expiresAt: null,
    createdAt: now.toISOString(),
    createdBy: 'setup',
  })
  ring.log.info({ key: row.id }, 'admin key created')
}
