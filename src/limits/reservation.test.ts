import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import type { Decision, Fault, Refusal } from '#exchange'
import { settled } from '../../test/support/virtual-clock.ts'
import { readGlob } from './glob.ts'
import { type Guest, rule, Stage, target, usd, used, type Wish } from './stage.contract.ts'
import { calendarWindow, nowWindow, rollingWindow } from './window.ts'

const other = { provider: 'q', model: 'm' }

async function admitted(answer: Promise<Decision<Guest>>): Promise<Guest> {
  const decision = await answer
  assert.ok(decision.ok, JSON.stringify(decision))
  return decision.value
}

async function refused(answer: Promise<Decision<Guest>>): Promise<Refusal> {
  const decision = await answer
  assert.ok(!decision.ok)
  return decision
}

suite('what a call holds', () => {
  test('is the most that it can come to, until what it used is known', async () => {
    const stage = new Stage([rule({})])
    const guest = await admitted(stage.ask({ input: 30, cap: 20 }).answer)
    assert.deepEqual(stage.counted(), { spent: 0n, held: 50n * usd })
    const { attempt, cap } = await guest.attempt()
    assert.equal(cap, 20)
    guest.end(attempt, used({ input: 7, output: 3 }))
    guest.reservation.settle()
    guest.reservation.settle()
    assert.deepEqual(stage.counted(), { spent: 10n * usd, held: 0n })
    assert.deepEqual(attempt.counts, { inputTokens: 7, outputTokens: 3, picoUsd: 10n * usd })
    assert.equal(stage.store.holds, 0)
  })

  test('is counted closer before anything else is done about what does not fit', async () => {
    const stage = new Stage([rule({})])
    const guest = await admitted(stage.ask({ input: 500, closer: 40, cap: 20 }).answer)
    assert.deepEqual(stage.counted().held, 60n * usd)
    assert.deepEqual(guest.degraded, [])
  })

  test('stays counted where nobody knows what came of it, and is free where nothing was used', async () => {
    const stage = new Stage([rule({ most: 1000n * usd })])
    const guest = await admitted(stage.ask().answer)
    const first = await guest.attempt()
    guest.end(first.attempt, { status: 'failed', code: 'upstream_timeout', usageSource: 'unknown' })
    const second = await guest.attempt()
    assert.deepEqual(stage.counted(), { spent: 0n, held: 40n * usd })
    guest.end(second.attempt, { status: 'failed', code: 'provider_failed' })
    const third = await guest.attempt(other)
    guest.end(third.attempt, used({ input: 4 }))
    guest.reservation.settle()
    assert.deepEqual(stage.counted(), { spent: 24n * usd, held: 0n })
  })

  test('is given up in part where an answer was cut, and of the output only where some of it was seen', async () => {
    const cut = { status: 'cancelled', usage: { input: 10 }, usageSource: 'estimate' } as const
    const stage = new Stage([rule({ most: 9_999n * usd })])
    const [unseen, seen] = [
      await admitted(stage.ask({ input: 50, cap: 400 }).answer),
      await admitted(stage.ask({ input: 50, cap: 400 }).answer),
    ]
    const first = await unseen.attempt()
    unseen.end(first.attempt, cut)
    unseen.reservation.settle()
    assert.deepEqual(stage.counted().spent, 427n * usd, 'a provider may go on with a plain answer')
    const second = await seen.attempt()
    await stage.clock.pass(1_009)
    seen.end(second.attempt, { ...cut, firstTokenMs: 9, usage: { input: 10, output: 32 } })
    seen.reservation.settle()
    assert.deepEqual(second.attempt.counts?.outputTokens, 32 + 2 + 16 + 8, 'and what it makes in 250 ms')
  })

  test('stays counted for what may have been thought unseen, as fast as it was written, where a stream is cut', async () => {
    const stage = new Stage([rule({ most: 99_999n * usd })])
    const guest = await admitted(stage.ask({ input: 50, cap: 4_000 }).answer)
    const { attempt } = await guest.attempt()
    await stage.clock.pass(12_000)
    const usage = { input: 10, output: 32 }
    guest.end(attempt, { status: 'cancelled', usage, usageSource: 'estimate', firstTokenMs: 11_000 })
    guest.reservation.settle()
    assert.deepEqual(attempt.counts?.outputTokens, 32 + 2 + 16 + 8 + 320, 'ten seconds of 32 tokens each')
  })

  test('is given up in no part where the reader was behind: much may be on its way to it', async () => {
    const stage = new Stage([rule({ most: 9_999n * usd })])
    const guest = await admitted(stage.ask({ input: 50, cap: 400 }).answer)
    const { attempt } = await guest.attempt()
    await stage.clock.pass(1_000)
    guest.end(attempt, {
      status: 'cancelled',
      usage: { input: 10, output: 32 },
      usageSource: 'estimate',
      firstTokenMs: 9,
      behind: true,
    })
    guest.reservation.settle()
    assert.deepEqual(attempt.counts?.outputTokens, 400)
  })

  test('is on record of an attempt that no rule looks at, for the budgets that are made tomorrow', async () => {
    const elsewhere = rule({ match: { organization: [readGlob('another')] } })
    const stage = new Stage([elsewhere])
    const guest = await admitted(stage.ask({ input: 50, cap: 400 }).answer)
    const { attempt } = await guest.attempt()
    await stage.clock.pass(1_009)
    const usage = { input: 10, output: 32 }
    guest.end(attempt, { status: 'cancelled', usage, usageSource: 'estimate', firstTokenMs: 9 })
    guest.reservation.settle()
    assert.deepEqual(attempt.counts?.outputTokens, 32 + 2 + 16 + 8)
  })

  test('stays counted for what was read where a stream fails before it says anything', async () => {
    const stage = new Stage([rule({ most: 1000n * usd })])
    const guest = await admitted(stage.ask({ input: 50, cap: 400 }).answer)
    const { attempt } = await guest.attempt()
    guest.end(attempt, { status: 'failed', httpStatus: 200, code: 'provider_overloaded' })
    guest.reservation.settle()
    assert.deepEqual(attempt.counts, { inputTokens: 50, outputTokens: 0, picoUsd: 50n * usd })
  })

  test('moves on with the call to another target, and to that one’s budgets', async () => {
    const perProvider = rule({ per: ['provider'], dependsOnTarget: true })
    const stage = new Stage([perProvider])
    const guest = await admitted(stage.ask({ targets: [target, other] }).answer)
    assert.equal(stage.counted(0, 'provider/p').held, 20n * usd)
    const { attempt } = await guest.attempt(other) // the first one was passed over
    guest.end(attempt, used({ input: 1 }))
    guest.reservation.settle()
    assert.deepEqual(stage.counted(0, 'provider/p'), { spent: 0n, held: 0n })
    assert.deepEqual(stage.counted(0, 'provider/q'), { spent: usd, held: 0n })
  })

  test('is let go also when the first target was passed over and the next one cannot be afforded', async () => {
    const perProvider = rule({ per: ['provider'], dependsOnTarget: true, most: 30n * usd })
    const stage = new Stage([perProvider])
    const before = await admitted(stage.ask({ targets: [other] }).answer)
    before.end((await before.attempt(other)).attempt, used({ input: 20 }))
    before.reservation.settle()
    const guest = await admitted(stage.ask({ targets: [target, other] }).answer)
    await assert.rejects(guest.attempt(other), { code: 'budget_exceeded' })
    guest.reservation.settle()
    assert.deepEqual(stage.counted(0, 'provider/p'), { spent: 0n, held: 0n })
    assert.equal(stage.store.holds, 0)
  })

  test('is let go also when the next target is nobody’s business', async () => {
    const stage = new Stage([rule({ match: { provider: [readGlob('p')] }, dependsOnTarget: true })])
    const guest = await admitted(stage.ask({ targets: [target, other] }).answer)
    const { attempt } = await guest.attempt(other)
    assert.deepEqual(stage.counted(), { spent: 0n, held: 0n })
    guest.end(attempt, used({ input: 1 }))
    guest.reservation.settle()
    assert.equal(stage.store.holds, 0)
  })

  test('is nothing of a way that could not be put on record, or was never sent', async () => {
    const stage = new Stage([rule({})])
    const guest = await admitted(stage.ask().answer)
    const { attempt } = await guest.attempt()
    guest.end(attempt, { status: 'cancelled', code: 'client_closed', usage: {} })
    await guest.reservation.cover(other)
    guest.reservation.settle()
    assert.deepEqual(stage.counted(), { spent: 0n, held: 0n })
  })

  test('is nothing more once the call is over, though one of its ways still waits', async () => {
    const perProvider = rule({ per: ['provider'], dependsOnTarget: true, most: 20n * usd })
    const stage = new Stage([perProvider])
    const first = await admitted(stage.ask().answer)
    const guest = await admitted(stage.ask({ targets: [other] }).answer)
    await assert.rejects(guest.attempt(target), ({ detail }: Fault) => detail.elsewhere === true)
    const waiting = guest.attempt(target) // nobody else took it: it comes back
    await settled()
    guest.reservation.settle()
    first.reservation.settle()
    await assert.rejects(waiting, { code: 'client_closed' })
    assert.equal(stage.store.holds, 0)
  })

  test('is nothing once it ended without an attempt, not even a request', async () => {
    const stage = new Stage([
      rule({ kind: 'limit', unit: 'requests', most: 1n, window: rollingWindow(60_000) }),
    ])
    const guest = await admitted(stage.ask().answer)
    guest.reservation.settle()
    assert.deepEqual(stage.counted(), { spent: 0n, held: 0n })
  })
})

suite('a budget that is short', () => {
  test('cuts the output to what is left of it, and the caller is told', async () => {
    const stage = new Stage([rule({ most: 60n * usd })])
    const guest = await admitted(stage.ask({ input: 10, cap: 200 }).answer)
    assert.equal((await guest.attempt()).cap, 50)
    assert.deepEqual(guest.degraded, ['output_cap=50; because=budget'])
    assert.deepEqual(stage.counted().held, 60n * usd)
  })

  test('refuses what would not fit however short, and says what is left and when it renews', async () => {
    const stage = new Stage([
      rule({ id: 'calls', kind: 'limit', unit: 'requests', most: 9n, window: rollingWindow(60_000) }),
      rule({ most: 20n * usd }),
    ])
    const { code, message, detail } = await refused(stage.ask({ input: 10, cap: 200 }).answer)
    assert.equal(code, 'budget_exceeded')
    assert.match(message, /`budget` has \$20 left of \$20 \(\$0 spent\).*may take \$210.*renews at \d{4}-/)
    assert.ok((detail?.retryAfterMs ?? 0) > 0)
    assert.deepEqual(stage.counted(0), { spent: 0n, held: 0n }, 'a refused call consumes nothing')
  })

  test('tells nothing of itself to callers who may not see it', async () => {
    const stage = new Stage([rule({ id: 'secret', most: 20n * usd, visible: false })])
    const { message } = await refused(stage.ask({ cap: 200 }).answer)
    assert.doesNotMatch(message, /secret|\$/)
  })

  test('refuses a call whose cost nobody knows, and says what helps', async () => {
    const unpriced = await refused(new Stage([rule({})], false).ask().answer)
    assert.equal(unpriced.code, 'unpriced_call')
    assert.match(unpriced.message, /`p\/m` has no price.*`prices`.*`unpriced: allow`/)
    const boundless = await refused(new Stage([rule({})]).ask({ boundless: 'tools[0] (web_search)' }).answer)
    assert.match(boundless.message, /web_search/)
    await admitted(new Stage([rule({ unpriced: 'allow' })], false).ask().answer)
    await admitted(new Stage([rule({ hard: false })], false).ask().answer)
  })
})

suite('what others hold', () => {
  const most = 30n * usd

  test('is waited for, first come first served, and nobody is cut short who asks for the usual', async () => {
    const stage = new Stage([rule({ most })])
    const first = await admitted(stage.ask().answer)
    const { attempt } = await first.attempt()
    const order: string[] = []
    const [second, third] = ['second', 'third'].map(async name => {
      const guest = await admitted(stage.ask().answer)
      order.push(name)
      return guest
    }) as [Promise<Guest>, Promise<Guest>]
    await settled()
    assert.deepEqual(order, [])
    first.end(attempt, used({ input: 1 }))
    first.reservation.settle()
    const next = await second
    await settled()
    assert.deepEqual([order, next.degraded], [['second'], []])
    next.reservation.settle()
    await third
  })

  test('does not keep out who fits beside it', async () => {
    const stage = new Stage([rule({ most })])
    await admitted(stage.ask({ input: 10, cap: 10 }).answer)
    void stage.ask({ input: 10, cap: 10 }).answer
    await settled()
    await admitted(stage.ask({ input: 5, cap: 5 }).answer)
  })

  test('and is then spent: who waits hears so at once, one after the other, and who needs less is let in', async () => {
    const stage = new Stage([rule({ most })])
    const first = await admitted(stage.ask({ input: 30, cap: 0 }).answer)
    const { attempt } = await first.attempt()
    const waiting = [20, 20, 5].map(cap => stage.ask({ input: 5, cap }).answer)
    await settled()
    first.end(attempt, used({ input: 20 }))
    first.reservation.settle()
    const heard = await Promise.all(waiting)
    assert.deepEqual(
      heard.map(decision => (decision.ok ? 'admitted' : decision.code)),
      ['budget_exceeded', 'budget_exceeded', 'admitted'],
    )
  })

  test('is of the window in which it was held: who waits into the next one has what is renewed there', async () => {
    const stage = new Stage([rule({ most, window: calendarWindow('minute', 'UTC') })])
    await stage.clock.pass(60_000 - (stage.clock.now() % 60_000) - 1_000)
    await admitted(stage.ask({ input: 30, cap: 0 }).answer)
    const late = stage.ask().answer
    await stage.clock.pass(10_000)
    const { degraded } = await admitted(late)
    assert.deepEqual(degraded, [])
  })

  test('is given up after ten seconds, with a word on when to come back', async () => {
    const stage = new Stage([rule({ most })])
    await admitted(stage.ask({ input: 30, cap: 0 }).answer)
    const late = stage.ask().answer
    await stage.clock.pass(10_000)
    const { code, detail } = await refused(late)
    assert.deepEqual([code, detail?.retryAfterMs], ['budget_held', 1_000])
  })

  test('cuts the output after two seconds, to half of what is free', async () => {
    const stage = new Stage([rule({ most: 130n * usd })])
    await admitted(stage.ask({ input: 20, cap: 0 }).answer)
    const late = stage.ask({ input: 10, cap: 110 }).answer
    await settled()
    await stage.clock.pass(2_000)
    const guest = await admitted(late)
    assert.equal((await guest.attempt()).cap, 45)
  })

  test('cuts the boundless at once: nobody waits for the worst case of others', async () => {
    const stage = new Stage([rule({ most: 100_000n * usd })])
    const caps: (number | undefined)[] = []
    for (let n = 0; n < 8; n++) {
      const guest = await admitted(stage.clock.passUntil(stage.ask({ cap: undefined }).answer))
      caps.push((await guest.attempt()).cap)
    }
    assert.deepEqual(caps, [16_384, 16_384, 16_384, 16_384, 16_384, 9_005, 4_497, 2_244])
  })

  test('is not waited for by a caller who left', async () => {
    const stage = new Stage([rule({ most })])
    const first = await admitted(stage.ask({ input: 30, cap: 0 }).answer)
    const late = stage.ask()
    await settled()
    late.leave()
    await assert.rejects(late.answer, { code: 'client_closed' })
    first.reservation.settle()
    assert.equal(stage.store.holds, 0)
  })
})

suite('limits', () => {
  test('hold places for calls under way, and say so at once when there is none', async () => {
    const stage = new Stage([rule({ kind: 'limit', unit: 'concurrent', most: 1n, window: nowWindow })])
    const first = await admitted(stage.ask().answer)
    const { code, message } = await refused(stage.ask().answer)
    assert.equal(code, 'rate_limited')
    assert.match(message, /1 call under way/)
    first.reservation.settle()
    await admitted(stage.ask().answer)
  })

  test('say so where what is asked for is more than they ever allow: asking again would not help', async () => {
    const tokens = { kind: 'limit', unit: 'tokens', window: rollingWindow(60_000) } as const
    const beyond = new Stage([rule({ ...tokens, most: 40n })])
    const { detail, message } = await refused(beyond.ask({ input: 50 }).answer)
    assert.deepEqual([detail?.hopeless, detail?.retryAfterMs], [true, undefined])
    assert.match(message, /more than the limit ever allows at once/)
    const within = new Stage([rule({ ...tokens, most: 60n })])
    const guest = await admitted(within.ask({ input: 30, cap: 20 }).answer)
    guest.end((await guest.attempt()).attempt, used({ input: 30, output: 20 }))
    guest.reservation.settle()
    assert.equal((await refused(within.ask({ input: 30, cap: 20 }).answer)).detail?.hopeless, false)
  })

  test('allow no more in any window than they say, and open when they say', async () => {
    const stage = new Stage([
      rule({ kind: 'limit', unit: 'requests', most: 2n, window: rollingWindow(60_000) }),
    ])
    const go = async (): Promise<void> => {
      const guest = await admitted(stage.ask().answer)
      guest.end((await guest.attempt()).attempt, used({ input: 1 }))
      guest.reservation.settle()
    }
    await go()
    await stage.clock.pass(40_000)
    await go()
    const { detail } = await refused(stage.ask().answer)
    const waitMs = detail?.retryAfterMs ?? 0
    assert.ok(waitMs >= 20_000 && waitMs <= 20_250, `${waitMs}`)
    await stage.clock.pass(waitMs)
    await go()
    assert.equal((await refused(stage.ask().answer)).code, 'rate_limited')
  })
})

test('no budget is ever passed, and nobody is refused who would have fitted', async () => {
  const wish = fc.record({
    input: fc.integer({ min: 1, max: 40 }),
    cap: fc.integer({ min: 1, max: 60 }),
    used: fc.double({ min: 0, max: 1, noNaN: true }),
    end: fc.constantFrom('answer', 'fail', 'unknown', 'gone'),
    afterMs: fc.integer({ min: 0, max: 4_000 }),
    takesMs: fc.integer({ min: 1, max: 6_000 }),
  })
  await fc.assert(
    fc.asyncProperty(
      fc.array(wish, { minLength: 1, maxLength: 40 }),
      fc.integer({ min: 30, max: 900 }),
      async (wishes, most) => {
        const stage = new Stage([rule({ most: BigInt(most) * usd })])
        let [billed, open] = [0, wishes.length]
        for (const { input, cap, used: share, end, afterMs, takesMs } of wishes) {
          stage.clock.after(
            afterMs,
            () => void live({ input, cap }, { share, end, takesMs }).finally(() => (open -= 1)),
          )
        }
        async function live(ask: Wish, how: { share: number; end: string; takesMs: number }): Promise<void> {
          const decision = await stage.ask(ask).answer
          if (!decision.ok) {
            const { spent, held } = stage.counted()
            const least = BigInt((ask.input ?? 0) + Math.min(16, ask.cap ?? 0)) * usd
            assert.ok(spent + held + least > BigInt(most) * usd, `refused beside ${spent} and ${held}`)
            return
          }
          const guest = decision.value
          const { attempt, cap = 0 } = await guest.attempt()
          await new Promise<void>(resolve => void stage.clock.after(how.takesMs, resolve))
          const tokens = {
            input: Math.ceil((ask.input ?? 0) * how.share),
            output: Math.floor(cap * how.share),
          }
          if (how.end !== 'fail') billed += tokens.input + tokens.output
          if (how.end === 'answer') guest.end(attempt, used(tokens))
          else if (how.end === 'gone')
            guest.end(attempt, { status: 'cancelled', usage: tokens, usageSource: 'estimate' })
          else
            guest.end(attempt, { status: 'failed', ...(how.end === 'unknown' && { usageSource: 'unknown' }) })
          guest.reservation.settle()
        }
        for (let ms = 0; ms < 40_000 && open > 0; ms += 250) {
          await settled()
          await stage.clock.pass(250)
          const { spent, held } = stage.counted()
          assert.ok(spent + held <= BigInt(most) * usd, 'the counter never passes the limit')
        }
        await settled()
        assert.equal(open, 0, 'every call ends')
        assert.ok(billed <= most, `${billed} were billed of ${most}`)
        assert.deepEqual([stage.counted().held, stage.store.holds], [0n, 0])
      },
    ),
    { numRuns: 150 },
  )
})
