import { parseArgs } from 'node:util'
import { StartError } from './start-error.ts'

const help = `sluice: the layer between a product and the models it calls

  sluice serve [--config FILE] [--host HOST] [--port PORT] [--data DIR]
      Serves on http://127.0.0.1:4000, with everything embedded. Without a file, providers
      whose API keys are in the environment are there, and the simulator.
  sluice sim [--port PORT] [--seed SEED]
      A simulated provider with a bill at /bill; see docs/simulator.md.
  sluice check-config FILE
      Says what is wrong with a configuration file, and where.
  sluice migrate [--config FILE] [--data DIR]
      Brings the database to this version; serve does so by itself.
  sluice keys create|list|revoke [--url URL] [--data DIR] …
      Manages keys of a running Sluice.
  sluice prices update|diff|check [FILE|URL] [--config FILE] [--data DIR] …
      Brings newer published prices, says what they change, finds targets without a price.
`

type Command = (args: string[]) => Promise<number | undefined>

/** Each loads what it needs, and no more: a client of a running Sluice is not to wait for a server's modules. */
const commands: Readonly<Record<string, Command>> = {
  serve: async args => {
    const { values } = parseArgs({
      args,
      options: {
        config: { type: 'string', short: 'c' },
        host: { type: 'string' },
        port: { type: 'string', short: 'p' },
        data: { type: 'string' },
      },
    })
    const { serve } = await import('./serve.ts')
    const { stopOnSignal } = await import('./stop-on-signal.ts')
    const server = await serve({
      configFile: values.config,
      host: values.host,
      port: readPort(values.port),
      dataDir: values.data,
      env: process.env,
    })
    stopOnSignal(() => server.stop())
    return undefined
  },
  sim: async args => {
    const { values } = parseArgs({
      args,
      options: { port: { type: 'string', short: 'p' }, host: { type: 'string' }, seed: { type: 'string' } },
    })
    const { simulate } = await import('./sim.ts')
    const { stopOnSignal } = await import('./stop-on-signal.ts')
    const simulator = await simulate({ host: values.host, port: readPort(values.port), seed: values.seed })
    stopOnSignal(() => simulator.close())
    return undefined
  },
  'check-config': async args => await (await import('./check-config.ts')).checkConfig(args, process.env),
  migrate: async args => {
    const { values } = parseArgs({
      args,
      options: { config: { type: 'string', short: 'c' }, data: { type: 'string' } },
    })
    const { migrateDatabase } = await import('./migrate.ts')
    return await migrateDatabase({ configFile: values.config, dataDir: values.data, env: process.env })
  },
  keys: async args => await (await import('./keys-client.ts')).runKeys(args, process.env),
  prices: async args => await (await import('./prices.ts')).runPrices(args, process.env),
}

function readPort(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const port = Number(text)
  if (/^\d+$/.test(text) && port <= 65_535) return port
  throw new StartError(`--port takes a number from 0 to 65535, not \`${text}\`.`)
}

async function main([name = 'help', ...args]: string[]): Promise<number | undefined> {
  if (['help', '--help', '-h'].includes(name) || args.includes('--help')) {
    process.stdout.write(help)
    return 0
  }
  const command = commands[name]
  if (!command) {
    process.stderr.write(`There is no command \`${name}\`.\n\n${help}`)
    return 2
  }
  try {
    return await command(args)
  } catch (cause) {
    const isUsage =
      cause instanceof TypeError && 'code' in cause && String(cause.code).startsWith('ERR_PARSE_ARGS')
    if (!(cause instanceof StartError) && !isUsage) throw cause
    process.stderr.write(`${cause.message}\n`)
    return isUsage ? 2 : 1
  }
}

const code = await main(process.argv.slice(2))
if (code !== undefined) process.exit(code)
