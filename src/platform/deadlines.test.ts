import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { VirtualClock } from '../../test/support/virtual-clock.ts'
import { createDeadlines } from './deadlines.ts'

describe('deadlines', () => {
  it('end what is not over in time, each at its own time, by one timer', async () => {
    const clock = new VirtualClock()
    const deadlines = createDeadlines(clock, 50)
    const late: string[] = []
    deadlines.begin(() => late.push('a'))
    await clock.pass(30)
    const over = deadlines.begin(() => late.push('b'))
    deadlines.begin(() => late.push('c'))
    assert.equal(clock.timers, 1)
    await clock.pass(25)
    assert.deepEqual(late, ['a'])
    over()
    await clock.pass(30)
    assert.deepEqual(late, ['a', 'c'])
    assert.equal(clock.timers, 0)
  })

  it('leave no timer behind when all was over in time, or when they are stopped', async () => {
    const clock = new VirtualClock()
    const deadlines = createDeadlines(clock, 50)
    deadlines.begin(() => assert.fail('it was over'))()
    await clock.pass(60)
    assert.equal(clock.timers, 0)
    deadlines.begin(() => assert.fail('nobody waits any more'))
    deadlines.stop()
    assert.equal(clock.timers, 0)
    await clock.pass(60)
  })
})
