import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runToEnd } from '../child.ts'
import type { Contestant, Launch, Seat } from '../contestant.ts'

const version = '1.106.2'
const folder = fileURLToPath(new URL(`../.cache/litellm/${version}/`, import.meta.url))
const program = join(folder, 'bin/litellm')
const key = 'sk-bench-not-a-secret'

// A distribution builds its Python with profile-guided optimisation; one that had been compiled on the spot without
// it took 1.4 times as long for a plain loop where this was written, and that is not what is to be measured.
const pythons = ['/usr/bin/python3', 'python3']

/** LiteLLM's proxy from PyPI with its master key and without a database: its lightest way of running. */
export const litellm: Contestant = {
  name: 'litellm',
  does: `${version}, one worker (its default); master key checked, priced in memory, no database: no record`,
  model: 'gpt-5-mini',
  headers: () => [`authorization: Bearer ${key}`],
  prepare,
  launch,
}

async function prepare(say: (line: string) => void): Promise<string> {
  if (!existsSync(program)) {
    say(`installing LiteLLM ${version} (750 MB, about a minute, once)`)
    await install()
  }
  return await runToEnd(join(folder, 'bin/python3'), ['--version'])
}

async function install(): Promise<void> {
  const complaints: string[] = []
  for (const python of pythons) {
    rmSync(folder, { recursive: true, force: true })
    try {
      await runToEnd(python, ['-m', 'venv', folder])
      await runToEnd(join(folder, 'bin/pip'), ['install', '--quiet', `litellm[proxy]==${version}`])
      return
    } catch (cause) {
      complaints.push(cause instanceof Error ? cause.message : String(cause))
    }
  }
  rmSync(folder, { recursive: true, force: true })
  throw new Error(complaints.join('; '))
}

function launch(seat: Seat): Launch {
  const config = join(seat.folder, 'litellm.yaml')
  writeFileSync(config, configuration(seat.upstream))
  return {
    command: program,
    args: ['--config', config, '--host', '127.0.0.1', '--port', String(seat.port)],
    // Without the second one it fetches its price list from the network at each start.
    env: { LITELLM_LOG: 'ERROR', LITELLM_LOCAL_MODEL_COST_MAP: 'True', LITELLM_MODE: 'PRODUCTION' },
  }
}

function configuration(upstream: string): string {
  return `model_list:
  - model_name: gpt-5-mini
    litellm_params: { model: openai/gpt-5-mini, api_base: "${upstream}/v1", api_key: x }
litellm_settings:
  telemetry: false
general_settings:
  master_key: ${key}
`
}
