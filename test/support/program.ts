import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { atEnd } from './cleanup.ts'

/** How a program ended: its exit code, or the signal that ended it. */
export interface Ending {
  code: number | null
  signal: NodeJS.Signals | null
}

/** One running `sluice` process and what it has said so far. */
export interface Program {
  pid: number
  ended: Promise<Ending>
  stdout(): string
  stderr(): string
  /** Sends the signal (SIGTERM by default) and waits for the end. */
  stop(signal?: NodeJS.Signals): Promise<Ending>
  /** Waits for the first match on standard output. Rejects with all that was said when the program ends before. */
  says(pattern: RegExp): Promise<RegExpExecArray>
}

export interface ProgramOptions {
  args: readonly string[]
  /** Working and home folder. */
  folder: string
  env?: Readonly<Record<string, string>> | undefined
  /** Absent: killed after the test that starts it, if it is still there. */
  endedBy?: 'caller'
}

/** More than a cold start takes on a slow and busy machine; reached only when something is broken. */
export const startTimeoutMs = 60_000

const entry = fileURLToPath(new URL('../../src/roles/sluice.ts', import.meta.url))
/** As `npm start` has it: without it every one of a hundred starts reads and compiles all of the source anew. */
const compileCache = fileURLToPath(new URL('../../node_modules/.cache/sluice', import.meta.url))
/** The embedded database is not compiled for speed: over a few seconds that costs more than it gains, in each start. */
const flags = ['--liftoff-only']
const running = new Set<ChildProcess>()

// The runner ends a test file that hangs by SIGTERM, which alone would leave our children behind.
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})
process.once('SIGTERM', () => process.exit(143))
process.once('SIGINT', () => process.exit(130))

/** Runs `sluice` with these arguments. */
export function startProgram(options: ProgramOptions): Program {
  const child = spawn(process.execPath, [...flags, entry, ...options.args], {
    cwd: options.folder,
    env: {
      PATH: process.env.PATH,
      HOME: options.folder,
      NO_COLOR: '1',
      NODE_COMPILE_CACHE: compileCache,
      ...options.env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const said = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said.stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said.stderr += text
  })
  running.add(child)
  const ended = new Promise<Ending>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => {
      running.delete(child)
      resolve({ code, signal })
    })
  })
  const stop = async (signal: NodeJS.Signals = 'SIGTERM'): Promise<Ending> => {
    child.kill(signal)
    return await ended
  }
  if (options.endedBy !== 'caller') atEnd(() => stop('SIGKILL'))
  assert(child.pid, 'the program could not be spawned')
  const program = { pid: child.pid, ended, stop, stdout: () => said.stdout, stderr: () => said.stderr }
  return { ...program, says: pattern => untilSaid(program, child, pattern) }
}

async function untilSaid(
  program: Omit<Program, 'says'>,
  child: ChildProcess,
  pattern: RegExp,
): Promise<RegExpExecArray> {
  return await new Promise((resolve, reject) => {
    const fail = (why: string): void =>
      reject(new Error(`${why} before it said ${pattern}.\n${program.stdout()}\n${program.stderr()}`))
    const timer = setTimeout(() => fail(`${startTimeoutMs} ms passed`), startTimeoutMs)
    const look = (): void => {
      const match = pattern.exec(program.stdout())
      if (!match) return
      clearTimeout(timer)
      child.stdout?.off('data', look)
      resolve(match)
    }
    child.stdout?.on('data', look)
    look()
    program.ended.then(({ code, signal }) => {
      clearTimeout(timer)
      fail(`The program ended (${signal ?? code})`)
    }, reject)
  })
}
