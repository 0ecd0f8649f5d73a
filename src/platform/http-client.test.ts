import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import { after, before, suite, test } from 'node:test'
import { createHttpClient, type HttpClient, type HttpFlow } from './http-client.ts'

const body = randomBytes(3 * 1024 * 1024)

suite('the HTTP client', () => {
  let client: HttpClient
  let origin = ''
  const server = createServer((_request, response) => response.end(body))

  before(async () => {
    client = createHttpClient()
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    assert(address && typeof address === 'object')
    origin = `http://127.0.0.1:${address.port}`
  })
  after(async () => {
    await client.close()
    server.close()
  })

  /** Reads all of it, and asks for a pause after each piece. */
  async function readByPieces(resume: (flow: HttpFlow) => void): Promise<Buffer[]> {
    const pieces: Buffer[] = []
    return await new Promise((resolve, reject) => {
      let open = true
      const flow = client.send(
        {
          origin,
          path: '/',
          method: 'GET',
          headers: {},
          body: undefined,
          connections: 1,
          connectTimeoutMs: 5_000,
        },
        {
          sent: () => undefined,
          head: () => undefined,
          data(chunk) {
            assert(open, 'nothing comes during a pause')
            pieces.push(chunk)
            open = false
            flow.pause()
            resume({
              ...flow,
              resume() {
                open = true
                flow.resume()
              },
            })
          },
          end: () => (open ? resolve(pieces) : reject(new Error('the end came during a pause'))),
          fail: (_failure, cause) => reject(cause),
        },
      )
    })
  }

  test('hands on small pieces, none during a pause, and the end behind the last', async () => {
    const pieces = await readByPieces(flow => setImmediate(() => flow.resume()))
    assert.ok(Math.max(...pieces.map(({ length }) => length)) <= 16 * 1024)
    assert.ok(Buffer.concat(pieces).equals(body))
  })

  test('loses nothing when its reader goes on at once', async () => {
    assert.ok(Buffer.concat(await readByPieces(flow => flow.resume())).equals(body))
  })
})
