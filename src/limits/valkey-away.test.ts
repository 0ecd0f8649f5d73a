import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { eventually } from '../../test/support/eventually.ts'
import { ownValkey, withoutValkey } from '../../test/support/valkey.ts'
import { LimitStoreAway, type Line } from './store.ts'
import { createStage } from './valkey-stage.contract.ts'

const nowMs = Date.UTC(2026, 0, 15, 12)
const counter = { key: 'x', rolling: undefined, endsAtMs: nowMs + 3_600_000 }
const lines = (amount: bigint): Line[] => [{ ...counter, amount, most: 100n }]
const isAway = (cause: unknown): boolean => cause instanceof LimitStoreAway

describe('a Valkey out of reach', { skip: withoutValkey }, () => {
  it('is waited for by the first calls, by none of the next, and holds nothing for them when it is back', async () => {
    const server = await ownValkey('--save', '', '--appendonly', 'no')
    const { store, valkey } = await createStage(server.url).join({ beatMs: 50 }, { stepTimeoutMs: 300 })
    await eventually('the counters are there', () => store.isReady)
    await store.reserve('before', lines(10n), nowMs)
    await server.signal('SIGSTOP')
    const asked = ['a', 'b', 'c'].map(id => store.reserve(id, lines(20n), nowMs))
    for (const { status, ...why } of await Promise.allSettled(asked))
      assert.ok(status === 'rejected' && 'reason' in why && isAway(why.reason))
    await eventually('nobody waits for it any more', () => !valkey.isThere)
    await assert.rejects(store.reserve('d', lines(20n), nowMs), isAway)
    await assert.rejects(store.settle('before', [{ key: 'x', amount: 3n }], nowMs), isAway)
    await server.signal('SIGCONT')
    await eventually('it is back', () => store.isReady)
    await store.settle('before', [{ key: 'x', amount: 3n }], nowMs)
    await eventually('nothing is held', async () => (await store.read([counter], nowMs))[0]?.held === 0n)
    assert.deepEqual(await store.read([counter], nowMs), [{ spent: 3n, held: 0n }])
    assert.equal(store.holds, 0)
    assert.equal((await store.reserve('a', lines(97n), nowMs)).ok, true)
  })

  it('is waited for by calls that can, and then holds once what they have asked for twice', async () => {
    const server = await ownValkey('--save', '', '--appendonly', 'no')
    const { store, valkey } = await createStage(server.url).join({ beatMs: 60_000 }, { stepTimeoutMs: 100 })
    await eventually('the counters are there', () => store.isReady)
    await server.signal('SIGSTOP')
    await assert.rejects(store.reserve('a', lines(20n), nowMs), isAway)
    assert.equal(valkey.isThere, true, 'one late step is no silence')
    const again = store.patient.reserve('a', lines(20n), nowMs)
    await server.signal('SIGCONT')
    assert.deepEqual(await again, { ok: true, counted: [{ spent: 0n, held: 20n }] })
    await store.settle('a', [{ key: 'x', amount: 3n }], nowMs)
    assert.deepEqual(await store.read([counter], nowMs), [{ spent: 3n, held: 0n }])
    assert.equal(store.holds, 0)
  })

  it('is no reason to wait at the start, and is found when it comes', async () => {
    const server = await ownValkey('--save', '', '--appendonly', 'no')
    await server.signal('SIGKILL')
    const { store } = await createStage(server.url).join()
    await assert.rejects(store.reserve('a', lines(1n), nowMs), isAway)
    await server.start()
    await eventually('the counters are there', () => store.isReady)
    assert.equal((await store.reserve('a', lines(1n), nowMs)).ok, true)
  })

  it('lets go of a hold that nobody of this process knows of', async () => {
    const server = await ownValkey('--save', '', '--appendonly', 'no')
    const { store } = await createStage(server.url).join({ beatMs: 50 })
    await eventually('the counters are there', () => store.isReady)
    await store.reserve('ours', lines(10n), nowMs)
    const [own] = (await server.command('keys', '*:h:*')) as string[]
    const [, packed] = (await server.command(
      'eval',
      "return redis.call('HGETALL', KEYS[1])",
      '1',
      own ?? '',
    )) as [string, string]
    assert.ok(packed)
    // As if a reservation had come in over a connection that was given up long before.
    const late = "redis.call('HSET', KEYS[1], 'late', redis.call('HGET', KEYS[1], 'ours'))"
    await server.command('eval', late, '1', own ?? '')
    const hold = "return redis.call('HSET', KEYS[1], 'h', '20')"
    const [key] = (await server.command('keys', '*:c:x')) as string[]
    await server.command('eval', hold, '1', key ?? '')
    await eventually('it is let go', async () => (await store.read([counter], nowMs))[0]?.held === 10n)
  })
})

describe('a cluster of Valkeys', { skip: withoutValkey }, () => {
  it('has all counters on one shard, which is found from any other', async () => {
    const nodes = [await ownValkey('--cluster-enabled', 'yes'), await ownValkey('--cluster-enabled', 'yes')]
    const [seed, shard] = nodes
    assert.ok(seed && shard)
    await shard.command('cluster', 'addslotsrange', '0', '16383')
    await seed.command('cluster', 'meet', '127.0.0.1', new URL(shard.url).port)
    for (const node of nodes)
      await eventually('the cluster is there', async () =>
        String(await node.command('cluster', 'info')).includes('cluster_state:ok'),
      )
    const { store } = await createStage(seed.url).join()
    await eventually('the counters are there', () => store.isReady)
    assert.equal((await store.reserve('a', lines(60n), nowMs)).ok, true)
    assert.equal(
      (await store.amend('a', [...lines(70n), { ...counter, key: 'y', amount: 1n, most: 1n }], nowMs)).ok,
      true,
    )
    await store.settle('a', [{ key: 'x', amount: 50n }], nowMs)
    assert.deepEqual(await store.read([counter], nowMs), [{ spent: 50n, held: 0n }])
    await shard.signal('SIGKILL')
    await shard.start()
    await eventually('the counters are there again', async () => {
      const outcome = await store.reserve('b', lines(100n), nowMs).catch(() => undefined)
      return outcome?.ok
    })
  })
})
