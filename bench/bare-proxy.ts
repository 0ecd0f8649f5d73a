/**
 * The floor for Node: `node bench/bare-proxy.ts --port N --upstream URL`. The least that a proxy in `node:http`
 * and undici does when it looks at both bodies: parse the request, write it anew, parse the answer, write it
 * anew. Streams go through as bytes. It knows no caller, keeps no record, and survives nothing.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { parseArgs } from 'node:util'
import { Pool } from 'undici'

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '18081' },
    upstream: { type: 'string', default: 'http://127.0.0.1:18080' },
  },
})

const pool = new Pool(values.upstream, { connections: 256 })

createServer((request, response) => {
  const parts: Buffer[] = []
  request.on('data', part => parts.push(part))
  request.on('end', () => {
    forward(request, Buffer.concat(parts).toString(), response).catch(() => response.destroy())
  })
}).listen(Number(values.port), '127.0.0.1')

async function forward(request: IncomingMessage, text: string, response: ServerResponse): Promise<void> {
  const asked = JSON.parse(text)
  const answer = await pool.request({
    method: 'POST',
    path: request.url ?? '/',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(asked),
  })
  if (asked.stream === true) {
    response.writeHead(answer.statusCode, { 'content-type': 'text/event-stream' })
    await pipeline(answer.body, response)
    return
  }
  const body = JSON.stringify(await answer.body.json())
  response.writeHead(answer.statusCode, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
  })
  response.end(body)
}
