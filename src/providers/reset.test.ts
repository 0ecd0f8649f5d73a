import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Breaker } from './breaker.ts'

const limits = {
  failures: 2,
  ratio: 1,
  leastAttempts: 100,
  windowMs: 30_000,
  cooldownMs: 1_000,
  longestCooldownMs: 60_000,
}
const wasSent = true

describe('a breaker that is reset', () => {
  it('lets calls through at once, and opens again only after as many failures as ever', () => {
    const breaker = opened()
    breaker.reset()
    assert.deepEqual([breaker.state(0), breaker.admits(0), breaker.opensInMs(0)], ['closed', true, 0])
    breaker.failed(1, { isProbe: false, wasSent })
    assert.equal(breaker.state(1), 'closed')
    breaker.failed(2, { isProbe: false, wasSent })
    assert.equal(breaker.opensInMs(2), limits.cooldownMs, 'for as long as the first time')
  })

  it('is not opened by a probe from before that fails', () => {
    const breaker = opened()
    assert.ok(breaker.enter(2_000))
    breaker.reset()
    breaker.failed(2_001, { isProbe: true, wasSent })
    assert.equal(breaker.state(2_001), 'closed')
  })

  it('still has one probe at most when it opens and cools down while the old one is under way', () => {
    const breaker = opened()
    assert.ok(breaker.enter(2_000))
    breaker.reset()
    for (let n = 0; n < limits.failures; n += 1) breaker.failed(2_001, { isProbe: false, wasSent })
    assert.deepEqual([breaker.admits(10_000), breaker.enter(10_000)], [false, false])
    breaker.abandoned(true)
    assert.deepEqual([breaker.admits(10_000), breaker.enter(10_000)], [true, true])
  })
})

function opened(): Breaker {
  const breaker = new Breaker(limits)
  for (let n = 0; n < limits.failures; n += 1) breaker.failed(0, { isProbe: false, wasSent })
  assert.equal(breaker.state(0), 'open')
  return breaker
}
