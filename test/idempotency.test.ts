import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { join } from 'node:path'
import { before, describe, it } from 'node:test'
import fc from 'fast-check'
import OpenAI from 'openai'
import { readJson } from './durability.books.ts'
import { type CallOnRecord, callOnRecord } from './support/call-log.ts'
import { temporaryFolder } from './support/cleanup.ts'
import { testDatabases } from './support/databases.ts'
import { eventually } from './support/eventually.ts'
import { type Simulator, startSimulator } from './support/simulator.ts'
import { type Sluice, startSluice } from './support/sluice.ts'

const shop = 'sk-test-shop-0123456789'
const office = 'sk-test-office-0123456789'
const narrow = 'sk-test-narrow-0123456789'
const messages = [{ role: 'user' as const, content: 'What about lighthouses?' }]

interface Sent {
  key: string
  script?: string
  stream?: boolean
  as?: string
  path?: string
  /** Hangs up after so many bytes of the body; 0: as soon as the provider has been asked. */
  leaveAfter?: number
  to?: Sluice
}

interface Heard {
  status: number
  headers: IncomingHttpHeaders
  /** A character for each byte. */
  body: string
  whole: boolean
}

for (const engine of testDatabases()) {
  describe(`Idempotency-Key (${engine.name})`, () => {
    let simulator: Simulator
    let sluice: Sluice
    let config: string

    before(async () => {
      simulator = await startSimulator()
      const database = await engine.fresh()
      config = `
providers:
  up: { vendor: sim, base_url: ${simulator.url} }
keys:
  - { name: shop, key: ${shop}, organization: acme, project: shop, passthrough: true }
  - { name: office, key: ${office}, organization: acme, project: office }
  - { name: narrow, key: ${narrow}, organization: acme, project: shop, models: [up/other] }
idempotency: { max_answer: 64kb }
${database ? `database: ${database}` : ''}`
      sluice = await startSluice({ config })
    })

    it('gives a whole answer again: the same bytes, no attempt, no cost', async () => {
      const first = await send({ key: 'whole' })
      const again = await send({ key: 'whole' })
      assert.deepEqual([again.status, again.body], [200, first.body])
      assert.equal(first.headers['idempotent-replayed'], undefined)
      assert.equal(again.headers['idempotent-replayed'], 'true')
      assert.equal(again.headers['x-sluice-call'], first.headers['x-sluice-call'])
      assert.equal(again.headers['x-sluice-target'], first.headers['x-sluice-target'])
      assert.equal(again.headers['content-type'], first.headers['content-type'])
      assert.equal(again.headers['x-sluice-cost-usd'], '0')
      assert.notEqual(again.headers['x-request-id'], first.headers['x-request-id'])
      assert.equal(again.headers['x-ratelimit-remaining-requests'], undefined, 'which was of that moment')
      const call = await callBehind(again)
      assert.deepEqual(
        [call.status, call.attempts.length, call.cost.usd, call.usage.output_tokens],
        ['succeeded', 0, '0', null],
      )
      assert.equal(call.repeats, first.headers['x-sluice-call'], 'which call it repeats')
      assert.equal((await callBehind(first)).repeats, null)
      assert.equal(await billed('whole'), 1)
    })

    it('gives a stream again as a stream', async () => {
      const first = await send({ key: 'stream', stream: true })
      const again = await send({ key: 'stream', stream: true })
      assert.match(first.body, /data: \[DONE\]\n\n$/)
      assert.equal(again.body, first.body)
      assert.equal(again.headers['content-type'], first.headers['content-type'])
      assert.equal(await billed('stream'), 1)
    })

    it('lets a second request join a stream that runs, from its beginning', async () => {
      const script = 'tokens=30&pace=20ms'
      const first = send({ key: 'join', script, stream: true })
      await eventually('it runs', async () => (await billed('join')) === 1)
      const second = await send({ key: 'join', script, stream: true })
      assert.equal(second.body, (await first).body)
      assert.equal(second.headers['idempotent-replayed'], 'true')
      assert.equal(await billed('join'), 1)
    })

    it('makes ten requests that come together once', async () => {
      for (const stream of [false, true]) {
        const sent = { key: `ten-${stream}`, script: 'ttft=50ms&tokens=9', stream }
        const heard = await Promise.all(Array.from({ length: 10 }, () => send(sent)))
        assert.deepEqual([...new Set(heard.map(({ status, body }) => `${status} ${body}`))].length, 1)
        assert.equal(heard.filter(({ headers }) => headers['idempotent-replayed']).length, 9)
        assert.equal(await billed(sent.key), 1)
      }
    })

    it('refuses the key of another request, in words of the dialect', async () => {
      await send({ key: 'reused' })
      const body = await send({ key: 'reused', script: 'tokens=3' })
      assert.deepEqual([body.status, codeOf(body)], [422, 'idempotency_key_reused'])
      assert.equal(body.headers['x-should-retry'], 'false')
      const path = await send({ key: 'reused', path: '/v1/messages' })
      assert.equal(path.status, 422)
      assert.equal(JSON.parse(path.body).type, 'error')
      assert.equal(await billed('reused'), 1)
    })

    it('refuses a key that is none', async () => {
      for (const key of ['', 'x'.repeat(256), 'clé']) {
        const heard = await send({ key })
        assert.deepEqual([heard.status, codeOf(heard)], [400, 'invalid_request'], key)
        assert.match(heard.body, /1 to 255 printable/)
      }
      assert.equal((await send({ key: 'x'.repeat(255) })).status, 200)
    })

    it('keeps projects apart, and an answer from a key that may not use its model', async () => {
      const first = await send({ key: 'tenants' })
      const other = await send({ key: 'tenants', as: office })
      assert.notEqual(other.headers['x-sluice-call'], first.headers['x-sluice-call'])
      assert.equal(other.headers['idempotent-replayed'], undefined)
      assert.equal(await billed('tenants'), 2)
      const refused = await send({ key: 'tenants', as: narrow })
      assert.deepEqual([refused.status, codeOf(refused)], [403, 'model_not_allowed'])
    })

    it('makes a failed request anew', async () => {
      const early = { key: 'failed', script: 'fail=401&on=1&tokens=4' }
      assert.equal((await send(early)).status, 502)
      assert.equal((await send(early)).status, 200)
      assert.equal((await send(early)).headers['idempotent-replayed'], 'true')
      assert.equal(await billed('failed'), 2)

      const late = { key: 'broken', script: 'fail=eof&after=3&on=1&tokens=6', stream: true }
      assert.match((await send(late)).body, /provider_disconnected/)
      assert.match((await send(late)).body, /"finish_reason":"stop"/)
      assert.equal(await billed('broken'), 2)
    })

    it('tells those who joined a stream of its error', async () => {
      const sent = { key: 'joined-error', script: 'fail=eof&after=10&on=1&pace=20ms&tokens=20', stream: true }
      const first = send(sent)
      await eventually('it runs', async () => (await billed(sent.key)) === 1)
      const joined = await send(sent)
      assert.match(joined.body, /provider_disconnected/)
      assert.match((await first).body, /provider_disconnected/)
      assert.equal(await billed(sent.key), 1)
    })

    it('ends a call whose caller has left, and gives its answer to the retry', async () => {
      for (const stream of [false, true]) {
        const sent = { key: `left-${stream}`, script: 'ttft=40ms&tokens=10&pace=5ms', stream }
        await send({ ...sent, leaveAfter: 0 })
        const joined = await send(sent)
        const again = await send(sent)
        assert.equal(joined.headers['idempotent-replayed'], 'true')
        assert.ok(joined.whole && joined.body === again.body)
        assert.deepEqual(await outcomes(sent.key), ['ended'])
        assert.equal((await callBehind(joined)).attempts.length, 0)
        const first = await callOnRecord(sluice, String(again.headers['x-sluice-call']))
        assert.deepEqual([first.status, first.attempts.length], ['succeeded', 1])
      }
    })

    it('aborts a call without a key when its caller leaves, as ever', async () => {
      await send({ key: '', script: 'tokens=500&pace=20ms', stream: true, leaveAfter: 1 }, 'keyless')
      await eventually('it is cut', async () => (await outcomes('keyless')).join() === 'cut')
    })

    it('pays once wherever callers leave, and however often they return', async () => {
      const trip = fc.record({
        stream: fc.boolean(),
        tokens: fc.integer({ min: 1, max: 30 }),
        leaves: fc.array(fc.integer({ min: 0, max: 6000 }), { minLength: 1, maxLength: 3 }),
      })
      let made = 0
      await fc.assert(
        fc.asyncProperty(fc.array(trip, { minLength: 20, maxLength: 20 }), async trips => {
          await Promise.all(
            trips.map(async ({ stream, tokens, leaves }) => {
              made += 1
              const sent = { key: `random-${made}`, script: `tokens=${tokens}&pace=1ms`, stream }
              const heard: Heard[] = []
              for (const leaveAfter of leaves) heard.push(await send({ ...sent, leaveAfter }))
              const last = await send(sent)
              assert.ok(last.status === 200 && last.whole)
              for (const { body } of heard) assert.ok(last.body.startsWith(body), 'one and the same answer')
              assert.deepEqual(await outcomes(sent.key), ['ended'])
            }),
          )
        }),
        { numRuns: 10, endOnFailure: true },
      )
    })

    it('does not keep an answer that is too large, and does not make it twice', async () => {
      const sent = { key: 'large', script: 'tokens=2000', stream: true }
      assert.match((await send(sent)).body, /\[DONE\]\n\n$/)
      const again = await send(sent)
      assert.deepEqual([again.status, codeOf(again)], [409, 'idempotency_not_kept'])
      assert.equal(again.headers['x-should-retry'], 'false')
      assert.equal(await billed('large'), 1)
    })

    it('stops an answer that is too large once nobody reads it', async () => {
      const sent = { key: 'larger', script: 'tokens=100000&pace=1ms', stream: true }
      await send({ ...sent, leaveAfter: 1000 })
      await eventually('it is cut', async () => (await outcomes('larger')).join() === 'cut')
      const again = await eventually('it is known', async () => {
        const heard = await send(sent)
        return heard.status === 409 && heard
      })
      assert.equal(codeOf(again), 'idempotency_not_kept')
      assert.equal(await billed('larger'), 1)
    })

    it('holds for what is passed through to a provider, a form with its new boundary too', async () => {
      const upload = async (boundary: string): Promise<Response> =>
        await fetch(`${sluice.url}/v1/anything`, {
          method: 'POST',
          headers: {
            authorization: `Bearer ${shop}`,
            'idempotency-key': 'form',
            'x-sluice-provider': 'up',
            'content-type': `multipart/form-data; boundary=${boundary}`,
          },
          body: `--${boundary}\r\ncontent-disposition: form-data; name="a"\r\n\r\nb\r\n--${boundary}--\r\n`,
        })
      const statuses = [(await upload('one')).status, (await upload('two')).status]
      assert.deepEqual(statuses, [404, 404], 'a failure is made anew, and it is the same request')
    })

    it('is sent by the official SDK with its retries', async () => {
      const headers = { 'x-sim-request': 'sdk' }
      const client = new OpenAI({ baseURL: `${sluice.url}/v1`, apiKey: shop, defaultHeaders: headers })
      const ask = { model: 'up/sim-1?tokens=8', messages, stream: true } as const
      const read = async (): Promise<string> => {
        const options = { headers: { 'Idempotency-Key': 'sdk' } }
        let text = ''
        for await (const { choices } of await client.chat.completions.create(ask, options))
          text += choices[0]?.delta.content ?? ''
        return text
      }
      const first = await read()
      assert.ok(first.length > 0)
      assert.equal(await read(), first)
      assert.equal(await billed('sdk'), 1)
    })

    if (engine.name === 'postgres') {
      it('makes a request once on two replicas: the other one waits for the answer', async () => {
        const dataDir = await temporaryFolder()
        await writeFile(join(dataDir, 'admin-key'), sluice.adminKey)
        const other = await startSluice({ config, dataDir })
        const sent = { key: 'replicas', script: 'tokens=20&pace=20ms', stream: true }
        const heard = await Promise.all([sluice, other, sluice, other].map(to => send({ ...sent, to })))
        assert.equal(new Set(heard.map(({ status, body }) => `${status} ${body}`)).size, 1)
        assert.equal(heard[0]?.status, 200)
        assert.equal(await billed('replicas'), 1)
      })
    }

    const kept = { key: 'kept', stream: true }
    const died = { key: 'died', script: 'tokens=20&ttft=60s', stream: true }
    const drained = { key: 'drained', script: 'ttft=60s', stream: true }
    /** Asked again in vain: they end with the program. */
    const unanswered: Promise<unknown>[] = []
    let first: Heard

    it('gives an answer again after kill -9', async () => {
      first = await send(kept)
      // On a server, who has died is found out only later.
      const dies = engine.name === 'embedded' ? [send(died).catch(() => undefined)] : []
      await eventually('it runs', async () => (await billed('died')) === dies.length)
      await sluice.kill()
      await Promise.all(dies)
      await writeFile(sluice.configFile, `${config}\nrequests: { drain: 200ms }`)
      await sluice.restart()
      assert.equal((await send(kept)).body, first.body)
      assert.equal(await billed('kept'), 1)
    })

    if (engine.name === 'embedded') {
      it('makes a request anew whose process has died under it', async () => {
        unanswered.push(send(died).catch(() => undefined))
        await eventually('it runs again', async () => (await billed('died')) === 2)
      })
    }

    it('is cut off by a drain, although its caller has left, and then made anew', async () => {
      await send({ ...drained, leaveAfter: 0 })
      const joined = send(drained)
      await underWayAt(engine.name === 'embedded' ? 3 : 2)
      assert.deepEqual(await sluice.stop(), { code: 0, signal: null })
      assert.match((await joined).body, /shutting_down/)
      await sluice.restart()
      unanswered.push(send(drained).catch(() => undefined))
      await eventually('it is made anew', async () => (await billed('drained')) === 2)
    })

    it('gives an answer again after a restart', async () => {
      assert.equal((await send(kept)).body, first.body)
      assert.equal(await billed('kept'), 1)
      await sluice.kill()
      await Promise.all(unanswered)
    })

    async function underWayAt(count: number): Promise<void> {
      await eventually(`${count} calls are under way`, async () => {
        const text = await (await fetch(`${sluice.url}/metrics`)).text()
        return text.includes(`sluice_calls_under_way ${count}`)
      })
    }

    async function send(sent: Sent, tag = sent.key): Promise<Heard> {
      const { key, script = 'tokens=8', stream = false, as = shop, path = '/v1/chat/completions' } = sent
      const { leaveAfter, to = sluice } = sent
      const body = JSON.stringify({ model: `up/sim-1?${script}`, messages, stream, max_tokens: 200_000 })
      return await new Promise((resolve, reject) => {
        const request = httpRequest(`${to.url}${path}`, {
          method: 'POST',
          agent: false,
          headers: {
            authorization: `Bearer ${as}`,
            'content-type': 'application/json',
            'x-sim-request': Buffer.from(tag).toString('latin1'),
            ...(tag === key && { 'idempotency-key': Buffer.from(key).toString('latin1') }),
          },
        })
        request.once('error', cause => (leaveAfter === 0 ? undefined : reject(cause)))
        request.once('response', answer => {
          const chunks: Buffer[] = []
          let bytes = 0
          answer.on('data', (chunk: Buffer) => {
            const rest = (leaveAfter ?? Number.POSITIVE_INFINITY) - bytes
            bytes += chunk.length
            chunks.push(chunk.subarray(0, Math.max(0, rest)))
            if (bytes >= (leaveAfter ?? Number.POSITIVE_INFINITY)) answer.destroy()
          })
          answer.once('error', () => undefined)
          answer.once('close', () => {
            const { statusCode = 0, headers, complete } = answer
            resolve({
              status: statusCode,
              headers,
              body: Buffer.concat(chunks).toString('latin1'),
              whole: complete,
            })
          })
        })
        request.end(body)
        if (leaveAfter === 0) {
          request.once('close', () => resolve({ status: 0, headers: {}, body: '', whole: false }))
          const asked = eventually('the provider was asked', async () => (await billed(tag)) > 0)
          asked.then(() => request.destroy(), reject)
        }
      })
    }

    async function outcomes(tag: string): Promise<string[]> {
      const { requests } = await readJson<{ requests: { tag: string | null; outcome: string }[] }>(
        new URL('/bill?limit=10000', simulator.url),
      )
      return requests.filter(line => line.tag === tag).map(({ outcome }) => outcome)
    }

    async function billed(tag: string): Promise<number> {
      return (await outcomes(tag)).length
    }

    /** The call that this very request was, which is not the one that its answer names. */
    async function callBehind({ headers }: Heard): Promise<CallOnRecord> {
      return await callOnRecord(sluice, String(headers['x-request-id']).replace('req_', 'call_'))
    }
  })
}

function codeOf({ body }: Heard): unknown {
  return JSON.parse(body).error.code
}
