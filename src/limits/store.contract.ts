import assert from 'node:assert/strict'
import { beforeEach, it } from 'node:test'
import fc from 'fast-check'
import type { Counted, CounterRef, LimitStore, Line, Outcome, Refused } from './store.ts'

const startMs = Date.UTC(2026, 0, 15, 12)
const endsAtMs = startMs + 3_600_000

/** A counter of the calendar's hour, unless something else is said. */
function lineOf(key: string, amount: bigint, more: Partial<Line> = {}): Line {
  return { key, amount, most: 100n, rolling: undefined, endsAtMs, ...more }
}

/** Of a second, in tenths of it. */
const lastSecond: Partial<Line> = {
  rolling: { windowMs: 1_000, bucketMs: 100 },
  endsAtMs: Number.POSITIVE_INFINITY,
}

/** What holds of counters in any store; `open` gives those of three processes over one and the same store. */
export function storeContract(open: () => Promise<readonly [LimitStore, LimitStore, LimitStore]>): void {
  let one: LimitStore
  let two: LimitStore
  let doors: readonly LimitStore[]
  beforeEach(async () => {
    doors = await open()
    ;[one, two] = doors as [LimitStore, LimitStore]
  })

  const stands = async (ref: CounterRef, atMs = startMs): Promise<Counted | undefined> =>
    (await two.read([ref], atMs))[0]

  it('hold all lines of a call, and say what their counters stand at with it', async () => {
    await one.reserve('a', [lineOf('x', 10n), lineOf('y', 1n)], startMs)
    const outcome = await two.reserve('b', [lineOf('y', 2n), lineOf('x', 30n)], startMs)
    const counted = [
      { spent: 0n, held: 3n },
      { spent: 0n, held: 40n },
    ]
    assert.deepEqual(outcome, { ok: true, counted })
  })

  it('take nothing of any counter when one has no room, and say which one', async () => {
    await one.reserve('a', [lineOf('y', 99n)], startMs)
    const refused = await one.reserve('b', [lineOf('x', 10n), lineOf('y', 2n)], startMs)
    assert.deepEqual(refused, {
      ok: false,
      line: 1,
      because: 'held',
      opensInMs: undefined,
      counted: [
        { spent: 0n, held: 0n },
        { spent: 0n, held: 99n },
      ],
    })
    assert.deepEqual(await stands(lineOf('x', 0n)), { spent: 0n, held: 0n })
    const again = await two.reserve('b', [lineOf('x', 10n), lineOf('y', 1n)], startMs)
    assert.equal(again.ok, true)
  })

  it('let a call have exactly what is left, and nothing to nobody', async () => {
    assert.equal((await one.reserve('a', [lineOf('x', 100n)], startMs)).ok, true)
    assert.equal((await one.reserve('b', [lineOf('x', 1n)], startMs)).ok, false)
    assert.equal((await one.reserve('c', [lineOf('x', 0n)], startMs)).ok, true)
    assert.equal((await one.reserve('d', [lineOf('y', 101n)], startMs)).ok, false)
    assert.equal((await one.reserve('e', [lineOf('y', 1n, { most: 0n })], startMs)).ok, false)
  })

  it('refuse nobody where there is no most, and count all the same', async () => {
    const free = { most: undefined }
    await one.reserve('a', [lineOf('x', 1_000n, free)], startMs)
    await one.reserve('b', [lineOf('x', 1_000n, free)], startMs)
    assert.deepEqual(await stands(lineOf('x', 0n)), { spent: 0n, held: 2_000n })
    assert.equal((await one.reserve('c', [lineOf('x', 1n)], startMs)).ok, false)
  })

  it('spend what was taken and free the rest, once for each call', async () => {
    await one.reserve('a', [lineOf('x', 50n), lineOf('y', 7n)], startMs)
    for (const spent of [20n, 30n]) await one.settle('a', [{ key: 'x', amount: spent }], startMs)
    await one.settle('unknown', [{ key: 'x', amount: 5n }], startMs)
    assert.deepEqual(await stands(lineOf('x', 0n)), { spent: 20n, held: 0n })
    assert.deepEqual(await stands(lineOf('y', 0n)), { spent: 0n, held: 0n })
  })

  it('spend more than was held, and more than there is room for, where a call has cost it', async () => {
    await one.reserve('a', [lineOf('x', 50n)], startMs)
    await one.settle('a', [{ key: 'x', amount: 170n }], startMs)
    assert.deepEqual(await stands(lineOf('x', 0n)), { spent: 170n, held: 0n })
    const refused = await two.reserve('b', [lineOf('x', 1n)], startMs)
    assert.equal(refused.ok || refused.because, 'spent')
  })

  it('say when a period of the calendar renews, if it is what was spent that is in the way', async () => {
    await one.reserve('a', [lineOf('x', 90n)], startMs)
    const held = await one.reserve('b', [lineOf('x', 20n)], startMs)
    assert.equal(!held.ok && held.because, 'held')
    await one.settle('a', [{ key: 'x', amount: 90n }], startMs)
    const spent = (await one.reserve('b', [lineOf('x', 20n)], startMs + 1_000)) as Refused
    assert.deepEqual([spent.because, spent.opensInMs], ['spent', 3_599_000])
    const never = (await one.reserve('b', [lineOf('x', 101n)], startMs)) as Refused
    assert.deepEqual([never.because, never.opensInMs], ['spent', undefined])
  })

  it('amend a hold: what grows needs room for what it grows by, what shrinks is always taken', async () => {
    await one.reserve('a', [lineOf('x', 60n), lineOf('y', 1n)], startMs)
    await two.reserve('b', [lineOf('x', 30n)], startMs)
    const grown = await one.amend('a', [lineOf('x', 70n), lineOf('z', 5n)], startMs)
    assert.deepEqual(grown, {
      ok: true,
      counted: [
        { spent: 0n, held: 100n },
        { spent: 0n, held: 5n },
      ],
    })
    assert.deepEqual(await stands(lineOf('y', 0n)), { spent: 0n, held: 0n })
    const refused = await one.amend('a', [lineOf('x', 71n), lineOf('z', 1n)], startMs)
    assert.equal(refused.ok || refused.line, 0)
    assert.deepEqual(await stands(lineOf('z', 0n)), { spent: 0n, held: 5n })
    const shrunk = await one.amend('a', [lineOf('x', 65n, { most: 10n })], startMs)
    assert.equal(shrunk.ok, true)
    await one.settle('a', [{ key: 'x', amount: 1n }], startMs)
    assert.deepEqual(await stands(lineOf('x', 0n)), { spent: 1n, held: 30n })
  })

  it('forget what is longer ago than a rolling window, bucket by bucket, and say when there is room', async () => {
    for (const [n, atMs] of [startMs, startMs + 250, startMs + 500].entries()) {
      await one.reserve(`${n}`, [lineOf('x', 30n, lastSecond)], atMs)
      await one.settle(`${n}`, [{ key: 'x', amount: 30n }], atMs)
    }
    const refused = (await two.reserve('b', [lineOf('x', 40n, lastSecond)], startMs + 600)) as Refused
    assert.deepEqual(refused, {
      ok: false,
      line: 0,
      because: 'spent',
      opensInMs: 500,
      counted: [{ spent: 90n, held: 0n }],
    })
    assert.equal((await two.reserve('b', [lineOf('x', 40n, lastSecond)], startMs + 1_099)).ok, false)
    assert.equal((await two.reserve('b', [lineOf('x', 40n, lastSecond)], startMs + 1_100)).ok, true)
    const refs = lineOf('x', 0n, lastSecond)
    assert.deepEqual(await stands(refs, startMs + 1_300), { spent: 30n, held: 40n })
    assert.deepEqual(await stands(refs, startMs + 60_000), { spent: 0n, held: 40n })
  })

  it('count what a call took at the time when it was held', async () => {
    await one.reserve('a', [lineOf('x', 30n, lastSecond)], startMs)
    await one.settle('a', [{ key: 'x', amount: 30n }], startMs + 900)
    assert.deepEqual(await stands(lineOf('x', 0n, lastSecond), startMs + 1_099), { spent: 30n, held: 0n })
    assert.deepEqual(await stands(lineOf('x', 0n, lastSecond), startMs + 1_100), { spent: 0n, held: 0n })
    await one.reserve('b', [lineOf('x', 30n, lastSecond)], startMs)
    await one.settle('b', [{ key: 'x', amount: 30n }], startMs + 5_000)
    assert.deepEqual(await stands(lineOf('x', 0n, lastSecond), startMs + 5_000), { spent: 0n, held: 0n })
  })

  it('give places that are taken and come back', async () => {
    const place = (): Line[] => [
      lineOf('x', 1n, { most: 2n, endsAtMs: Number.POSITIVE_INFINITY, isLease: true }),
    ]
    assert.equal((await one.reserve('a', place(), startMs)).ok, true)
    assert.equal((await two.reserve('b', place(), startMs)).ok, true)
    assert.equal((await one.reserve('c', place(), startMs)).ok, false)
    await two.settle('b', [{ key: 'x', amount: 0n }], startMs)
    assert.equal((await one.reserve('c', place(), startMs)).ok, true)
  })

  it('add what is known from elsewhere, also less than nothing, whatever the most', async () => {
    const entry = (amount: bigint, atMs = startMs) => ({ ...lineOf('x', amount), amount, atMs })
    await one.add([entry(150n), { ...entry(7n), key: 'y' }], startMs)
    await two.add([entry(-20n)], startMs)
    assert.deepEqual(await stands(lineOf('x', 0n)), { spent: 130n, held: 0n })
    await two.add([entry(-200n)], startMs)
    assert.deepEqual(await stands(lineOf('x', 0n)), { spent: -70n, held: 0n })
    const rolling = { ...lineOf('z', 0n, lastSecond), amount: 5n }
    const at = [startMs - 5_000, startMs - 500, startMs - 900, startMs - 500]
    await one.add(
      at.map(atMs => ({ ...rolling, atMs })),
      startMs,
    )
    assert.deepEqual(await stands(lineOf('z', 0n, lastSecond)), { spent: 15n, held: 0n })
    assert.deepEqual(await stands(lineOf('z', 0n, lastSecond), startMs + 400), { spent: 10n, held: 0n })
  })

  it('are exact where a double is not', async () => {
    const amounts = fc.array(fc.bigInt(-(10n ** 26n), 10n ** 26n), { minLength: 1, maxLength: 8 })
    let key = 0
    await fc.assert(
      fc.asyncProperty(amounts, async sums => {
        key += 1
        const ref = lineOf(`big${key}`, 0n)
        const entries = sums.map(amount => ({ ...ref, amount, atMs: startMs }))
        await one.add(entries, startMs)
        const spent = sums.reduce((sum, amount) => sum + amount, 0n)
        assert.deepEqual(await stands(ref), { spent, held: 0n })
        const wanted = 10n ** 26n + 1n
        const fits = await one.reserve(`a${key}`, [{ ...ref, amount: wanted, most: spent + wanted }], startMs)
        assert.deepEqual(fits, { ok: true, counted: [{ spent, held: wanted }] })
        const over = await two.reserve(`b${key}`, [{ ...ref, amount: 1n, most: spent + wanted }], startMs)
        assert.equal(over.ok, false)
      }),
      { numRuns: 60 },
    )
  })

  it('never pass the most, and refuse nothing that would have fitted, with 1,000 calls at once', async () => {
    const random = fc.sample(fc.nat(1_000), { numRuns: 4_000, seed: 7 })
    const most = 40_000n
    const ref = lineOf('x', 0n)
    let [spent, held] = [0n, 0n]
    const check = ({ ok, counted }: Outcome, wanted: bigint): boolean => {
      const [now] = counted
      assert(now && now.spent + now.held <= most, 'the most was passed')
      if (!ok) assert(now.spent + now.held + wanted > most, 'it would have fitted')
      return ok
    }
    const call = async (n: number): Promise<void> => {
      const door = doors[n % 3] as LimitStore
      const [first = 0, second = 0, used = 0, what = 0] = random.slice(n * 4, n * 4 + 4)
      const line = (amount: number): Line[] => [lineOf('x', BigInt(amount), { most }), lineOf(`own${n}`, 1n)]
      if (!check(await door.reserve(`c${n}`, line(first), startMs), BigInt(first))) return
      let amount = first
      if (what % 3 === 0) {
        const grown = await door.amend(`c${n}`, line(second), startMs)
        if (check(grown, BigInt(second - first))) amount = second
      }
      if (what % 7 === 1) {
        held += BigInt(amount) // abandoned
        return
      }
      const taken = what % 5 === 0 ? 0n : BigInt(Math.min(used, amount))
      await door.settle(`c${n}`, [{ key: 'x', amount: taken }], startMs)
      spent += taken
    }
    await Promise.all(Array.from({ length: 1_000 }, (_, n) => call(n)))
    assert.deepEqual(await stands(ref), { spent, held })
    assert.ok(spent + held <= most && spent + held > most / 2n, 'the test came near the most')
  })
}
