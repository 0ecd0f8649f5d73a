import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { atEnd, temporaryFolder } from './cleanup.ts'
import { fillDataFolder } from './data-template.ts'
import { type Ending, type Program, startProgram, startTimeoutMs } from './program.ts'

export interface SluiceOptions {
  /** The text of the configuration file; absent: the program starts without one. */
  config?: string
  /** Further arguments after `serve --port … --data …`. */
  args?: readonly string[]
  /** Added to an otherwise nearly empty environment. */
  env?: Readonly<Record<string, string>>
  /** An existing data folder, when two programs are to meet; absent: one of its own, with an empty database. */
  dataDir?: string
  /** Whether the data folder is not there yet, as for a newcomer. */
  firstStart?: boolean
}

export interface Sluice {
  /** `http://127.0.0.1:PORT`, the same after a restart. */
  url: string
  adminKey: string
  dataDir: string
  /** Where `config` was written; rewrite it to have it reloaded. */
  configFile: string
  /** Of the process that runs now. */
  readonly pid: number
  /** What the process that runs now has said. */
  stdout(): string
  stderr(): string
  /** Sends the signal (SIGTERM by default) and waits for the end. */
  stop(signal?: NodeJS.Signals): Promise<Ending>
  /** SIGKILL: no farewell, as after a power cut. */
  kill(): Promise<Ending>
  /** Stops it if it still runs, and starts it again on the same data, configuration and port. */
  restart(): Promise<void>
}

/** Runs `sluice serve` on a free port and an own data folder, and waits until it can serve. */
export async function startSluice(options: SluiceOptions = {}): Promise<Sluice> {
  const folder = await temporaryFolder()
  const dataDir = options.dataDir ?? join(folder, 'data')
  if (options.dataDir === undefined && !options.firstStart) await fillDataFolder(dataDir)
  const configFile = join(folder, 'sluice.yaml')
  const args = ['--data', dataDir, ...(options.args ?? [])]
  if (options.config !== undefined) {
    await writeFile(configFile, options.config)
    args.push('--config', configFile)
  }
  const start = (port: string): Program =>
    startProgram({ args: ['serve', '--port', port, ...args], folder, env: options.env, endedBy: 'caller' })
  let program = start('0')
  // Asked for once, here: one that a test has restarted goes on for the tests after it.
  atEnd(() => program.stop('SIGKILL'))
  const url = await untilReady(program)
  return {
    url,
    adminKey: (await readFile(join(dataDir, 'admin-key'), 'utf8')).trim(),
    dataDir,
    configFile,
    get pid() {
      return program.pid
    },
    stdout: () => program.stdout(),
    stderr: () => program.stderr(),
    stop: signal => program.stop(signal),
    kill: () => program.stop('SIGKILL'),
    async restart() {
      await program.stop()
      program = start(new URL(url).port)
      await untilReady(program)
    },
  }
}

/** Runs one `sluice` command to its end: `await runSluice(['check-config', file])`. */
export async function runSluice(
  args: readonly string[],
  env?: Readonly<Record<string, string>>,
): Promise<Ending & { stdout: string; stderr: string }> {
  const program = startProgram({ args, folder: await temporaryFolder(), env })
  const ending = await program.ended
  return { ...ending, stdout: program.stdout(), stderr: program.stderr() }
}

/** Gives its address. */
async function untilReady(program: Program): Promise<string> {
  const [, url = ''] = await program.says(/^Sluice is ready at (http:\/\/\S+:\d+)/m)
  const deadlineMs = Date.now() + startTimeoutMs
  for (;;) {
    const answer = await fetch(`${url}/readyz`)
    const text = await answer.text()
    if (answer.status === 200) return url
    if (Date.now() > deadlineMs) throw new Error(`${url}/readyz still says ${answer.status}: ${text}`)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}
