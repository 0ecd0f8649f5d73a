import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { callOfFeature } from './support/call-log.ts'
import {
  doneEvent,
  finishEvent,
  roleEvent,
  streamHead,
  textEvent,
  wholeAnswer,
} from './support/chat-bytes.ts'
import { startSluice } from './support/sluice.ts'
import { startUpstream } from './support/upstream.ts'

const key = 'sk-test-web-0123456789'
const megabyte = 1024 * 1024
const stalledMs = 1_000

/** More than the kernel takes for a reader that does not read: up to some megabytes for each socket on the way. */
const longBytes = 32 * megabyte
/** In one gulp, five of them within the limit: the whole takes some three limits. */
const gulpBytes = 2 * megabyte
const longEvent = textEvent('x'.repeat(16 * 1024))
const largeText = wholeAnswer.replace('"x_big"', `"x_text":"${'x'.repeat(longBytes)}","x_big"`)

const upstream = await startUpstream(async (request, response) => {
  const { model } = JSON.parse(request.body) as { model: string }
  if (model !== 'whole') return await streamLong(response)
  response.writeHead(200, { 'content-type': 'application/json' }).end(largeText)
})

const sluice = await startSluice({
  config: `
providers:
  up: { dialect: openai, base_url: ${upstream.url}, max_answer: 64mb }
keys:
  - { name: web, key: ${key}, organization: acme, project: shop }
streams: { stalled_reader: ${stalledMs}ms }
`,
})

async function streamLong(response: ServerResponse): Promise<void> {
  response.writeHead(200, streamHead).write(roleEvent)
  const closed = new Promise<void>(resolve => response.once('close', resolve))
  for (let written = 0; written < longBytes && !response.destroyed; written += longEvent.length) {
    const drained = response.write(longEvent) || Promise.race([once(response, 'drain'), closed])
    await drained
  }
  response.end(finishEvent + doneEvent)
}

/** A caller whose reading we hold in our hands. */
async function open(model: string, feature: string): Promise<Socket> {
  const { hostname, port } = new URL(sluice.url)
  const socket = connect(Number(port), hostname)
  await once(socket, 'connect')
  const body = JSON.stringify({
    model: `up/${model}`,
    stream: model !== 'whole',
    messages: [{ role: 'user', content: 'Hello!' }],
  })
  socket.pause()
  socket.write(
    `POST /v1/chat/completions HTTP/1.1\r\nhost: ${hostname}\r\nauthorization: Bearer ${key}\r\n` +
      `x-sluice-feature: ${feature}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  )
  return socket
}

async function metric(name: string): Promise<number> {
  const text = await (await fetch(`${sluice.url}/metrics`)).text()
  const [, value] = new RegExp(`^${name} (\\S+)$`, 'm').exec(text) ?? []
  assert.ok(value, `${name} is among the metrics`)
  return Number(value)
}

test('drops a reader that makes no progress, hangs up on its provider and tells it from one that left', async () => {
  const socket = await open('long', 'stalled')
  const before = await metric('sluice_stalled_readers_total')
  socket.on('error', () => undefined)
  const call = await callOfFeature(sluice, 'stalled')
  assert.partialDeepStrictEqual(call, {
    status: 'cancelled',
    code: 'reader_stalled',
    usage: { source: 'estimate' },
  })
  assert.equal(await upstream.requests.at(-1)?.hungUp, true)
  assert.equal(await metric('sluice_stalled_readers_total'), before + 1)
  socket.destroy()
})

test('drops a reader of a whole answer in the same way', async () => {
  const before = await metric('sluice_stalled_readers_total')
  const socket = await open('whole', 'stalled-whole')
  socket.on('error', () => undefined)
  await callOfFeature(sluice, 'stalled-whole')
  while ((await metric('sluice_calls_under_way')) > 0) await new Promise(resolve => setImmediate(resolve))
  assert.equal(await metric('sluice_stalled_readers_total'), before + 1)
  let heard = 0
  socket.on('data', chunk => {
    heard += chunk.length
  })
  socket.resume()
  await once(socket, 'close')
  assert.ok(heard < longBytes, 'what the kernel had, and then the connection is gone')
})

test('keeps a reader that is slow, however long it takes', async () => {
  for (const model of ['long', 'whole']) {
    const socket = await open(model, `slow-${model}`)
    let [heard, gulp, end] = [0, 0, '']
    socket.on('data', chunk => {
      heard += chunk.length
      gulp += chunk.length
      if (gulp >= gulpBytes) socket.pause()
      end = (end + chunk.toString('latin1')).slice(-64)
      if (end.endsWith('\r\n0\r\n\r\n') || end.includes('"x_dup":2')) socket.end()
    })
    socket.on('error', () => undefined)
    const closed = once(socket, 'close')
    const swallow = setInterval(() => {
      gulp = 0
      socket.resume()
    }, stalledMs / 5)
    await closed
    clearInterval(swallow)
    assert.ok(heard > longBytes, `${heard} bytes of ${model}`)
  }
})
