import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { accept, type Refusal } from '#exchange'
import { type Database, DatabaseUnavailable } from '#platform'
import { configured, createClient, type House, type KeyAnswer } from './contract.house.ts'
import { createCredential } from './credential.ts'
import type { ConfiguredKeys, Keys } from './index.ts'

const none = configured()

export function authenticateContract(house: House): void {
  describe('authenticate', () => {
    it('knows who a key belongs to', async () => {
      const keys = house.start()
      const wish = { name: 'web', organization: 'acme', project: 'shop', models: ['smart', 'openai/*'] }
      const { id, key } = await createClient(keys)<KeyAnswer>('POST', '/sluice/v1/keys', wish)
      assert.deepEqual(accept(await keys.authenticate(key, none)), {
        organization: 'acme',
        project: 'shop',
        keyId: id,
        keyName: 'web',
        role: 'key',
        models: ['smart', 'openai/*'],
      })
    })

    it('refuses unknown, malformed, revoked and expired keys in the same words', async () => {
      const keys = house.start()
      const client = createClient(keys)
      const revoked = await client<KeyAnswer>('POST', '/sluice/v1/keys', { name: 'revoked' })
      await client('DELETE', `/sluice/v1/keys/${revoked.id}`)
      const expired = await client<KeyAnswer>('POST', '/sluice/v1/keys', {
        name: 'expired',
        expires_at: new Date(house.clock.now() + 1_000).toISOString(),
      })
      assert((await keys.authenticate(expired.key, none)).ok)
      house.clock.pass(1_000)
      const unknown = createCredential({ random: () => 0, bytes: count => Buffer.alloc(count, 7) }, 'key')
      const guesses = [
        revoked.key,
        expired.key,
        unknown,
        'sk-proj-abc',
        `'; drop table keys --`,
        `${expired.key}x`,
      ]
      const answers = await Promise.all(guesses.map(guess => refusal(keys, guess)))
      assert.equal(answers[0]?.code, 'invalid_api_key')
      for (const answer of answers) assert.deepEqual(answer, answers[0])
    })

    it('tells a caller without a key that one is needed', async () => {
      const keys = house.start()
      for (const nothing of [undefined, '']) {
        const { code, message } = await refusal(keys, nothing)
        assert.equal(code, 'invalid_api_key')
        assert.match(message, /Authorization: Bearer/)
      }
    })

    it('asks the configuration first, and the database only for what can be its key', async () => {
      const counted = countingDatabase(house.database)
      const keys = house.start(counted)
      const own = configured({ name: 'own', key: 'sk-my-own', organization: 'acme', project: 'shop' })
      assert.equal(accept(await keys.authenticate('sk-my-own', own)).keyId, 'config/own')
      await keys.authenticate('sk-somebody-elses', own)
      assert.equal(counted.count(), 0)
    })

    it('looks a busy key up once, and again after three seconds', async () => {
      const { key } = await createClient(house.start())<KeyAnswer>('POST', '/sluice/v1/keys', {
        name: 'busy',
      })
      const counted = countingDatabase(house.database)
      const keys = house.start(counted)
      await Promise.all(Array.from({ length: 50 }, () => keys.authenticate(key, none)))
      house.clock.pass(2_999)
      await keys.authenticate(key, none)
      assert.equal(counted.count(), 1)
      house.clock.pass(1)
      await keys.authenticate(key, none)
      assert.equal(counted.count(), 2)
    })

    it('ends a revoked key at once here, and within three seconds in another process', async () => {
      const here = house.start()
      const there = house.start()
      const client = createClient(here)
      const { id, key } = await client<KeyAnswer>('POST', '/sluice/v1/keys', { name: 'leaked' })
      for (const keys of [here, there]) assert((await keys.authenticate(key, none)).ok)
      await client('DELETE', `/sluice/v1/keys/${id}`)
      await refusal(here, key)
      house.clock.pass(3_000)
      await refusal(there, key)
    })

    it('does not let a look-up that was under way undo a revocation', async () => {
      const gated = gatedDatabase(house.database)
      const keys = house.start(gated)
      const client = createClient(keys)
      const { id, key } = await client<KeyAnswer>('POST', '/sluice/v1/keys', { name: 'racing' })
      const early = keys.authenticate(key, none)
      await gated.answered
      await client('DELETE', `/sluice/v1/keys/${id}`)
      gated.open()
      await early
      await refusal(keys, key)
    })

    it('tells of an outage as one, never as a bad key, and recovers by itself', async () => {
      const { key } = await createClient(house.start())<KeyAnswer>('POST', '/sluice/v1/keys', { name: 'web' })
      const failing = failingDatabase(house.database)
      const keys = house.start(failing)
      const own: ConfiguredKeys = configured({
        name: 'own',
        key: 'sk-own',
        organization: 'acme',
        project: 'shop',
      })
      failing.down = true
      await assert.rejects(keys.authenticate(key, own), DatabaseUnavailable)
      assert((await keys.authenticate('sk-own', own)).ok, 'the configuration needs no database')
      failing.down = false
      assert((await keys.authenticate(key, own)).ok)
    })

    it('ends the old credential at once when a key is rotated', async () => {
      const keys = house.start()
      const client = createClient(keys)
      const old = await client<KeyAnswer>('POST', '/sluice/v1/keys', { name: 'web' })
      assert((await keys.authenticate(old.key, none)).ok)
      const fresh = await client<KeyAnswer>('POST', `/sluice/v1/keys/${old.id}/rotate`)
      await refusal(keys, old.key)
      assert.equal(accept(await keys.authenticate(fresh.key, none)).keyId, old.id)
      assert.notEqual(fresh.hint, old.hint)
    })

    it('lets a changed list of models and a changed expiry count at once', async () => {
      const keys = house.start()
      const client = createClient(keys)
      const { id, key } = await client<KeyAnswer>('POST', '/sluice/v1/keys', { name: 'web' })
      assert.equal(accept(await keys.authenticate(key, none)).models, undefined)
      await client('PATCH', `/sluice/v1/keys/${id}`, { models: ['fast'] })
      const caller = accept(await keys.authenticate(key, none))
      assert(keys.admit(caller, 'fast').ok)
      assert(!keys.admit(caller, 'smart').ok)
      const soon = new Date(house.clock.now() + 1).toISOString()
      await client('PATCH', `/sluice/v1/keys/${id}`, { expires_at: soon })
      house.clock.pass(1)
      await refusal(keys, key)
    })

    it('keeps no credential in the database', async () => {
      const { key } = await createClient(house.start())<KeyAnswer>('POST', '/sluice/v1/keys', {
        name: 'canary',
      })
      const rows = await house.database.query<{ row: string }>({ text: 'select keys::text as row from keys' })
      assert.equal(rows.length, 1)
      const secret = key.slice('sk-sluice-'.length, -6)
      const spellings = [
        secret,
        Buffer.from(secret).toString('hex'),
        Buffer.from(secret, 'base64url').toString('hex'),
      ]
      for (const spelling of spellings) assert(!rows[0]?.row.includes(spelling))
    })
  })
}

async function refusal(keys: Keys, credential: string | undefined): Promise<Refusal> {
  const decision = await keys.authenticate(credential, none)
  return decision.ok ? assert.fail(`let in as ${decision.value.keyId}`) : decision
}

/** What a stand-in passes on as it is. */
function verbsOf(database: Database): Database {
  return {
    query: (statement, values) => database.query(statement, values),
    transaction: work => database.transaction(work),
    close: () => database.close(),
  }
}

function countingDatabase(database: Database): Database & { count(): number } {
  let count = 0
  return {
    ...verbsOf(database),
    query(statement, values) {
      count += 1
      return database.query(statement, values)
    },
    count: () => count,
  }
}

function failingDatabase(database: Database): Database & { down: boolean } {
  const failing: Database & { down: boolean } = {
    ...verbsOf(database),
    down: false,
    query: async (statement, values) => {
      if (failing.down) throw new DatabaseUnavailable('connection refused', undefined)
      return await database.query(statement, values)
    },
  }
  return failing
}

/** The database has answered the first look-up of a key, but the answer stays on its way until the gate opens. */
function gatedDatabase(database: Database): Database & { answered: Promise<void>; open(): void } {
  const answered = Promise.withResolvers<void>()
  const gate = Promise.withResolvers<void>()
  return {
    ...verbsOf(database),
    async query<Row>(statement: Parameters<Database['query']>[0], values?: readonly unknown[]) {
      const rows = await database.query<Row>(statement, values)
      if (statement.name === 'keys.find-by-hash') {
        answered.resolve()
        await gate.promise
      }
      return rows
    },
    answered: answered.promise,
    open: () => gate.resolve(),
  }
}
