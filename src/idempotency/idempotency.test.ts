import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import fc from 'fast-check'
import { Fault, type Presence } from '#exchange'
import { createLog, type Database, DatabaseUnavailable, migrate, openDatabase, systemClock } from '#platform'
import { testDatabases } from '../../test/support/databases.ts'
import { claimsContract } from './claims.contract.ts'
import { createIdempotency, idempotencyMigrations, refuseKey } from './index.ts'
import { fingerprintOf } from './keyed-request.ts'
import { Tape } from './tape.ts'

for (const engine of testDatabases()) {
  describe(`idempotency on ${engine.name}`, () => {
    let database: Database
    before(async () => {
      const url = await engine.fresh()
      const dataDir = await engine.folder()
      database = await openDatabase({ url, dataDir, statementTimeoutMs: 10_000, connections: 4 })
      await migrate(database, [idempotencyMigrations])
    })
    after(async () => await database.close())
    claimsContract(() => database)
  })
}

const request = {
  organization: 'acme',
  project: 'shop',
  key: 'k',
  callId: `call_${'0'.repeat(32)}`,
  address: 'POST /v1/chat/completions',
  provider: undefined,
  contentType: undefined,
  body: Buffer.from('{}'),
}
const there: Presence = { gone: false, onGone: () => undefined }

/** A store of which these statements, counted from 1, fail; all others find what they look for. */
function storeThatFails(fails: (n: number) => boolean): { database: Database; asked: string[] } {
  const asked: string[] = []
  const query = async <Row>({ name = '' }: { name?: string }): Promise<Row[]> => {
    asked.push(name)
    if (fails(asked.length)) throw new DatabaseUnavailable('the server is gone')
    return [{}] as Row[]
  }
  const never = (): never => assert.fail('not asked for')
  return { asked, database: { query, transaction: never, close: never } }
}

function idempotencyOn(database: Database) {
  const clock = { ...systemClock, after: (_ms: number, work: () => void) => systemClock.after(0, work) }
  const made = createIdempotency({ database, clock, log: createLog('silent'), instance: '', shared: true })
  made.limit({ keepMs: 1_000, maxAnswerBytes: 1_000 })
  return made
}

async function record(database: Database) {
  const claim = await idempotencyOn(database).claim(request, there)
  assert.ok(claim.ok && claim.value.kind === 'make')
  return claim.value.recording
}

describe('a store that is out of reach', () => {
  it('refuses all requests with the key before anything is sent', async () => {
    const { claim } = idempotencyOn(storeThatFails(() => true).database)
    for (const asked of [claim(request, there), claim(request, there)]) {
      await assert.rejects(asked, cause => cause instanceof Fault && cause.code === 'store_unavailable')
    }
  })

  it('holds an answer up for two tries, and is told of it when it is back', async () => {
    const store = storeThatFails(n => n > 1 && n < 6)
    const recording = await record(store.database)
    await recording.finish()
    assert.equal(recording.tape.state, 'done')
    assert.ok(store.asked.length <= 4, 'the answer was given before it was kept')
    await recording.settled
    assert.deepEqual(
      store.asked.slice(1),
      Array.from({ length: 5 }, () => 'keep_idempotent_answer'),
    )
  })

  it('is given up after a minute', async () => {
    const store = storeThatFails(n => n > 1)
    const recording = await record(store.database)
    recording.fail(new Fault('provider_failed', 'It failed.'))
    await recording.settled
    assert.equal(store.asked.length, 61)
  })
})

describe('a tape', () => {
  const roomFor = (most: number) => {
    const room = {
      held: 0,
      take(bytes: number) {
        if (room.held + bytes > most) return false
        room.held += bytes
        return true
      },
      give(bytes: number) {
        room.held -= bytes
      },
    }
    return room
  }

  it('gives everybody all of it, wherever it is cut and whenever they read', () => {
    const piece = fc.tuple(fc.uint8Array({ maxLength: 40_000 }), fc.boolean())
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), pieces => {
        const tape = new Tape('call_1', { most: 1_000_000, room: roomFor(1_000_000) })
        const read: Buffer[] = []
        let at = 0
        const catchUp = (): void => {
          for (let bytes = tape.read(at); bytes.length > 0; bytes = tape.read(at)) {
            read.push(bytes)
            at += bytes.length
          }
        }
        for (const [bytes, reads] of pieces) {
          tape.add(Buffer.from(bytes))
          if (reads) catchUp()
        }
        catchUp()
        const all = Buffer.concat(pieces.map(([bytes]) => bytes))
        assert.ok(Buffer.concat(read).equals(all) && tape.whole().equals(all))
      }),
      { numRuns: 50 },
    )
  })

  it('lets go of all it held when it becomes too large, by itself or with others', () => {
    const room = roomFor(40_000)
    const one = new Tape('call_1', { most: 30_000, room })
    const two = new Tape('call_2', { most: 1_000_000, room })
    one.add(Buffer.alloc(20_000))
    two.add(Buffer.alloc(100))
    assert.deepEqual([one.state, two.state, room.held], ['open', 'spilled', 32_768])
    one.add(Buffer.alloc(20_000))
    assert.deepEqual([one.state, room.held, one.read(0).length], ['spilled', 0, 0])
    one.free()
    assert.equal(room.held, 0, 'it is given back once')
  })
})

describe('a fingerprint', () => {
  it('tells every part of a request from the next', () => {
    const parts = [
      request,
      { ...request, body: Buffer.from('{}"') },
      { ...request, provider: 'up' },
      { ...request, address: `${request.address}?a` },
      { ...request, contentType: 'multipart/form-data; boundary=x', body: Buffer.from('a--xb') },
      { ...request, contentType: 'multipart/form-data; boundary=x', body: Buffer.from('ab--x') },
    ]
    assert.equal(new Set(parts.map(fingerprintOf)).size, parts.length)
  })

  it('is the same of a form that is sent with another boundary', () => {
    const form = (boundary: string): string =>
      fingerprintOf({
        ...request,
        contentType: `multipart/form-data; boundary="${boundary}"`,
        body: Buffer.from(`--${boundary}\r\n\r\na\r\n--${boundary}--\r\n`),
      })
    assert.equal(form('one'), form('another'))
  })
})

describe('a key', () => {
  it('is 1 to 255 printable characters', () => {
    for (const key of ['a', '"8e03978e-40d5"', 'x'.repeat(255)]) assert.equal(refuseKey(key), undefined)
    for (const key of ['', 'x'.repeat(256), 'a\tb', 'ä', ['a', 'b']]) {
      assert.equal(refuseKey(key)?.code, 'invalid_request')
    }
  })
})
