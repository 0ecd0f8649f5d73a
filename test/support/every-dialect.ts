import { startSimulator } from './simulator.ts'
import { type Sluice, startSluice } from './sluice.ts'

export interface EveryDialect {
  sluice: Sluice
  /** A virtual key that may use everything. */
  key: string
  simulator: Awaited<ReturnType<typeof startSimulator>>
}

/** One Sluice before one simulator that it reaches in every dialect: a call to `chat/sim-1` is asked for in chat. */
export async function startEveryDialect(extra = ''): Promise<EveryDialect> {
  const key = 'sk-test-every-dialect-0123456789'
  const simulator = await startSimulator()
  const sluice = await startSluice({
    config: `
providers:
  chat: { dialect: openai, base_url: ${simulator.url}, api_key: k, retries: 0 }
  responses: { dialect: openai-responses, base_url: ${simulator.url}, api_key: k, retries: 0 }
  messages: { dialect: anthropic, base_url: ${simulator.url}, api_key: k, retries: 0 }
  gemini: { dialect: gemini, base_url: ${simulator.url}beta, api_key: k, retries: 0 }
keys:
  - { name: web, key: ${key}, organization: acme, project: shop }
${extra}`,
  })
  return { sluice, key, simulator }
}
