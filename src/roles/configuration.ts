import { readFileSync } from 'node:fs'
import { type Environment, type Log, renderProblems, systemClock, watchFile } from '#platform'
import { vendors } from '#providers'
import { type Config, configFromEnvironment, readConfig } from './config.ts'
import { StartError } from './start-error.ts'

export interface ConfigurationSource {
  /** Absent: what the environment has. */
  configFile: string | undefined
  env: Environment
}

const ollamaTimeoutMs = 300

/** The configuration to start with; a `StartError` says all that is wrong with it. */
export async function loadConfiguration({
  configFile,
  env,
}: ConfigurationSource): Promise<{ config: Config }> {
  if (configFile === undefined) return { config: configFromEnvironment(env, { ollama: await findOllama() }) }
  const text = readText(configFile)
  const loaded = readConfig({ text, file: configFile, env })
  if (!loaded.ok) throw new StartError(renderProblems(loaded.problems, text))
  return { config: loaded.config }
}

/**
 * Reloads on a change of the file and on SIGHUP. A broken file changes nothing and is reported; settings that only
 * a start can change are named in a warning. The returned function stops it.
 */
export function followConfiguration(
  { configFile, env }: ConfigurationSource,
  log: Log,
  onChange: (next: Config) => void,
): () => void {
  if (configFile === undefined) return () => undefined
  const atStart = loadAgain({ configFile, env })
  const reload = (text: string): void => {
    const loaded = readConfig({ text, file: configFile, env })
    if (!loaded.ok) {
      const problems = loaded.problems.map(({ line, path, message, hint }) => ({ line, path, message, hint }))
      return log.error(
        { file: configFile, problems },
        'the configuration is broken; the old one stays in force',
      )
    }
    try {
      onChange(loaded.config)
    } catch (cause) {
      return log.error(
        { err: cause, file: configFile },
        'the configuration cannot be used; the old one stays in force',
      )
    }
    log.level = loaded.config.log_level
    log.info({ file: configFile }, 'the configuration was reloaded')
    const settings = atStart ? changedForNextStart(atStart, loaded.config) : []
    if (settings.length > 0)
      log.warn(
        { file: configFile, settings },
        'these settings were changed, and need a restart to take effect',
      )
  }
  const onSignal = (): void => {
    try {
      reload(readText(configFile))
    } catch (cause) {
      if (!(cause instanceof StartError)) throw cause
      log.error({ file: configFile }, `${cause.message} The old one stays in force.`)
    }
  }
  process.on('SIGHUP', onSignal)
  const unwatch = watchFile(configFile, systemClock, reload)
  return () => {
    process.off('SIGHUP', onSignal)
    unwatch()
  }
}

/** The configuration as it is in the file now; undefined when it is gone or broken by now. */
function loadAgain({ configFile = '', env }: ConfigurationSource): Config | undefined {
  try {
    const loaded = readConfig({ text: readText(configFile), file: configFile, env })
    return loaded.ok ? loaded.config : undefined
  } catch {
    return undefined // it is followed all the same, and found when it is back
  }
}

/** What is built once, when the program starts. */
const startSettings: Readonly<Record<string, (config: Config) => unknown>> = {
  listen: config => config.listen,
  data: config => config.data,
  database: config => config.database,
  'calls.users_per_hour': config => config.calls.users_per_hour,
  'requests.max_body': config => config.requests.max_body,
  'requests.header_timeout': config => config.requests.header_timeout,
  'requests.body_timeout': config => config.requests.body_timeout,
}

function changedForNextStart(atStart: Config, now: Config): string[] {
  return Object.entries(startSettings).flatMap(([name, read]) => (read(atStart) === read(now) ? [] : [name]))
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EISDIR: 'it is a folder',
  EACCES: 'its permissions do not allow it',
  ENOTDIR: 'a part of its path is no folder',
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)
    throw new StartError(`The configuration ${file} cannot be read: ${reasons[code] ?? code}.`)
  }
}

async function findOllama(): Promise<boolean> {
  const baseUrl = vendors.ollama?.baseUrl
  if (typeof baseUrl !== 'string') return false
  return await fetch(`${baseUrl}/models`, { signal: AbortSignal.timeout(ollamaTimeoutMs) }).then(
    response => response.ok,
    () => false,
  )
}
