import assert from 'node:assert/strict'
import { startEveryDialect } from './every-dialect.ts'
import type { Simulator } from './simulator.ts'
import type { Sluice } from './sluice.ts'
import { startUpstream, type Upstream } from './upstream.ts'

/** The providers of `startEveryDialect`, each with a model whose name has the newest traits of its house. */
export const newestModels = {
  chat: 'sim-1',
  responses: 'sim-1',
  messages: 'claude-opus-4-6',
  gemini: 'gemini-3-flash',
} as const

export type ProviderName = keyof typeof newestModels
export const providerNames = Object.keys(newestModels) as ProviderName[]

/** One pixel; what the media server gives at `/v1/pixel.png`. */
export const pixel =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='

/** A page; what the media server gives at `/v1/page.pdf`. */
export const page = Buffer.from(
  '%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n',
).toString('base64')

export interface Billed {
  n: number
  outcome: string
  stream: boolean
  status: number
  input_tokens: number
  cached_input_tokens: number
  output_tokens: number
  reasoning_tokens: number
}

export interface ScriptedDialects {
  sluice: Sluice
  simulator: Simulator
  key: string
  media: Upstream
  /** The name of a model whose calls follow a script: SDKs that put it into the path refuse a `?` in it. */
  model(provider: ProviderName, script?: string): string
  /** The last line of the simulator's bill. */
  lastBilled(): Promise<Billed>
  /** The body that a provider was sent last. */
  lastAsked(): Promise<{ path: string; headers: Record<string, string>; body: Record<string, unknown> }>
}

/** `startEveryDialect`, with a model for each script at each provider, and a server of images on loopback. */
export async function startScriptedDialects(
  scripts: Readonly<Record<string, string>>,
  extra = '',
): Promise<ScriptedDialects> {
  const media = await startMedia()
  const names = Object.entries({ plain: '', ...scripts })
  const aliases = providerNames.flatMap(provider =>
    names.map(([name, script]) => {
      const target = `${provider}/${newestModels[provider]}${script === '' ? '' : `?${script}`}`
      return `  ${provider}-${name}: { targets: [${JSON.stringify(target)}] }`
    }),
  )
  const { sluice, simulator, key } = await startEveryDialect(
    `models:\n${aliases.join('\n')}\negress: { allow_hosts: ["${new URL(media.url).host}"] }\n${extra}`,
  )
  const ask = async (path: string): Promise<Record<string, unknown>> =>
    (await (await fetch(new URL(path, simulator.url))).json()) as Record<string, unknown>
  const lastBilled = async (): Promise<Billed> => {
    const { requests } = (await ask('/bill?limit=10000')) as { requests: Billed[] }
    const last = requests.at(-1)
    assert.ok(last, 'something was billed')
    return last
  }
  return {
    sluice,
    simulator,
    key,
    media,
    model: (provider, script = 'plain') => `${provider}-${script}`,
    lastBilled,
    async lastAsked() {
      const { n } = await lastBilled()
      const { requests } = (await ask(`/bill/asked?after=${n - 1}`)) as {
        requests: { path: string; headers: Record<string, string>; body: Record<string, unknown> }[]
      }
      const last = requests.at(-1)
      assert.ok(last, 'something was asked')
      return last
    },
  }
}

async function startMedia(): Promise<Upstream> {
  return await startUpstream(({ path }, response) => {
    const isPage = path.endsWith('.pdf')
    response.writeHead(200, { 'content-type': isPage ? 'application/pdf' : 'image/png' })
    response.end(Buffer.from(isPage ? page : pixel, 'base64'))
  })
}
