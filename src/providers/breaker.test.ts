import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { Breaker, type BreakerLimits } from './breaker.ts'

const limits: BreakerLimits = {
  failures: 5,
  ratio: 0.5,
  leastAttempts: 20,
  windowMs: 30_000,
  cooldownMs: 5_000,
  longestCooldownMs: 60_000,
}
const sent = { isProbe: false, wasSent: true }
const probe = { isProbe: true, wasSent: true }

function failed(breaker: Breaker, times: number, nowMs = 0): Breaker {
  for (let n = 0; n < times; n++) breaker.failed(nowMs, sent)
  return breaker
}

suite('a breaker', () => {
  test('opens after so many failures in a row, and not before', () => {
    const breaker = failed(new Breaker(limits), 4)
    assert.equal(breaker.state(0), 'closed')
    assert.ok(breaker.admits(0))
    failed(breaker, 1)
    assert.equal(breaker.state(0), 'open')
    assert.ok(!breaker.admits(0))
    assert.equal(breaker.opensInMs(1_000), 4_000)
  })

  test('is not opened by failures that successes come between', () => {
    const breaker = new Breaker({ ...limits, ratio: 0.9 })
    for (let n = 0; n < 100; n++) {
      failed(breaker, 4)
      breaker.succeeded(0, false)
    }
    assert.equal(breaker.state(0), 'closed')
  })

  test('opens when the share of failures is too large, once there are enough attempts to tell', () => {
    const breaker = new Breaker(limits)
    for (let n = 0; n < 9; n++) {
      breaker.succeeded(0, false)
      breaker.failed(0, sent)
    }
    breaker.succeeded(0, false)
    assert.equal(breaker.state(0), 'closed', '9 of 19')
    breaker.failed(0, sent)
    assert.equal(breaker.state(0), 'open', '10 of 20')
  })

  test('forgets failures that are older than its window', () => {
    const breaker = new Breaker({ ...limits, failures: 1_000 })
    failed(breaker, 19, 0)
    failed(breaker, 1, 31_000)
    assert.equal(breaker.state(31_000), 'closed')
    failed(breaker, 19, 32_000)
    assert.equal(breaker.state(32_000), 'open')
  })

  test('lets exactly one probe through when its cool-down is over', () => {
    const breaker = failed(new Breaker(limits), 5)
    assert.equal(breaker.state(4_999), 'open')
    assert.equal(breaker.state(5_000), 'half_open')
    assert.ok(breaker.admits(5_000))
    assert.equal(breaker.enter(5_000), true)
    assert.equal(breaker.admits(5_000), false)
    assert.equal(breaker.enter(5_000), false)
  })

  test('closes by the success of its probe', () => {
    const breaker = failed(new Breaker(limits), 5)
    breaker.enter(5_000)
    breaker.succeeded(5_100, true)
    assert.equal(breaker.state(5_100), 'closed')
    failed(breaker, 4, 5_200)
    assert.equal(breaker.state(5_200), 'closed', 'what was before is forgotten')
  })

  test('doubles its cool-down each time its probe fails, to a bound, and begins anew after a success', () => {
    const breaker = failed(new Breaker(limits), 5)
    const waits: number[] = []
    let nowMs = 0
    for (let n = 0; n < 6; n++) {
      waits.push(breaker.opensInMs(nowMs))
      nowMs += breaker.opensInMs(nowMs)
      assert.ok(breaker.enter(nowMs))
      breaker.failed(nowMs, probe)
    }
    assert.deepEqual(waits, [5_000, 10_000, 20_000, 40_000, 60_000, 60_000])
    nowMs += breaker.opensInMs(nowMs)
    breaker.enter(nowMs)
    breaker.succeeded(nowMs, true)
    failed(breaker, 5, nowMs)
    assert.equal(breaker.opensInMs(nowMs), 5_000)
  })

  test('gives the place of a probe that was given up to the next one', () => {
    const breaker = failed(new Breaker(limits), 5)
    breaker.enter(5_000)
    breaker.abandoned(true)
    assert.equal(breaker.state(5_000), 'half_open')
    assert.equal(breaker.enter(5_000), true)
  })

  test('has a place for a probe again when it was closed by another attempt while one was under way', () => {
    const breaker = failed(new Breaker(limits), 5)
    assert.ok(breaker.enter(5_000))
    breaker.succeeded(5_100, false) // one that had begun before it opened
    breaker.succeeded(5_200, true)
    failed(breaker, 5, 6_000)
    assert.ok(!breaker.admits(6_000))
    assert.ok(breaker.admits(11_000), 'half-open, and nobody probes')
    assert.equal(breaker.enter(11_000), true)
  })

  test('is not opened by one failure that was a probe when it began, after it has closed', () => {
    const breaker = failed(new Breaker(limits), 5)
    breaker.enter(5_000)
    breaker.succeeded(5_100, false)
    breaker.failed(5_200, probe)
    assert.equal(breaker.state(5_200), 'closed')
  })

  test('is down when nothing succeeds, in trouble when something does', () => {
    assert.equal(failed(new Breaker(limits), 5).isInTrouble, false)
    const breaker = new Breaker(limits)
    breaker.succeeded(0, false)
    failed(breaker, 5)
    assert.equal(breaker.state(0), 'open')
    assert.equal(breaker.isInTrouble, true)
    failed(breaker, 15)
    assert.equal(breaker.isInTrouble, false, 'twenty in a row')
  })

  test('is down when no connection can be made, whatever it did before', () => {
    const breaker = new Breaker(limits)
    breaker.succeeded(0, false)
    for (let n = 0; n < 5; n++) breaker.failed(0, { isProbe: false, wasSent: false })
    assert.equal(breaker.state(0), 'open')
    assert.equal(breaker.isInTrouble, false)
  })
})

test('law: whatever comes, one probe at most is under way, and a breaker that nobody uses lets one through', () => {
  const step = fc.record({
    passMs: fc.integer({ min: 0, max: 20_000 }),
    what: fc.constantFrom('begin', 'succeed', 'fail', 'abandon'),
    which: fc.nat(),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), steps => {
      const breaker = new Breaker({ ...limits, failures: 2 })
      const underWay: boolean[] = []
      let nowMs = 0
      for (const { passMs, what, which } of steps) {
        nowMs += passMs
        if (what === 'begin') {
          const admitted = breaker.admits(nowMs)
          const isProbe = breaker.enter(nowMs)
          assert.ok(!isProbe || admitted)
          if (admitted) underWay.push(isProbe)
        } else {
          const [isProbe] = underWay.splice(which % Math.max(1, underWay.length), 1)
          if (isProbe === undefined) continue
          if (what === 'succeed') breaker.succeeded(nowMs, isProbe)
          if (what === 'fail') breaker.failed(nowMs, { isProbe, wasSent: true })
          if (what === 'abandon') breaker.abandoned(isProbe)
        }
        assert.ok(underWay.filter(isProbe => isProbe).length <= 1)
      }
      for (const isProbe of underWay) breaker.abandoned(isProbe)
      assert.ok(breaker.admits(nowMs + limits.longestCooldownMs))
    }),
    { numRuns: 500 },
  )
})
