import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Attempt, Call } from '#exchange'
import { systemClock } from '#platform'
import { Exchange } from './exchange.ts'
import { createMetrics, type Gauges } from './metrics.ts'

describe('metrics', () => {
  it('tell failures, retries, hedges and what the losers of a race cost, by target', async () => {
    const metrics = createMetrics(gauges())
    const exchange = await attempted([
      { provider: 'a', end: { status: 'failed', failure: 'overloaded' } },
      { provider: 'a', end: { status: 'failed', failure: 'outcome_unknown' } },
      { provider: 'b', end: {} },
      { provider: 'a', end: { status: 'succeeded' } },
    ])
    Object.assign(exchange.attempts[2] ?? assert.fail(), {
      status: 'cancelled',
      lostRace: true,
      costPicoUsd: 250_000_000_000n,
    })
    exchange.skip({ provider: 'c', model: 'm' }, 'busy')
    exchange.degraded = 'fallback; target=a/m; because=busy'
    metrics.observe(exchange)
    const text = await metrics.render()
    for (const line of [
      'sluice_attempt_failures_total{target="a/m",failure="overloaded"} 1',
      'sluice_attempt_failures_total{target="a/m",failure="outcome_unknown"} 1',
      'sluice_retries_total{target="a/m"} 1',
      'sluice_retries_total{target="b/m"} 0',
      'sluice_hedges_total{target="a/m"} 1',
      'sluice_hedge_cost_usd_total{target="b/m"} 0.25',
      'sluice_skips_total{target="c/m",reason="busy"} 1',
      'sluice_degraded_calls_total{target="a/m"} 1',
      'sluice_calls_total{target="a/m",status="succeeded",code="none"} 1',
    ]) {
      assert.ok(text.split('\n').includes(line), `${line} in\n${text}`)
    }
  })

  it('count what callers named and is not kept apart', async () => {
    const metrics = createMetrics(gauges())
    for (let n = 0; n < 205; n++) metrics.observe(await attempted([{ provider: `p${n}`, end: {} }]))
    metrics.observe(await attempted([{ provider: 'x'.repeat(10_240), end: {} }]))
    metrics.observe(await attempted([{ provider: 'p1', end: {} }]))
    const text = await metrics.render()
    assert.match(text, /^sluice_attribution_dropped_total 414$/m)
    assert.match(text, /^sluice_targets_folded_total 6$/m)
    assert.doesNotMatch(text, /x{300}/)
  })

  it('count targets past 200 together: their load in all, their worst breaker', async () => {
    const many = Array.from({ length: 300 }, (_, n) => ({
      target: `p/${n}`,
      state: n === 299 ? ('open' as const) : ('closed' as const),
      underWay: 2,
    }))
    const text = await createMetrics(gauges({ standings: () => many })).render()
    assert.equal(text.match(/^sluice_breaker_state\{/gm)?.length, 201)
    assert.match(text, /^sluice_breaker_state\{target="other"\} 2$/m)
    assert.match(text, /^sluice_target_under_way\{target="other"\} 200$/m)
    assert.match(text, /^sluice_target_under_way\{target="p\/199"\} 2$/m)
  })

  it('forget what a new configuration no longer has', async () => {
    const named = [{ target: 'p', state: 'half_open' as const, underWay: undefined }]
    const lanes = [{ provider: 'p', waiting: { interactive: 1, batch: 2 } }]
    const metrics = createMetrics(gauges({ standings: () => named, lanes: () => lanes }))
    const before = await metrics.render()
    assert.match(before, /^sluice_breaker_state\{target="p"\} 1$/m)
    assert.match(before, /^sluice_lane_waiting\{provider="p",class="batch"\} 2$/m)
    assert.doesNotMatch(before, /^sluice_target_under_way\{/m)
    named.pop()
    lanes.pop()
    assert.doesNotMatch(await metrics.render(), /^sluice_(breaker_state|lane_waiting)\{/m)
  })
})

function gauges(some: Partial<Gauges> = {}): Gauges {
  return {
    underWay: () => 0,
    waitingForBudgets: () => 0,
    ledger: () => ({ clashes: 0, adjusted: 0 }),
    foldedNames: () => 0,
    pendingRecords: () => 0,
    stalledReaders: () => 0,
    shed: () => [],
    standings: () => [],
    lanes: () => [],
    ...some,
  }
}

/** A call with these attempts, each opened as the one before it had ended, or not. */
async function attempted(legs: { provider: string; end: Partial<Attempt> }[]): Promise<Exchange> {
  const call = { id: `call_${'0'.repeat(32)}`, startedAtMs: 0, attributionDropped: 2 } as Call
  const exchange = new Exchange(call, systemClock, async () => undefined)
  for (const { provider, end } of legs) Object.assign(await exchange.open({ provider, model: 'm' }), end)
  return exchange
}
