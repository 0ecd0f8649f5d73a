import { createHash } from 'node:crypto'
import { accessSync, constants, mkdirSync, readdirSync, realpathSync, rmSync } from 'node:fs'
import { createConnection, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'

/** The folder cannot be used; the message is for the person who started the program. */
export class DataFolderError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause })
    this.name = 'DataFolderError'
  }
}

/** Unix sockets have short names; a folder too deep for one gets its socket elsewhere, named by its hash. */
const longestSocketPath = 100

/**
 * Takes a data folder for this process alone; the returned function gives it back. The lock is a listening socket
 * inside the folder: the kernel silences it with the process, however that ends, so there is no stale lock to judge
 * by its age or by a process id that may have been given to another.
 *
 * The name of a dead lock is never used again by those who find it, only the next number: removing and replacing
 * it would let two who do so at the same time both succeed. Of those who go for the same number the kernel lets
 * one have it, and that one looks once more whether another is alive.
 */
export async function takeDataFolder(folder: string): Promise<() => Promise<void>> {
  makeFolder(folder)
  const locks = locksOf(folder)
  const inUse = new DataFolderError(
    `The data folder ${folder} is in use by another Sluice. Stop that one, or choose another folder with --data.`,
  )
  const found = locks.list()
  if (await someAlive(found.map(locks.path))) throw inUse
  const own = Math.max(0, ...found) + 1
  const server = createServer(socket => socket.destroy())
  if (!(await listen(server, locks.path(own)))) throw inUse
  const release = (): Promise<void> => new Promise(resolve => server.close(() => resolve()))
  const others = locks.list().filter(number => number !== own)
  if (await someAlive(others.map(locks.path))) {
    await release()
    throw inUse
  }
  for (const dead of others) rmSync(locks.path(dead), { force: true })
  server.unref()
  return release
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (cause) {
    throw new DataFolderError(
      `The data folder ${folder} cannot be made or written to (${codeOf(cause)}). Choose another with --data, or mend its permissions.`,
      cause,
    )
  }
}

/** The numbered locks of a folder. */
interface Locks {
  path(number: number): string
  list(): number[]
}

function locksOf(folder: string): Locks {
  const within = join(realpathSync(folder), 'lock-')
  const hash = createHash('sha256').update(within).digest('hex').slice(0, 32)
  const isShort = Buffer.byteLength(within) + '1000.sock'.length <= longestSocketPath
  const start = isShort ? within : join(tmpdir(), `sluice-${hash}-`)
  const suffix = '.sock'
  return {
    path: number => `${start}${number}${suffix}`,
    list: () =>
      readdirSync(dirname(start))
        .filter(name => name.startsWith(basename(start)) && name.endsWith(suffix))
        .map(name => Number(name.slice(basename(start).length, -suffix.length))),
  }
}

async function someAlive(paths: readonly string[]): Promise<boolean> {
  return (await Promise.all(paths.map(isAlive))).includes(true)
}

/** False when the address is taken, by a living process or a dead one. */
function listen(server: Server, path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => {
      if (codeOf(error) === 'EADDRINUSE') resolve(false)
      else
        reject(new DataFolderError(`The data folder cannot be locked (${codeOf(error)} at ${path}).`, error))
    }
    server.once('error', fail)
    server.listen(path, () => {
      server.off('error', fail)
      resolve(true)
    })
  })
}

/** Only a refused connection tells of a dead process: one that is too busy to answer is alive. */
function isAlive(path: string): Promise<boolean> {
  return new Promise(resolve => {
    const socket = createConnection(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', error => resolve(!['ECONNREFUSED', 'ENOENT'].includes(codeOf(error))))
  })
}

function codeOf(cause: unknown): string {
  return cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)
}
