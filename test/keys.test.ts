import assert from 'node:assert/strict'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { before, describe, it } from 'node:test'
import OpenAI from 'openai'
import { Client } from 'pg'
import { readJson } from './durability.books.ts'
import { temporaryFolder } from './support/cleanup.ts'
import { testDatabases } from './support/databases.ts'
import { eventually } from './support/eventually.ts'
import { runSluice, type Sluice, startSluice } from './support/sluice.ts'

/** The promise for other processes on the same database; here it is at once. */
const revokedWithinMs = 5_000
const ask = { model: 'smart', messages: [{ role: 'user' as const, content: 'What about lighthouses?' }] }
/** Well-formed, and nobody's. */
const unknownKey = 'sk-sluice-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAfK8hhw'

for (const engine of testDatabases()) {
  describe(`keys (${engine.name})`, () => {
    let database: string | undefined
    let sluice: Sluice
    /** Every credential that was ever shown. */
    const credentials: string[] = []

    before(async () => {
      database = await engine.fresh()
      sluice = await startSluice({ config: configuration() })
      credentials.push(sluice.adminKey)
    })

    const configuration = (): string => `
providers: { sim: {} }
models:
  smart: { targets: [sim/sim-1] }
  other: { targets: [sim/sim-1] }
log_level: debug
calls: { content: all }
${database ? `database: ${database}` : ''}`

    const command = async (...args: string[]): Promise<string> => {
      const at = ['--url', sluice.url, '--data', sluice.dataDir]
      const { code, stdout, stderr } = await runSluice(['keys', ...args, ...at])
      assert.equal(code, 0, stderr)
      return stdout
    }

    /** What the command does, without its start. */
    const create = async (wish: object = {}): Promise<{ id: string; key: string }> => {
      const made = await api<{ id: string; key: string }>('POST', '/sluice/v1/keys', { name: 'web', ...wish })
      credentials.push(made.key)
      return made
    }

    const revoke = async (id: string): Promise<void> => await api('DELETE', `/sluice/v1/keys/${id}`)

    const chat = async (key: string, { url = sluice.url, model = 'smart' } = {}): Promise<string> => {
      const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: key, maxRetries: 0 })
      const answer = await client.chat.completions.create({ ...ask, model })
      return answer.choices[0]?.message.content ?? ''
    }

    it('made by the command serve an SDK until they are revoked by it', async () => {
      const { id, key } = JSON.parse(await command('create', '--name', 'web', '--json'))
      credentials.push(key)
      assert.ok(await chat(key))
      const listed = await command('list')
      assert.ok(listed.includes(id) && !listed.includes(key))
      assert.match(await command('revoke', id), /is revoked/)
      await assert.rejects(chat(key), isRefused)
    })

    it('that are revoked are refused by every process on the database within 5 s', {
      skip: engine.name === 'embedded' && 'only one process can use the embedded database',
    }, async () => {
      const dataDir = await temporaryFolder()
      await writeFile(join(dataDir, 'admin-key'), sluice.adminKey) // as an operator would copy it
      const second = await startSluice({ config: configuration(), dataDir })
      const { id, key } = await create()
      for (const { url } of [sluice, second]) assert.ok(await chat(key, { url }))
      await revoke(id)
      const revokedAtMs = performance.now()
      await assert.rejects(chat(key), isRefused)
      await eventually('refused by the second', async () => {
        const answer = await chat(key, { url: second.url }).catch((cause: unknown) => cause)
        return isRefused(answer)
      })
      assert.ok(performance.now() - revokedAtMs < revokedWithinMs)
      assert.ok(await chat(sluice.adminKey, { url: second.url }), 'the others go on')
    })

    it('end when their time has come', async () => {
      const expiresAtMs = Date.now() + 1_500
      const { key } = await create({ expires_at: new Date(expiresAtMs).toISOString() })
      assert.ok(await chat(key))
      await eventually('it has expired', async () => {
        const answer = await chat(key).catch((cause: unknown) => cause)
        if (isRefused(answer)) return true
        assert.equal(typeof answer, 'string', `${answer}`)
        return false
      })
      assert.ok(Date.now() >= expiresAtMs)
    })

    it('may use the models they were made for, and see no others', async () => {
      const { key } = await create({ models: ['smart', 'sim/sim-1?*'] })
      assert.ok(await chat(key))
      assert.ok(await chat(key, { model: 'sim/sim-1?tokens=3' }))
      for (const model of ['other', 'sim/sim-2', 'sim/sim-1']) {
        await assert.rejects(
          chat(key, { model }),
          cause =>
            cause instanceof OpenAI.APIError && cause.code === 'model_not_allowed' && cause.status === 403,
        )
      }
      const client = new OpenAI({ baseURL: `${sluice.url}/v1`, apiKey: key })
      assert.deepEqual(
        (await client.models.list()).data.map(({ id }) => id),
        ['smart'],
      )
    })

    it('that are unknown, revoked, expired or malformed look the same from outside', async () => {
      const revoked = await create()
      await revoke(revoked.id)
      const expired = await create({ expires_at: new Date(Date.now() + 500).toISOString() })
      await eventually('it has expired', async () => isRefused(await chat(expired.key).catch(cause => cause)))
      const guesses = [unknownKey, revoked.key, expired.key, 'sk-proj-123', `${revoked.key}x`, "' or 1=1 --"]
      const answers = await Promise.all(guesses.map(lookOf))
      assert.equal(answers[0]?.status, 401)
      for (const answer of answers) assert.deepEqual(answer, answers[0])
    })

    it('open what they are for, on every route and with every method', async () => {
      const { key } = await create()
      const callers = { nobody: undefined, stranger: unknownKey, key, admin: sluice.adminKey }
      const routes = await readRoutes()
      assert.ok(routes.length > 15, 'the description lists our routes')
      for (const route of routes) {
        for (const [caller, credential] of Object.entries(callers)) {
          const what = `${caller}: ${route.method} ${route.path}`
          const { status } = await send(route, credential)
          if (route.requires === 'nothing') assert.equal(status, 200, what)
          else if (credential === undefined || caller === 'stranger') assert.equal(status, 401, what)
          else if (caller === 'key' && route.requires === 'admin') assert.equal(status, 403, what)
          else assert.ok(![401, 403, 500].includes(status), `${what}: ${status}`)
        }
      }
    })

    it('are asked for however an address is spelled, and whatever method is tried', async () => {
      const { key } = await create()
      const spelled = [
        '/sluice/v1/keys/',
        '//sluice/v1/keys',
        '/sluice/v1//keys',
        '/sluice/v1/%6beys',
        '/SLUICE/v1/keys',
      ]
      const tricks = [
        '/sluice/v1/keys?',
        '/sluice/v1/keys;a=b',
        '/healthz/../sluice/v1/keys',
        '/sluice/v1/keys%00',
        '/sluice/v1/keys%2f',
      ]
      for (const path of [...spelled, ...tricks, '/sluice/v1/keys', '/v1/models', '/sluice/v1/calls']) {
        for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
          for (const credential of path === '/v1/models' ? [undefined] : [undefined, key]) {
            const { status } = await send({ method, path }, credential)
            assert.ok(status >= 400 && status < 500, `${method} ${path}: ${status}`)
          }
        }
      }
    })

    it('are in no file, no log and no table, but for the admin key in its own file', async () => {
      await sluice.stop()
      const files = await readFiles(sluice.dataDir)
      assert.ok(files.size > 0)
      const places = new Map([
        ...files,
        ['stderr', Buffer.from(sluice.stderr())],
        ['stdout', Buffer.from(sluice.stdout())],
      ])
      if (database) places.set('database', await dump(database))
      assert.ok(credentials.length > 5)
      for (const credential of credentials) {
        // Neither whole nor without its prefix and checksum.
        const secret = credential.slice(-49, -6)
        const found = [...places].filter(([, bytes]) => bytes.includes(secret)).map(([place]) => place)
        const allowed = credential === sluice.adminKey ? ['admin-key', 'stdout'] : []
        assert.deepEqual(found.sort(), allowed)
      }
    })

    async function api<T>(method: string, path: string, body?: object): Promise<T> {
      const answer = await fetch(sluice.url + path, {
        method,
        headers: { authorization: `Bearer ${sluice.adminKey}`, 'content-type': 'application/json' },
        ...(body && { body: JSON.stringify(body) }),
      })
      const text = await answer.text()
      assert.ok(answer.ok, text)
      return JSON.parse(text) as T
    }

    interface RouteTried {
      method: string
      path: string
      requires?: string
      body?: string | undefined
    }

    /** From our own description, and the routes of the SDKs that are not in it. */
    async function readRoutes(): Promise<RouteTried[]> {
      const { paths } = await readJson<{ paths: Record<string, Record<string, Described>> }>(
        new URL('/sluice/v1/openapi.json', sluice.url),
      )
      const own = Object.entries(paths).flatMap(([path, methods]) =>
        Object.entries(methods).map(([method, described]) => ({
          method: method.toUpperCase(),
          path: path.replace(/\{(\w+)\}/g, (_, name: string) =>
            name === 'id' ? `key_${'0'.repeat(32)}` : 'nobody',
          ),
          requires: described['x-requires'],
          body: described.requestBody && '{"nonsense":1}',
        })),
      )
      const open = ['/', '/healthz', '/readyz', '/metrics', '/sluice/v1/openapi.json']
      return [
        ...own,
        ...own.filter(({ method }) => method === 'GET').map(route => ({ ...route, method: 'HEAD' })),
        { method: 'POST', path: '/v1/chat/completions', requires: 'key', body: JSON.stringify(ask) },
        { method: 'POST', path: '/v1/embeddings', requires: 'key', body: '{"model":"smart","input":"a"}' },
        ...open.map(path => ({ method: 'GET', path, requires: 'nothing' })),
      ]
    }

    async function send(
      { method, path, body }: RouteTried,
      credential?: string,
    ): Promise<{ status: number }> {
      const answer = await fetch(sluice.url + path, {
        method,
        headers: {
          ...(credential !== undefined && { authorization: `Bearer ${credential}` }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
        ...(body !== undefined && { body }),
      })
      await answer.arrayBuffer()
      return { status: answer.status }
    }

    /** All that a caller with this credential sees, but for what differs from request to request. */
    async function lookOf(credential: string): Promise<{ status: number; headers: object; body: string }> {
      const headersOf = { authorization: `Bearer ${credential}` }
      const answer = await fetch(`${sluice.url}/v1/models`, { headers: headersOf })
      const { date, 'x-request-id': id, ...headers } = Object.fromEntries(answer.headers)
      return { status: answer.status, headers, body: await answer.text() }
    }
  })
}

interface Described {
  'x-requires': string
  requestBody?: object
}

function isRefused(cause: unknown): boolean {
  return (
    cause instanceof OpenAI.AuthenticationError && cause.status === 401 && cause.code === 'invalid_api_key'
  )
}

/** All files below a folder, by their path in it. */
async function readFiles(folder: string): Promise<Map<string, Buffer>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter(entry => entry.isFile()).map(entry => join(entry.parentPath, entry.name))
  return new Map(
    await Promise.all(
      files.map(async path => [path.slice(folder.length + 1), await readFile(path)] as const),
    ),
  )
}

/** Every row of every table of ours, as text. */
async function dump(database: string): Promise<Buffer> {
  const client = new Client({ connectionString: database })
  await client.connect()
  const tables = await client.query(`select tablename from pg_tables where schemaname = 'public'`)
  const rows: string[] = []
  for (const { tablename } of tables.rows) {
    const { rows: found } = await client.query(`select row_to_json(t)::text as row from ${tablename} t`)
    rows.push(...found.map(({ row }) => row))
  }
  await client.end()
  assert.ok(rows.length > 0)
  return Buffer.from(rows.join('\n'))
}
