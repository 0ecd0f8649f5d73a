import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Identity } from './configured.ts'
import { createKeyCache } from './key-cache.ts'

const identity: Identity = {
  caller: { organization: 'acme', project: 'shop', keyId: 'key_1', keyName: 'web', role: 'key' },
}

/** A cache over keys that start with `k`, and what it asked of them. */
function createCounted() {
  const asked: string[] = []
  const state = { nowMs: 0, down: false }
  const cache = createKeyCache({
    async load(hash) {
      asked.push(hash)
      if (state.down) throw new Error('down')
      return hash.startsWith('k') ? identity : undefined
    },
    clock: {
      now: () => state.nowMs,
      monotonic: () => state.nowMs,
      after: () => assert.fail('sets no timers'),
    },
    ttlMs: 3_000,
    capacity: { known: 2, unknown: 2 },
  })
  return { cache, asked, state }
}

describe('key cache', () => {
  it('remembers unknown keys as well', async () => {
    const { cache, asked } = createCounted()
    for (let n = 0; n < 3; n += 1) assert.equal(await cache.find('x'), undefined)
    assert.deepEqual(asked, ['x'])
  })

  it('holds no more than its bound, and a flood of guesses pushes out no working key', async () => {
    const { cache, asked } = createCounted()
    await cache.find('k1')
    for (const guess of ['x1', 'x2', 'x3', 'x4']) await cache.find(guess)
    await cache.find('k1')
    await cache.find('x1')
    assert.deepEqual(asked, ['k1', 'x1', 'x2', 'x3', 'x4', 'x1'])
    for (const hash of ['k2', 'k3', 'k1']) await cache.find(hash)
    assert.deepEqual(asked.slice(6), ['k2', 'k3', 'k1'])
  })

  it('tells everyone who waits of a failure, and remembers none', async () => {
    const { cache, asked, state } = createCounted()
    state.down = true
    const waiting = await Promise.allSettled([cache.find('k1'), cache.find('k1')])
    assert.deepEqual(
      waiting.map(result => result.status),
      ['rejected', 'rejected'],
    )
    state.down = false
    assert.equal(await cache.find('k1'), identity)
    assert.deepEqual(asked, ['k1', 'k1'])
  })
})
