import assert from 'node:assert/strict'
import { createServer, type Server, type Socket } from 'node:net'
import { after, suite, test } from 'node:test'
import { createHttpClient } from './http-client.ts'

const go = 'HTTP/1.1 100 Continue\r\n\r\n'
const hints = 'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n'
const text = `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 is what this says`
const answer = `HTTP/1.1 200 OK\r\ncontent-length: ${text.length}\r\n\r\n${text}`

/** What a server writes to each request, each piece by itself. */
const answers: Record<string, string[]> = {
  'before an answer': [go + answer],
  'by itself': [go, answer],
  twice: [go + go, answer],
  'with fields of its own': [`HTTP/1.1 100 Go on\r\nserver: old\r\n\r\n${answer}`],
  'behind other words in passing': [hints, go, hints, answer],
  'byte by byte': [...(go + answer)],
  'in the text of an answer alone': [answer.slice(0, -text.length), text],
}

suite('an interim answer that nobody asked for', () => {
  const client = createHttpClient()
  const servers: Server[] = []
  after(async () => {
    await client.close()
    for (const server of servers) server.close()
  })

  for (const [what, pieces] of Object.entries(answers)) {
    test(`does no harm ${what}, on a connection that is used again`, async () => {
      let connections = 0
      const server = createServer({ noDelay: true }, socket => {
        connections += 1
        socket.on('data', () => void write(socket, pieces))
      })
      servers.push(server)
      await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
      const address = server.address()
      assert.ok(address && typeof address === 'object')
      for (const _ of [1, 2])
        assert.deepEqual(await post(`http://127.0.0.1:${address.port}`), { status: 200, text })
      assert.equal(connections, 1)
    })
  }

  async function write(socket: Socket, pieces: readonly string[]): Promise<void> {
    for (const piece of pieces) {
      socket.write(piece)
      await new Promise(resolve => setImmediate(resolve))
    }
  }

  function post(origin: string): Promise<{ status: number; text: string }> {
    return new Promise((resolve, reject) => {
      const heard = { status: 0, text: '' }
      const body = Buffer.from('{}')
      client.send(
        { origin, path: '/', method: 'POST', headers: {}, body, connections: 1, connectTimeoutMs: 5_000 },
        {
          sent: () => undefined,
          head: status => (heard.status = status),
          data: chunk => (heard.text += chunk.toString()),
          end: () => resolve(heard),
          fail: (_failure, cause) => reject(cause),
        },
      )
    })
  }
})
