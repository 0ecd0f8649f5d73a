/** What `fail-over.ts` and `hang-up.ts` share: one Sluice by a configuration of theirs, and the table they print. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type Child, freePort, startChild } from './child.ts'

const program = fileURLToPath(new URL('../src/roles/sluice.ts', import.meta.url))
const adminKey = 'sk-bench-not-a-secret-admin'
export const callerKey = 'sk-bench-not-a-secret-caller'

export interface Stage {
  port: number
  /** Reads or does something under `/sluice/v1`; throws when it is refused. */
  administer(method: 'GET' | 'POST', path: string): Promise<unknown>
  /** The value of a metric without labels. */
  metric(name: string): Promise<number>
  stop(): Promise<void>
}

/** Starts Sluice as a user does, with these lines of configuration beside its keys, and waits until it is ready. */
export async function setStage(configuration: string): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-trouble-'))
  const port = await freePort()
  const config = join(folder, 'sluice.yaml')
  const keys = `admin_key: ${adminKey}\nkeys: [{ name: bench, key: ${callerKey}, organization: bench }]\n`
  writeFileSync(config, configuration + keys)
  const serve = ['serve', '--config', config, '--port', String(port), '--data', join(folder, 'data')]
  const sluice = startChild(
    {
      command: process.execPath,
      args: ['--max-semi-space-size=32', program, ...serve],
      env: { NODE_ENV: 'production', MALLOC_ARENA_MAX: '2' },
    },
    join(folder, 'sluice.log'),
  )
  const root = `http://127.0.0.1:${port}`
  const stage: Stage = {
    port,
    async administer(method, path) {
      const headers = { authorization: `Bearer ${adminKey}` }
      const answer = await fetch(`${root}/sluice/v1${path}`, { method, headers })
      if (answer.status !== 200) throw new Error(`${answer.status} ${await answer.text()}`)
      return await answer.json()
    },
    async metric(name) {
      const text = await (await fetch(`${root}/metrics`)).text()
      return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1])
    },
    async stop() {
      await sluice.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
  try {
    await until(async () => (await fetch(`${root}/readyz`)).status === 200, sluice)
  } catch (cause) {
    await stage.stop()
    throw cause
  }
  return stage
}

/** Asks again and again, for a minute; throws when the process that is waited for has ended, or with what was said last. */
export async function until(probe: () => Promise<boolean>, child?: Child): Promise<void> {
  let last: unknown
  for (let tries = 0; tries < 1_200; tries += 1) {
    try {
      if (await probe()) return
    } catch (cause) {
      last = cause
    }
    const end = child?.ended()
    if (end !== undefined) throw new Error(end)
    await pause(50)
  }
  throw new Error('it took longer than a minute', { cause: last })
}

/** Prints a table, the first column to the left and the others to the right. */
export function printTable(head: readonly string[], rows: readonly (readonly string[])[]): void {
  const all = [head, ...rows]
  const widths = head.map((_, column) => Math.max(...all.map(row => row[column]?.length ?? 0)))
  const pad = (cell: string, column: number): string =>
    column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)
  const rule = widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`))
  const [first = [], ...others] = all.map(row => row.map(pad))
  for (const row of [first, rule, ...others]) process.stdout.write(`| ${row.join(' | ')} |\n`)
}
