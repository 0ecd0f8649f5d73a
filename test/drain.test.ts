import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { before, describe, it } from 'node:test'
import OpenAI from 'openai'
import { callOfFeature } from './support/call-log.ts'
import { testDatabases } from './support/databases.ts'
import { eventually } from './support/eventually.ts'
import { type Simulator, startSimulator } from './support/simulator.ts'
import { type Sluice, startSluice } from './support/sluice.ts'

const key = 'sk-test-web-0123456789'
/** Its answer is larger than what the sockets of a loopback connection take. */
const longAsk = { model: 'up/sim-1?tokens=100000', n: 16 }
const messages = [{ role: 'user' as const, content: 'What about lighthouses?' }]

for (const engine of testDatabases()) {
  describe(`SIGTERM (${engine.name})`, () => {
    let simulator: Simulator
    let database: string | undefined
    let sluice: Sluice
    /** By feature: what must be on record of the calls that the tests made. */
    const expected = new Map<string, { status: string; code: string | null; billed: string }>()

    before(async () => {
      simulator = await startSimulator()
      database = await engine.fresh()
      sluice = await startSluice({ config: configuration('20s') })
    })

    const configuration = (drain: string): string => `
providers:
  up: { vendor: sim, base_url: ${simulator.url} }
requests: { drain: ${drain} }
keys:
  - { name: web, key: ${key}, organization: acme, project: shop }
${database ? `database: ${database}` : ''}`

    /** Who reads slowly or not at all, and who is impatient, is no matter of the store. */
    const readers = engine.name === 'embedded'

    const start = async (drain: string): Promise<void> => {
      await writeFile(sluice.configFile, configuration(drain))
      await sluice.restart()
    }

    it('lets what runs end whole, and who reads slowly read to the end; takes nothing new, and leaves with code 0', async () => {
      const slow = readers && (await post('slow-reader', longAsk))
      const streams = await Promise.all(
        Array.from({ length: 8 }, async (_, n) => await beginStream(`whole-${n}`, 'tokens=100&pace=20ms')),
      )
      const ask = { model: 'up/sim-1?tokens=80&pace=20ms', messages }
      const plain = call('whole-plain').chat.completions.create(ask)
      const answered = plain.then(({ choices }) => choices[0]?.finish_reason)
      await underWay('whole-')
      let ended = false
      const ending = sluice.stop().finally(() => {
        ended = true
      })
      await draining()
      assert.equal(await status('/healthz'), 200)
      await assert.rejects(call('late').chat.completions.create(ask), isShuttingDown)
      for (const { rest } of streams) assert.equal((await rest).finish, 'stop')
      assert.equal(await answered, 'stop')
      if (slow) {
        assert.ok(!ended, 'it waits for the slow reader')
        const { choices } = JSON.parse(await textOf(slow)) as { choices: unknown[] }
        assert.equal(choices.length, longAsk.n)
      }
      assert.deepEqual(await ending, { code: 0, signal: null })
      assert.equal(expected.size, 10)
      expected.delete('late') // it was not taken
      for (const feature of expected.keys()) expect(feature, 'succeeded', null, 'ended')
      if (slow) expect('slow-reader', 'succeeded', null, 'ended')
    })

    it('cuts what still runs at the end of its time, with an error that no SDK takes for an end, and waits no longer for who never reads', async () => {
      await start('500ms')
      if (readers) {
        await post('deaf', longAsk)
        await post('deaf-stream', { model: 'up/sim-1?tokens=100000', stream: true })
        expect('deaf', 'succeeded', null, 'ended')
        expect('deaf-stream', 'failed', 'shutting_down', 'cut')
      }
      const streams = await Promise.all([
        beginStream('cut-stream', 'tokens=900&pace=50ms'),
        beginStream('cut-stalled', 'fail=stall&after=3'),
      ])
      const ask = { model: 'up/sim-1?ttft=60s', messages }
      const unanswered = [
        refusal(call('cut-before-token').chat.completions.create({ ...ask, stream: true })),
        refusal(call('cut-before-answer').chat.completions.create(ask)),
      ]
      await underWay('cut-')
      const ending = sluice.stop()
      for (const { rest } of streams) {
        const { error } = await rest
        assert.ok(isShuttingDown(error), `the SDK threw ${error}`)
      }
      for (const answer of unanswered) {
        const error = await answer
        assert.ok(isShuttingDown(error) && error.status === 503, `the SDK threw ${error}`)
      }
      assert.deepEqual(await ending, { code: 0, signal: null })
      for (const feature of ['cut-stream', 'cut-stalled', 'cut-before-token', 'cut-before-answer']) {
        expect(feature, 'failed', 'shutting_down', 'cut')
      }
    })

    it('given twice ends it at once', { skip: !readers && 'no matter of the store' }, async () => {
      await start('20s')
      const { rest } = await beginStream('broken-off', 'tokens=900&pace=50ms')
      let ended = false
      const ending = sluice.stop().finally(() => {
        ended = true
      })
      await draining()
      // More than once: a terminal and a package manager may each pass on the same Ctrl-C, which is none.
      await eventually('it has ended', () => {
        void sluice.stop()
        return ended
      })
      assert.notEqual((await ending).code, 0)
      assert.ok((await rest).error, 'a stream that was broken off is no whole one')
      expect('broken-off', 'unknown', 'process_lost', 'cut')
    })

    it('leaves every call on record as it ended, and every request closed at the provider', async () => {
      await start('20s')
      for (const [feature, { billed, ...end }] of expected) {
        const { status, code, attempts, usage } = await callOfFeature(sluice, feature)
        assert.deepEqual({ status, code }, { status: end.status, code: end.code }, feature)
        assert.equal(attempts.length, 1)
        const line = await billLine(feature)
        assert.equal(line.outcome, billed, feature)
        if (status === 'succeeded') assert.equal(usage.output_tokens, line.output_tokens)
        if (status === 'failed') assert.ok(usage.input_tokens, `${feature}: what was used is on record`)
      }
      await assert.rejects(billLine('late'), 'what came too late was never sent')
    })

    function expect(feature: string, status: string, code: string | null, billed: string): void {
      expected.set(feature, { status, code, billed })
    }

    function call(feature: string): OpenAI {
      expect(feature, 'succeeded', null, 'ended')
      const headers = { 'x-sluice-feature': feature, 'x-sim-request': feature }
      return new OpenAI({ baseURL: `${sluice.url}/v1`, apiKey: key, maxRetries: 0, defaultHeaders: headers })
    }

    /** Resolves once the first piece is there, with a promise of the rest, which is read as it comes. */
    async function beginStream(feature: string, script: string): Promise<{ rest: Promise<StreamEnd> }> {
      const ask = { model: `up/sim-1?${script}`, messages, stream: true } as const
      const stream = await call(feature).chat.completions.create(ask)
      const chunks = stream[Symbol.asyncIterator]()
      await chunks.next()
      return { rest: readToEnd(chunks) }
    }

    /** The calls of all features that begin so. */
    async function underWay(prefix: string): Promise<void> {
      const features = [...expected.keys()].filter(feature => feature.startsWith(prefix))
      await eventually(`${features} are with the provider`, async () => {
        const { requests } = (await simulator.bill()) as Bill
        const running = requests.filter(({ outcome }) => outcome === 'running').map(({ tag }) => tag ?? '')
        return features.every(feature => running.includes(feature))
      })
    }

    async function billLine(tag: string): Promise<Bill['requests'][number]> {
      const { requests } = (await simulator.bill()) as Bill
      const [line, ...more] = requests.filter(request => request.tag === tag)
      assert.ok(line && more.length === 0, `${tag} is on the bill once`)
      return line
    }

    async function draining(): Promise<void> {
      await eventually('it drains', async () => (await status('/readyz')) === 503)
    }

    async function status(path: string): Promise<number> {
      const answer = await fetch(sluice.url + path)
      await answer.arrayBuffer()
      return answer.status
    }

    /** Sends a call and gives its answer as soon as that begins: nothing of it is read before somebody does. */
    async function post(feature: string, ask: object): Promise<IncomingMessage> {
      const headers = {
        authorization: `Bearer ${key}`,
        'content-type': 'application/json',
        'x-sluice-feature': feature,
        'x-sim-request': feature,
      }
      return await new Promise((resolve, reject) => {
        const request = httpRequest(`${sluice.url}/v1/chat/completions`, { method: 'POST', headers }, resolve)
        request.once('error', reject)
        request.end(JSON.stringify({ messages, ...ask }))
      })
    }
  })
}

interface StreamEnd {
  finish?: string | undefined
  error?: unknown
}

interface Bill {
  requests: { tag: string | null; outcome: string; output_tokens: number }[]
}

async function readToEnd(
  chunks: AsyncIterator<OpenAI.Chat.Completions.ChatCompletionChunk>,
): Promise<StreamEnd> {
  let finish: string | undefined
  try {
    for (let next = await chunks.next(); !next.done; next = await chunks.next()) {
      finish = next.value.choices[0]?.finish_reason ?? finish
    }
    return { finish }
  } catch (error) {
    return { error }
  }
}

async function textOf(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of answer) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

async function refusal(answer: PromiseLike<unknown>): Promise<unknown> {
  return await Promise.resolve(answer).then(
    () => assert.fail('it was answered'),
    (cause: unknown) => cause,
  )
}

function isShuttingDown(cause: unknown): cause is InstanceType<typeof OpenAI.APIError> {
  return cause instanceof OpenAI.APIError && cause.code === 'shutting_down'
}
