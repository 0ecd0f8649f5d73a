import { randomBytes } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import type { SeenRequest } from './upstream.ts'

/** What a file holds that is no text in any encoding. */
export const fileBytes = randomBytes(300_000)
export const speechPieces = [randomBytes(10_000), randomBytes(70_000), randomBytes(3)]
const image = {
  created: 1,
  data: [{ b64_json: 'aGk=' }],
  usage: {
    total_tokens: 1_060,
    input_tokens: 60,
    input_tokens_details: { text_tokens: 20, image_tokens: 40 },
    output_tokens: 1_000,
    output_tokens_details: { image_tokens: 1_000, text_tokens: 0 },
  },
}
const file = { id: 'file-1', object: 'file', bytes: 3, created_at: 1, filename: 'a.jsonl', purpose: 'batch' }
const batch = { id: 'msgbatch_1', type: 'message_batch', processing_status: 'in_progress' }

const json: Readonly<Record<string, unknown>> = {
  'POST /v1/images/generations': image,
  'POST /v1/audio/transcriptions': {
    text: 'hello',
    usage: {
      type: 'tokens',
      input_tokens: 50,
      input_token_details: { text_tokens: 10, audio_tokens: 40 },
      output_tokens: 5,
      total_tokens: 55,
    },
  },
  'POST /v1/moderations': { id: 'modr-1', model: 'judge-1', results: [{ flagged: false }] },
  'POST /v1/rerank': { results: [], usage: { total_tokens: 70 } },
  'POST /v1/files': file,
  'GET /v1/files': { object: 'list', data: [file], has_more: false },
  'DELETE /v1/files/file-1': { id: 'file-1', object: 'file', deleted: true },
  'POST /v1/batches': {
    id: 'batch_1',
    object: 'batch',
    usage: { input_tokens: 9_999, output_tokens: 9_999 },
  },
  'GET /v1/batches/batch_1': { id: 'batch_1', usage: { input_tokens: 9_999, output_tokens: 9_999 } },
  'POST /v1/messages/batches': batch,
  'GET /v1/messages/batches': { data: [batch], has_more: false, first_id: null, last_id: null },
  'POST /v1beta/models/imagen-4:predict': { predictions: [] },
  'GET /v1beta/models/veo/operations/op-1': { name: 'models/veo/operations/op-1', done: true },
  'POST /v1beta/cachedContents': { name: 'cachedContents/1', usageMetadata: { totalTokenCount: 12 } },
  'POST /base/v1/moderations': { results: [] },
}

/** A provider's addresses that Sluice does not serve itself, of three vendors at once. */
export function answerForeign(request: SeenRequest, response: ServerResponse): void {
  const [path = ''] = request.path.split('?')
  const known = json[`${request.method} ${path}`]
  const failing = /\/fails\/(\d+)$/.exec(path)?.[1]
  if (known !== undefined) return sendJson(response, 200, known)
  if (failing !== undefined) return fail(response, Number(failing))
  if (path === '/v1/audio/speech') return speak(request, response)
  if (path === '/v1/files/file-1/content') {
    response.writeHead(200, {
      'content-type': 'application/octet-stream',
      'content-disposition': 'attachment; filename="a.bin"',
      'content-length': fileBytes.length,
      'set-cookie': 'session=1',
      'x-internal': 'yes',
    })
    return void response.end(fileBytes)
  }
  if (path === '/upload/v1beta/files') return upload(request, response)
  if (path === '/v1/nothing') return void response.writeHead(204).end()
  if (path === '/v1/moved') return void response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end()
  sendJson(response, 404, { error: { message: 'Invalid URL', type: 'invalid_request_error' } })
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json', 'x-request-id': 'their-1' })
  response.end(JSON.stringify(body))
}

function fail(response: ServerResponse, status: number): void {
  const message = `No: ${status}`
  response.writeHead(status, { 'content-type': 'application/json', 'retry-after': '7' })
  response.end(JSON.stringify({ error: { message, type: 'theirs', code: 'their_code' }, extra: [1.0] }))
}

/** Sound, or the same as events; by the name of its model it breaks off, or waits for its reader to leave. */
function speak({ body }: SeenRequest, response: ServerResponse): void {
  const { model, stream_format: format } = JSON.parse(body) as { model: string; stream_format?: string }
  if (format === 'sse') {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write('data: {"type":"speech.audio.delta","audio":"aGk="}\n\n')
    if (model === 'broken') return void setTimeout(() => response.destroy(), 50)
    const usage = { input_tokens: 14, output_tokens: 101, total_tokens: 115 }
    return void response.end(`data: ${JSON.stringify({ type: 'speech.audio.done', usage })}\n\n`)
  }
  response.writeHead(200, { 'content-type': 'audio/mpeg' })
  for (const piece of speechPieces) response.write(piece)
  if (model === 'broken') return void setTimeout(() => response.destroy(), 50)
  if (model !== 'endless') response.end()
}

/** Google's resumable upload: the first request names an address, the second brings the bytes there. */
function upload({ headers, bytes }: SeenRequest, response: ServerResponse): void {
  if (headers['x-goog-upload-command'] === 'start') {
    const address = `http://${headers.host}/upload/v1beta/files?upload_id=u1&upload_protocol=resumable`
    response.writeHead(200, { 'x-goog-upload-url': address, 'x-goog-upload-status': 'active' })
    return void response.end()
  }
  response.writeHead(200, { 'content-type': 'application/json', 'x-goog-upload-status': 'final' })
  response.end(JSON.stringify({ file: { name: 'files/1', sizeBytes: String(bytes.length) } }))
}
