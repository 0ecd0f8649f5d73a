import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { before, describe, it } from 'node:test'
import OpenAI from 'openai'
import { compareBooks, forgetLiving, readBooks } from './durability.books.ts'
import { Crowd } from './durability.crowd.ts'
import { layWire, type Wire } from './store-outage.proxy.ts'
import { temporaryFolder } from './support/cleanup.ts'
import { testDatabases } from './support/databases.ts'
import { eventually } from './support/eventually.ts'
import { type Simulator, startSimulator } from './support/simulator.ts'
import { type Sluice, startSluice } from './support/sluice.ts'

const server = testDatabases().find(({ name }) => name === 'postgres')
const skip = server ? false : 'SLUICE_TEST_DATABASE_URL does not name a real Postgres'

/** Statements have 2 s, and a call may have to wait for one that began before it; the rest is for a busy machine. */
const deadlineMs = 5_500
const callers = 16
/** Keys in the configuration are known without the database: their callers come as far as the call log. */
const adminKey = 'sk-test-admin-0123456789'
const configuredKey = 'sk-test-web-0123456789'

describe('an outage of the database', { skip }, () => {
  let simulator: Simulator
  let url: string
  let wire: Wire
  let sluice: Sluice
  let key: string

  before(async () => {
    simulator = await startSimulator()
    url = (await server?.fresh()) ?? ''
    wire = await layWire(url)
    const dataDir = await temporaryFolder()
    await writeFile(join(dataDir, 'admin-key'), adminKey)
    sluice = await startSluice({
      dataDir,
      config: `
providers:
  up: { vendor: sim, base_url: ${simulator.url} }
database: ${wire.url}
calls: { content: all }
admin_key: ${adminKey}
keys:
  - { name: configured, key: ${configuredKey}, organization: acme, project: shop }`,
    })
    const made = await ask('/sluice/v1/keys', { method: 'POST', body: JSON.stringify({ name: 'web' }) })
    key = (made.json as { key: string }).key
  })

  for (const [how, begin] of [
    ['stalled', () => wire.stall()],
    ['cut', () => wire.cut()],
  ] as const) {
    it(`(${how}) costs nobody more than a clear refusal in time, and is over by itself`, async () => {
      const crowds = [key, configuredKey].map((key, n) => {
        const name = `${how}-${n}`
        return new Crowd({ url: sluice.url, key, callers, name, script: () => 'tokens=8&pace=1ms' })
      })
      const answers = (): number => Math.min(...crowds.map(({ whole }) => whole))
      await eventually('all is well', () => answers() > 30)
      // One ends while the database is away, one when it is back.
      const streams = [await beginStream(`${how}-100001`, 80), await beginStream(`${how}-100002`, 450)]
      begin()
      const outage = crowds.map(({ heard }) => heard.length)

      await eventually('not ready', async () => (await ask('/readyz')).status === 503)
      for (const path of ['/healthz', '/metrics']) assert.equal((await ask(path)).status, 200)
      // Longer than the 3 s for which a key is known.
      await eventually('enough refusals', () =>
        crowds.every(({ heard }, n) => heard.length > (outage[n] ?? 0) + callers * 2),
      )
      const told = await Promise.all(pages.map(async path => ({ path, ...(await ask(path)) })))
      for (const { path, status, json, tookMs } of told)
        checkRefusal(path, { status, code: (json as { error?: { code: string } }).error?.code, tookMs })
      assert.equal(await streams[0]?.finish, 'stop', 'what runs goes on')

      wire.mend()
      await eventually('ready again', async () => (await ask('/readyz')).status === 200)
      const before = answers()
      await eventually('answers again', () => answers() > before + 30)
      const heard = (await Promise.all(crowds.map(crowd => crowd.stop()))).flat()
      assert.equal(await streams[1]?.finish, 'stop', 'what runs goes on')

      for (const { tag, end, ...refusal } of heard) if (end !== 'whole') checkRefusal(tag, refusal)
      const books = await readBooks(sluice, simulator, how)
      compareBooks(books)
      const succeeded = books.calls.filter(({ status }) => status === 'succeeded')
      const whole = heard.filter(({ end }) => end === 'whole')
      assert.equal(succeeded.length, whole.length + streams.length, 'whoever was answered is on record')
      const others = books.calls.filter(({ status }) => status !== 'succeeded')
      for (const call of others) assert.deepEqual([call.status, call.code], ['refused', 'store_unavailable'])
    })
  }

  it('keeps no process from stopping, and loses no attempt with it', async () => {
    const streams = [await beginStream('stopping-1', 40), await beginStream('stopping-2', 60)]
    wire.stall()
    for (const { finish } of streams) assert.equal(await finish, 'stop')
    const beganAtMs = performance.now()
    assert.deepEqual(await sluice.stop(), { code: 0, signal: null })
    assert.ok(performance.now() - beganAtMs < 4 * deadlineMs)
    wire.mend()
    await forgetLiving(url)
    await sluice.restart()
    const books = await readBooks(sluice, simulator, 'stopping')
    compareBooks(books)
    // What was on the wire may still arrive: their ends are known then.
    assert.equal(books.calls.length, streams.length)
    for (const { status } of books.calls) assert.match(status, /^(succeeded|unknown)$/)
  })

  /** Resolves once the stream runs, with the promise of how it ends. */
  async function beginStream(tag: string, tokens: number): Promise<{ finish: Promise<unknown> }> {
    const headers = { 'x-sluice-feature': tag, 'x-sim-request': tag }
    const client = new OpenAI({
      baseURL: `${sluice.url}/v1`,
      apiKey: key,
      maxRetries: 0,
      defaultHeaders: headers,
    })
    const stream = await client.chat.completions.create({
      model: `up/sim-1?tokens=${tokens}&pace=20ms`,
      stream: true,
      messages: [{ role: 'user', content: 'What about lighthouses?' }],
    })
    const readOn = async (): Promise<unknown> => {
      let finish: unknown
      for await (const { choices } of stream) finish = choices[0]?.finish_reason ?? finish
      return finish
    }
    return { finish: readOn().catch((cause: unknown) => cause) }
  }

  async function ask(path: string, init: RequestInit = {}): Promise<Told> {
    const beganAtMs = performance.now()
    const headers = { authorization: `Bearer ${sluice.adminKey}`, 'content-type': 'application/json' }
    const answer = await fetch(sluice.url + path, { ...init, headers })
    const text = await answer.text()
    const json: unknown = text.startsWith('{') ? JSON.parse(text) : undefined
    return { status: answer.status, json, tookMs: performance.now() - beganAtMs }
  }
})

/** Whatever reads the database; of each domain one at least. */
const pages = [
  '/sluice/v1/keys',
  '/sluice/v1/organizations',
  '/sluice/v1/calls',
  `/sluice/v1/calls/call_${'0'.repeat(32)}`,
  '/sluice/v1/usage',
  '/sluice/v1/costs',
  '/sluice/v1/ledger',
  '/sluice/v1/ledger/export',
  '/sluice/v1/audit',
  '/sluice/v1/alerts',
  '/sluice/v1/alerts/silences',
  `/v1/responses/resp_${'0'.repeat(32)}`,
]

interface Told {
  status: number
  json: unknown
  tookMs: number
}

function checkRefusal(
  who: string,
  told: { status?: number; code?: string | undefined; tookMs: number },
): void {
  assert.deepEqual([told.status, told.code], [503, 'store_unavailable'], who)
  assert.ok(told.tookMs < deadlineMs, `${who} waited ${told.tookMs} ms`)
}
