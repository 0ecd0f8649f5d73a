import { parseArgs } from 'node:util'
import { loadConfiguration } from './configuration.ts'
import { StartError } from './start-error.ts'

/** `sluice check-config FILE`: exit code 0 when Sluice would start with it, 1 when not. */
export async function checkConfig(
  args: string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<number> {
  const { positionals } = parseArgs({ args, allowPositionals: true })
  const [configFile, ...others] = positionals
  if (configFile === undefined || others.length > 0)
    throw new StartError('Name one file: sluice check-config sluice.yaml')
  await loadConfiguration({ configFile, env })
  process.stdout.write(`${configFile} is fine.\n`)
  return 0
}
