import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { promisify } from 'node:util'
import type { Launch } from './contestant.ts'

const stopMs = 8000
const run = promisify(execFile)

export interface Child {
  pid: number
  /** Why it is no longer running, or `undefined`. */
  ended(): string | undefined
  stop(): Promise<void>
}

/** Starts a process in a group of its own, so that what it starts ends with it; its output goes to `logFile`. */
export function startChild(launch: Launch, logFile: string): Child {
  const log = openSync(logFile, 'w')
  const process_ = spawn(launch.command, launch.args, {
    detached: true,
    stdio: ['ignore', log, log],
    env: { ...process.env, ...launch.env },
  })
  closeSync(log)
  let failure: string | undefined
  process_.on('error', cause => {
    failure = cause.message
  })
  const killGroup = (): void => signalGroup(process_, 'SIGKILL')
  process.once('exit', killGroup)
  const gone = new Promise<void>(resolve => process_.once('close', () => resolve()))
  return {
    pid: process_.pid ?? -1,
    ended: () => failure ?? endOf(process_, logFile),
    async stop() {
      signalGroup(process_, 'SIGTERM')
      const timer = setTimeout(killGroup, stopMs)
      if (process_.pid !== undefined) await gone
      clearTimeout(timer)
      killGroup()
      process.removeListener('exit', killGroup)
    },
  }
}

/** Runs a command to its end and returns what it printed; throws what it complained of. */
export async function runToEnd(command: string, args: string[], cwd?: string): Promise<string> {
  try {
    const { stdout } = await run(command, args, { maxBuffer: 64 * 1024 * 1024, ...(cwd ? { cwd } : {}) })
    return stdout.trim()
  } catch (cause) {
    const complaint = cause instanceof Error && 'stderr' in cause ? String(cause.stderr) : String(cause)
    throw new Error(`${command} ${args[0]} failed: ${complaintIn(complaint)}`)
  }
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise(resolve => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no port was given to us')
  return address.port
}

function endOf(child: ChildProcess, logFile: string): string | undefined {
  if (child.exitCode === null && child.signalCode === null) return undefined
  return `it ended with ${child.exitCode ?? child.signalCode}: ${complaintIn(readFileSync(logFile, 'utf8'))}`
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, signal)
  } catch {
    // the group has ended already, which is what was wanted
  }
}

/** The last line that speaks of an error, because what follows it is often a stack; or else the last line. */
function complaintIn(text: string): string {
  const lines = text.trimEnd().split('\n')
  const line = lines.findLast(one => /error|cannot|refused|denied/i.test(one)) ?? lines.at(-1)
  return line?.trim().slice(0, 300) || 'it gave no reason'
}
