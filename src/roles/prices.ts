import { parseArgs } from 'node:util'
import type { Config } from './config.ts'
import { loadConfiguration } from './configuration.ts'
import { checkConfiguredPrices } from './prices-check.ts'
import { type PriceFiles, priceFiles } from './prices-files.ts'
import { showChanges } from './prices-show.ts'
import { StartError } from './start-error.ts'

type Env = Readonly<Record<string, string | undefined>>

/** What a subcommand works on. */
export interface PricesTask {
  config: Config
  files: PriceFiles
  /** A file or an address; absent: the prices that come with this version. */
  source: string | undefined
  /** Of a running Sluice, and the data folder that has its admin key. */
  url: string
  env: Env
  olderThanDays: number
  all: boolean
  write(text: string): void
}

const usage = 'Say what to do: sluice prices update|diff [FILE|URL], or sluice prices check'

/** `sluice prices update|diff|check`: exit code 1 where `check` finds something. */
export async function runPrices(args: string[], env: Env): Promise<number> {
  const { positionals, values } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      config: { type: 'string', short: 'c' },
      data: { type: 'string' },
      url: { type: 'string' },
      all: { type: 'boolean' },
      'older-than': { type: 'string' },
    },
  })
  const [verb, source, ...others] = positionals
  const run = verb === undefined ? undefined : verbs[verb]
  if (!run || others.length > 0) throw new StartError(`${usage}.`)
  const { config } = await loadConfiguration({ configFile: values.config, env })
  return await run({
    config,
    files: priceFiles(values.data ?? config.data, config),
    source,
    url: values.url ?? env.SLUICE_URL ?? 'http://127.0.0.1:4000',
    env,
    olderThanDays: readDays(values['older-than']),
    all: values.all ?? false,
    write: text => void process.stdout.write(text),
  })
}

const verbs: Readonly<Record<string, (task: PricesTask) => Promise<number>>> = {
  async update(task) {
    const { files, source, write } = task
    if (source === undefined) {
      const removed = files.remove()
      write(
        removed
          ? `The prices are those of this version again, of ${files.own().origin.released}. They hold from the next start on.\n`
          : `The prices are those of this version already, of ${files.own().origin.released}.\n`,
      )
      return 0
    }
    const { text, prices } = await files.read(source)
    const inUse = files.inUse()
    if (prices.origin.released <= inUse.origin.released) {
      throw new StartError(
        `These prices are of ${prices.origin.released}, and those in use of ${inUse.origin.released}: nothing was changed.`,
      )
    }
    await showChanges(task, inUse, prices)
    files.keep(text)
    write(`Kept as ${files.path}. They hold from the next start on.\n`)
    return 0
  },
  async diff(task) {
    const { files, source } = task
    const after = source === undefined ? files.own() : (await files.read(source)).prices
    await showChanges(task, files.inUse(), after)
    return 0
  },
  check: async task => await checkConfiguredPrices(task),
}

function readDays(text: string | undefined): number {
  if (text === undefined) return 90
  const [, days] = /^(\d{1,5})d?$/.exec(text) ?? []
  if (days === undefined)
    throw new StartError(`--older-than takes a number of days such as 90, not \`${text}\`.`)
  return Number(days)
}
