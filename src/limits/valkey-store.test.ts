import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { eventually } from '../../test/support/eventually.ts'
import { sharedValkey, withoutValkey } from '../../test/support/valkey.ts'
import { MemoryLimitStore } from './memory-store.ts'
import { storeContract } from './store.contract.ts'
import type { Line } from './store.ts'
import { createStage } from './valkey-stage.contract.ts'

const url = sharedValkey ?? ''
const startMs = Date.UTC(2026, 0, 15, 12)

describe('counters in Valkey', { skip: withoutValkey }, () => {
  storeContract(async () => {
    const stage = createStage(url)
    const processes = [await stage.join(), await stage.join(), await stage.join()] as const
    for (const { store } of processes) await eventually('the counters are there', () => store.isReady)
    const [one, two, three] = processes
    return [one.store, two.store, three.store]
  })

  it('answer as those in memory do, whatever is done to them at whatever times', async () => {
    const { store } = await createStage(url).join()
    await eventually('the counters are there', () => store.isReady)
    let run = 0
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { minLength: 5, maxLength: 40 }), async operations => {
        run += 1
        const model = new MemoryLimitStore()
        const held = new Set<string>()
        let nowMs = startMs
        for (const { what, call, lines, passMs } of operations) {
          nowMs += passMs
          const id = `${run}-${call}`
          const ours = lines.map(line => ({ ...line, key: `${run}-${line.key}` }))
          const step = held.has(id) ? what : what === 'read' || what === 'add' ? what : 'reserve'
          const [expected, actual] = [model, store].map(each => {
            if (step === 'reserve') return each.reserve(id, ours, nowMs)
            if (step === 'amend') return each.amend(id, ours, nowMs)
            if (step === 'settle') return each.settle(id, ours, nowMs)
            if (step === 'read') return each.read(ours, nowMs)
            return each.add(
              ours.map((line, n) => ({ ...line, atMs: nowMs - n * 700 })),
              nowMs,
            )
          })
          const outcome = await expected
          assert.deepEqual(await actual, outcome, step)
          if (step === 'reserve' && outcome && 'ok' in outcome && outcome.ok) held.add(id)
          if (step === 'settle') held.delete(id)
        }
      }),
      { numRuns: 150 },
    )
  })
})

const kinds: Record<string, Partial<Line>> = {
  hour: { endsAtMs: startMs + 3_600_000 },
  total: { endsAtMs: Number.POSITIVE_INFINITY },
  second: { endsAtMs: Number.POSITIVE_INFINITY, rolling: { windowMs: 1_000, bucketMs: 250 } },
  odd: { endsAtMs: Number.POSITIVE_INFINITY, rolling: { windowMs: 7_001, bucketMs: 117 } },
}

const operation = fc.record({
  what: fc.constantFrom('amend', 'settle', 'settle', 'read', 'add'),
  call: fc.nat(5),
  /** Clocks of several processes differ. */
  passMs: fc.oneof(fc.integer({ min: -50, max: 400 }), fc.integer({ min: 0, max: 9_000 })),
  lines: fc.uniqueArray(
    fc
      .record({
        key: fc.constantFrom(...Object.keys(kinds)),
        amount: fc.oneof(fc.bigInt(0n, 60n), fc.bigInt(0n, 10n ** 20n)),
        most: fc.option(fc.oneof(fc.bigInt(0n, 150n), fc.bigInt(0n, 10n ** 20n)), { nil: undefined }),
      })
      .map((line): Line => ({ rolling: undefined, endsAtMs: 0, ...line, ...kinds[line.key] })),
    { selector: ({ key }) => key, minLength: 1, maxLength: 4 },
  ),
})
