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
 * Reloads on a change of the file and on SIGHUP. A broken file changes nothing and is reported. The returned
 * function stops it.
 */
export function followConfiguration(
  { configFile, env }: ConfigurationSource,
  log: Log,
  onChange: (next: Config) => void,
): () => void {
  if (configFile === undefined) return () => undefined
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
      log.info({ file: configFile }, 'the configuration was reloaded')
    } catch (cause) {
      log.error(
        { err: cause, file: configFile },
        'the configuration cannot be used; the old one stays in force',
      )
    }
  }
  const onSignal = (): void => {
    try {
      reload(readFileSync(configFile, 'utf8'))
    } catch (cause) {
      log.error(
        { err: cause, file: configFile },
        'the configuration cannot be read; the old one stays in force',
      )
    }
  }
  process.on('SIGHUP', onSignal)
  const unwatch = watchFile(configFile, systemClock, reload)
  return () => {
    process.off('SIGHUP', onSignal)
    unwatch()
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : cause
    const reason =
      code === 'ENOENT' ? 'there is no such file' : code === 'EISDIR' ? 'it is a folder' : String(code)
    throw new StartError(`The configuration ${file} cannot be read: ${reason}.`)
  }
}

async function findOllama(): Promise<boolean> {
  const baseUrl = vendors.ollama?.baseUrl
  if (baseUrl === undefined) return false
  return await fetch(`${baseUrl}/models`, { signal: AbortSignal.timeout(ollamaTimeoutMs) }).then(
    response => response.ok,
    () => false,
  )
}
