import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Call, Target } from '#exchange'
import { systemClock } from '#platform'
import { Exchange, type Intend } from './exchange.ts'

const first: Target = { provider: 'openai', model: 'gpt-5' }
const second: Target = { provider: 'anthropic', model: 'claude' }

describe('an exchange', () => {
  it('says of each further attempt whether it is a fail-over or a retry', async () => {
    const exchange = begin()
    for (const target of [first, second, { ...first }]) (await exchange.open(target)).status = 'failed'
    assert.deepEqual(
      exchange.attempts.map(({ n, reason }) => [n, reason]),
      [
        [1, undefined],
        [2, 'fail_over'],
        [3, 'retry'],
      ],
    )
  })

  it('says of an attempt that is made beside another one that it is a hedge, under a number of its own', async () => {
    const exchange = begin()
    await exchange.open(first)
    await exchange.open(second)
    assert.deepEqual(
      exchange.attempts.map(({ n, reason }) => [n, reason]),
      [
        [1, undefined],
        [2, 'hedge'],
      ],
    )
  })

  it('knows them apart while the first is still on its way to the record', async () => {
    const commits: (() => void)[] = []
    const exchange = begin(() => new Promise(resolve => commits.push(() => resolve())))
    const opened = [exchange.open(first), exchange.open(second)]
    for (const commit of commits) commit()
    const attempts = await Promise.all(opened)
    assert.deepEqual(
      attempts.map(({ n, reason }) => [n, reason]),
      [
        [1, undefined],
        [2, 'hedge'],
      ],
    )
  })

  // Seed 2 of the simulation: the hedge had failed by itself, and was named as what answered.
  it('comes from the attempt that answers, not from one that was made later and failed', async () => {
    const exchange = begin()
    const [slow, hedge] = [await exchange.open(first), await exchange.open(second)]
    hedge.status = 'failed'
    assert.equal(exchange.decisive, slow, 'while it answers')
    slow.status = 'succeeded'
    assert.equal(exchange.decisive, slow)
    Object.assign(hedge, { endedAtMs: 1 })
    Object.assign(slow, { status: 'failed', endedAtMs: 2 })
    assert.equal(exchange.decisive, slow, 'the last to fail')
  })

  it('notes a target that was passed over once for a reason', () => {
    const exchange = begin()
    exchange.skip(first, 'busy')
    exchange.skip(first, 'breaker_open')
    exchange.skip(first, 'busy')
    assert.deepEqual(
      exchange.skips.map(({ reason }) => reason),
      ['busy', 'breaker_open'],
    )
  })
})

function begin(intend: Intend = async () => undefined): Exchange {
  const call = { id: `call_${'0'.repeat(32)}`, startedAtMs: 0 } as Call
  return new Exchange(call, systemClock, intend)
}
