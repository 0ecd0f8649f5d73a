import { createHash } from 'node:crypto'
import { accessSync, constants, mkdirSync, realpathSync, rmSync } from 'node:fs'
import { createConnection, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

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
 * inside the folder: the kernel drops it with the process, however that ends, so there is no stale lock to judge
 * by its age or by a process id that may have been given to another.
 */
export async function takeDataFolder(folder: string): Promise<() => Promise<void>> {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (cause) {
    throw new DataFolderError(
      `The data folder ${folder} cannot be made or written to (${codeOf(cause)}). Choose another with --data, or mend its permissions.`,
      cause,
    )
  }
  const path = socketPath(folder)
  const server = createServer(socket => socket.destroy())
  if (!(await listen(server, path))) {
    if (await isAlive(path)) {
      throw new DataFolderError(
        `The data folder ${folder} is in use by another Sluice. Stop that one, or choose another folder with --data.`,
      )
    }
    rmSync(path, { force: true }) // left by a process that was killed
    if (!(await listen(server, path))) {
      throw new DataFolderError(`The data folder ${folder} was taken by another Sluice in this very moment.`)
    }
  }
  server.unref()
  return () => new Promise(resolve => server.close(() => resolve()))
}

function socketPath(folder: string): string {
  const path = join(realpathSync(folder), 'lock.sock')
  if (Buffer.byteLength(path) <= longestSocketPath) return path
  return join(tmpdir(), `sluice-${createHash('sha256').update(path).digest('hex').slice(0, 32)}.sock`)
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

function isAlive(path: string): Promise<boolean> {
  return new Promise(resolve => {
    const socket = createConnection(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

function codeOf(cause: unknown): string {
  return cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)
}
