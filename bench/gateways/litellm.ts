import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runToEnd } from '../child.ts'
import type { Contestant, Launch, Seat } from '../contestant.ts'
import { litellmEnvironment, litellmProxyFolder, litellmVersion } from '../litellm-environment.ts'

const program = join(litellmProxyFolder, 'bin/litellm')
const key = 'sk-bench-not-a-secret'

/** LiteLLM's proxy from PyPI with its master key and without a database: its lightest way of running. */
export const litellm: Contestant = {
  name: 'litellm',
  does: `${litellmVersion}, one worker (its default); master key checked, priced in memory, no database: no record`,
  model: 'gpt-5-mini',
  headers: () => [`authorization: Bearer ${key}`],
  prepare,
  launch,
}

async function prepare(say: (line: string) => void): Promise<string> {
  const folder = await litellmEnvironment('proxy', say)
  return await runToEnd(join(folder, 'bin/python3'), ['--version'])
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
