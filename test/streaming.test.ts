import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { connect, type Socket } from 'node:net'
import { suite, test } from 'node:test'
import { callOfFeature, callOnRecord } from './support/call-log.ts'
import { doneEvent, finishEvent, roleEvent, streamHead, textEvent, usageEvent } from './support/chat-bytes.ts'
import { eventually } from './support/eventually.ts'
import { startSluice } from './support/sluice.ts'
import { type SeenRequest, startUpstream } from './support/upstream.ts'

const key = 'sk-test-web-0123456789'
const megabyte = 1024 * 1024
/** Each of the long streams is 2,048 events of 16 KiB. */
const longEvent = textEvent('x'.repeat(16 * 1024 - textEvent('').length))
const longEvents = 2_048
const longTail = finishEvent + usageEvent + doneEvent
const longBytes = longEvent.length * longEvents + longTail.length

/** Between Sluice and its peers the kernel holds what was sent and not read: up to some megabytes for each socket. */
const kernelBytes = 20 * megabyte
const mostGrowthBytes = 20 * megabyte

/** How far the long stream of each feature has been taken off the upstream's hands. */
const handedOver = new Map<string, number>()

const upstream = await startUpstream(async (request, response) => {
  const { model, user = '' } = JSON.parse(request.body) as { model: string; user?: string }
  response.writeHead(200, streamHead)
  if (model === 'long') return await streamLong(response, bytes => handedOver.set(user, bytes))
  await streamByteByByte(response)
})

const sluice = await startSluice({
  config: `
providers:
  up: { dialect: openai, base_url: ${upstream.url}, timeouts: { idle: 500ms } }
keys:
  - { name: web, key: ${key}, organization: acme, project: shop }
`,
})

/** At the pace of its reader, as a provider writes: it waits until the socket has taken what it was given. */
async function streamLong(response: ServerResponse, report: (bytes: number) => void): Promise<void> {
  let written = 0
  const closed = new Promise<void>(resolve => response.once('close', resolve))
  response.write(roleEvent)
  for (let i = 0; i < longEvents && !response.destroyed; i += 1) {
    const drained = response.write(longEvent) || Promise.race([once(response, 'drain'), closed])
    await drained
    written += longEvent.length
    report(written)
  }
  response.end(longTail)
}

const short = `\ufeff: hello\r\n\r\n${roleEvent}${textEvent('Grüße 🌊 ').replaceAll('\n', '\r\n')}${textEvent('灯台')}${finishEvent}`

async function streamByteByByte(response: ServerResponse): Promise<void> {
  for (const byte of Buffer.from(short + usageEvent + doneEvent)) {
    response.write(Buffer.of(byte))
    await new Promise(resolve => setImmediate(resolve)) // so that each byte is a packet, and a read, of its own
  }
  response.end()
}

function ask(model: string, user: string): string {
  return JSON.stringify({
    model: `up/${model}`,
    stream: true,
    stream_options: { include_usage: true },
    user,
    metadata: { feature: user },
    messages: [{ role: 'user', content: 'Hello!' }],
  })
}

/** A client whose reading we hold in our hands. */
async function open(user: string): Promise<Socket> {
  const { hostname, port } = new URL(sluice.url)
  const socket = connect(Number(port), hostname)
  await once(socket, 'connect')
  const body = ask('long', user)
  socket.pause()
  socket.write(
    `POST /v1/chat/completions HTTP/1.1\r\nhost: ${hostname}\r\nauthorization: Bearer ${key}\r\n` +
      `content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  )
  return socket
}

async function post(body: string): Promise<Response> {
  return await fetch(`${sluice.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body,
  })
}

/** Resident memory of the program, as it says itself. */
async function residentBytes(): Promise<number> {
  const text = await (await fetch(`${sluice.url}/metrics`)).text()
  const [, bytes] = /^process_resident_memory_bytes (\S+)$/m.exec(text) ?? []
  assert.ok(bytes, 'the metrics say how much memory is used')
  return Number(bytes)
}

/** Resolves with the number once it has stood still over many looks, which take longer than the idle limit. */
async function stoodStill(what: string, read: () => number): Promise<number> {
  let [last, looks] = [-1, 0]
  return await eventually(`${what} stands still`, () => {
    const now = read()
    looks = now === last && now > 0 ? looks + 1 : 0
    last = now
    return looks >= 40 && { now }
  }).then(({ now }) => now)
}

const requestOf = (user: string): SeenRequest =>
  upstream.requests.find(({ body }) => (JSON.parse(body) as { user: string }).user === user)!

const digest = (...parts: (string | Uint8Array)[]): string => {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest('hex')
}

test('a stream whose every byte comes alone arrives as it was, and is counted', async () => {
  const response = await post(ask('short', 'bytes'))
  const bytes = Buffer.from(await response.arrayBuffer())
  assert.equal(bytes.toString(), short + usageEvent + doneEvent)
  const call = await callOnRecord(sluice, response.headers.get('x-sluice-call'))
  assert.partialDeepStrictEqual(call, {
    status: 'succeeded',
    usage: { input_tokens: 11, output_tokens: 3, source: 'provider' },
  })
})

suite('a reader sets the pace', () => {
  test('a slow one gets every byte', async () => {
    const response = await post(ask('long', 'slow'))
    const seen: Uint8Array[] = []
    for await (const chunk of response.body ?? []) {
      seen.push(chunk)
      if (seen.length % 64 === 0) await new Promise(resolve => setTimeout(resolve, 1)) // slower than it is written
    }
    assert.equal(digest(...seen), digest(roleEvent, ...Array<string>(longEvents).fill(longEvent), longTail))
  })

  test('one that does not read stops the provider, and costs no memory', async () => {
    await (await post(ask('long', 'warm-up'))).arrayBuffer() // so that buffers and code are there before the count
    const before = await residentBytes()
    const socket = await open('stuck')
    const taken = await stoodStill('what the provider could hand over', () => handedOver.get('stuck') ?? 0)
    assert.ok(taken < kernelBytes, `${taken} of ${longBytes} bytes were taken off the provider`)
    const growth = (await residentBytes()) - before
    assert.ok(growth < mostGrowthBytes, `memory grew by ${growth} bytes`)

    // Standing still for longer than the provider's idle limit is the reader's own doing, and ends nothing.
    let [heard, end] = [0, '']
    socket.on('data', chunk => {
      heard += chunk.length
      end = (end + chunk.toString('latin1')).slice(-64)
      if (end.endsWith('\r\n0\r\n\r\n')) socket.end()
    })
    socket.resume()
    await once(socket, 'close')
    assert.ok(heard > longBytes, 'all of it arrives once it reads again')
    assert.equal((await callOfFeature(sluice, 'stuck')).status, 'succeeded')
  })

  test('one that hangs up while it does not read frees the provider at once', async () => {
    const socket = await open('hung-up')
    await stoodStill('what the provider could hand over', () => handedOver.get('hung-up') ?? 0)
    socket.resetAndDestroy()
    assert.equal(await requestOf('hung-up').hungUp, true)
    const call = await callOfFeature(sluice, 'hung-up')
    assert.equal(call.status, 'cancelled')
    assert.equal(call.usage.source, 'estimate')
  })
})
