import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { CallClass } from '#exchange'
import { type ShedCount, Shedder } from './shedder.ts'

const mostDelayMs = 100

/** A process whose pressure is told, and whose time goes on when it is asked to. */
function standing(options: { mostUnderWay?: number; seed?: number } = {}) {
  let [nowMs, seed] = [0, options.seed ?? 1]
  let due: { atMs: number; work: () => void } | undefined
  const at = { delayMs: 0, memory: 0, underWay: 0 }
  const shedder = new Shedder({
    limits: () => ({ mostUnderWay: options.mostUnderWay ?? 100, mostDelayMs }),
    underWay: () => at.underWay,
    pressure: { takeLoopDelayMs: () => at.delayMs, memoryShare: () => at.memory },
    clock: {
      now: () => nowMs,
      monotonic: () => nowMs,
      after(ms, work) {
        due = { atMs: nowMs + ms, work }
        return () => (due = undefined)
      },
    },
    chance: {
      random() {
        seed = (seed * 48_271) % 2_147_483_647 // the minimal standard generator of Park and Miller
        return seed / 2_147_483_647
      },
      bytes: count => Buffer.alloc(count),
    },
  })
  const look = (): void => {
    const { work } = due ?? assert.fail('it looks while calls come')
    due = undefined
    work()
  }
  return {
    at,
    shedder,
    isAtRest: () => due === undefined,
    /** The share of calls that are refused in each of so many tenths of a second. */
    run(tenths: number, of: CallClass = 'interactive', each?: (share: number) => void): number[] {
      return Array.from({ length: tenths }, () => {
        const calls = 200
        let refused = 0
        for (let n = 0; n < calls; n += 1) if (shedder.admit(of)) refused += 1
        each?.(refused / calls)
        nowMs += 100
        look()
        return refused / calls
      })
    },
    rest(tenths: number): void {
      for (let n = 0; n < tenths && due; n += 1) {
        nowMs += 100
        look()
      }
    },
    turn(ms: number): void {
      nowMs += ms
    },
  }
}

const mean = (shares: readonly number[]): number =>
  shares.reduce((sum, share) => sum + share, 0) / shares.length

suite('shedding', () => {
  test('refuses nobody while there is room', () => {
    const { at, run, shedder } = standing()
    at.delayMs = mostDelayMs * 0.9
    at.memory = 0.8
    assert.equal(mean(run(100)), 0)
    assert.deepEqual([...shedder.counts], [])
  })

  test('lets a short burst pass', () => {
    const { at, run } = standing()
    at.delayMs = mostDelayMs * 20
    const burst = run(1)
    at.delayMs = 0
    assert.equal(mean([...burst, ...run(50)]), 0)
  })

  test('grows with a pressure that stands, fades with it, and goes', () => {
    const { at, run, rest, isAtRest } = standing()
    at.delayMs = mostDelayMs * 2
    const growing = run(12)
    assert.equal(growing[0], 0)
    assert.ok(mean(growing.slice(-3)) > mean(growing.slice(6, 9)))
    assert.ok(Math.max(...growing) < 1, 'gradually')
    at.delayMs = 0
    assert.equal(mean(run(50).slice(-30)), 0, 'within two seconds')
    rest(10)
    assert.ok(isAtRest(), 'nothing is looked at when no calls come')
  })

  test('settles where the delay is at its bound, whatever is offered', () => {
    for (const offered of [1.5, 2, 5]) {
      const { at, run } = standing({ seed: offered * 1_000 })
      // Work that is waiting, in milliseconds of work: what is let in comes on top, a tenth of a second is worked off.
      let waitingMs = 0
      const each = (share: number): void => {
        waitingMs = Math.max(waitingMs + 100 * offered * (1 - share) - 100, 0)
        at.delayMs = waitingMs
      }
      const shares = run(600, 'interactive', each).slice(300)
      assert.ok(
        Math.abs(mean(shares) - (1 - 1 / offered)) < 0.05,
        `${mean(shares)} of ${offered} times as much`,
      )
    }
  })

  test('refuses batch work first', () => {
    const { at, run, shedder } = standing()
    at.delayMs = mostDelayMs * 0.8
    assert.equal(mean(run(50)), 0)
    assert.ok(mean(run(10, 'batch')) > 0.9)
    at.delayMs = 0
    run(50)
    at.memory = 0.91
    run(1)
    assert.equal(mean(run(10)), 0)
    assert.ok(mean(run(10, 'batch')) > 0.5)
    const reasons = ({ class: of, reason }: ShedCount): string => `${of} ${reason}`
    assert.deepEqual([...shedder.counts].map(reasons), ['batch delay', 'batch memory'])
  })

  test('refuses all when memory runs out', () => {
    const { at, run } = standing()
    at.memory = 0.98
    assert.equal(mean(run(10)), 1)
  })

  test('takes no more in during a turn that does not end, once there is pressure', () => {
    const { at, run, turn, shedder } = standing()
    turn(10_000)
    assert.equal(shedder.admit('interactive'), undefined, 'a first call finds no pressure')
    at.delayMs = mostDelayMs * 1.2
    run(80)
    turn(100 + mostDelayMs * 4 + 1)
    assert.equal(
      Array.from({ length: 50 }, () => shedder.admit('interactive')).filter(fault => !fault).length,
      0,
    )
  })

  test('says when to come back, later under more pressure, and not to all at once', () => {
    const { at, run, shedder } = standing({ mostUnderWay: 10 })
    at.underWay = 10
    const waits = Array.from({ length: 100 }, () => shedder.admit('interactive')?.detail.retryAfterMs ?? 0)
    assert.ok(Math.min(...waits) >= 500 && Math.max(...waits) <= 15_000)
    assert.ok(new Set(waits).size > 50)
    at.underWay = 8
    assert.equal(shedder.admit('interactive'), undefined)
    assert.equal(shedder.admit('batch')?.code, 'overloaded')
    at.underWay = 0
    assert.equal(mean(run(5)), 0)
  })
})
