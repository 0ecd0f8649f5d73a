import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { type Attempt, type CallClass, type Decision, Fault } from '#exchange'
import type { Clock } from '#platform'
import type { LaneAsk, Lanes, Slot } from './lane.ts'
import { type LaneLimits, usualQueue } from './lane-limits.ts'
import { createLanes } from './lanes.ts'
import type { Provider } from './provider.ts'

/** Time that is turned by hand; timers run at their own moment, in order. */
class Turned implements Clock {
  #nowMs = 0
  #timers: { dueMs: number; work: () => void }[] = []

  now = () => Date.UTC(2026, 10, 21) + this.#nowMs
  monotonic = () => this.#nowMs

  after(ms: number, work: () => void): () => void {
    const timer = { dueMs: this.#nowMs + ms, work }
    this.#timers.push(timer)
    return () => {
      this.#timers = this.#timers.filter(one => one !== timer)
    }
  }

  get timers(): number {
    return this.#timers.length
  }

  turn(ms: number): void {
    const endMs = this.#nowMs + ms
    for (;;) {
      const [next] = this.#timers.toSorted((a, b) => a.dueMs - b.dueMs)
      if (!next || next.dueMs > endMs) break
      this.#timers = this.#timers.filter(one => one !== next)
      this.#nowMs = next.dueMs
      next.work()
    }
    this.#nowMs = endMs
  }
}

interface Asked {
  organization: string
  class: CallClass
  atMs: number
  answer: Decision<Slot> | undefined
  answers: number
  enteredMs: number | undefined
  hangUp(): void
}

/** One provider's lane, and who has asked it. */
class Stage {
  readonly clock = new Turned()
  readonly provider: Provider
  readonly #lanes: Lanes
  readonly asked: Asked[] = []
  /** In the order of being let in. */
  readonly entered: Asked[] = []

  constructor(limits: Partial<LaneLimits> = {}, connections = 1_000) {
    this.provider = {
      name: 'up',
      identity: 'up 1',
      limits: { models: {}, queue: usualQueue, ...limits },
      connections,
    } as Provider
    const chance = { random: () => 0, bytes: (count: number) => Buffer.alloc(count) }
    this.#lanes = createLanes({ clock: this.clock, chance })
  }

  async ask(what: Partial<LaneAsk> = {}): Promise<Asked> {
    let leave: () => void = () => undefined
    const presence = {
      gone: false,
      onGone(work: () => void) {
        leave = work
      },
    }
    const ask: LaneAsk = {
      organization: 'acme',
      class: 'interactive',
      model: 'm',
      tokens: 10,
      untilMs: Number.POSITIVE_INFINITY,
      mayWait: true,
      presence,
      ...what,
    }
    const nowMs = this.clock.monotonic()
    const asked: Asked = {
      organization: ask.organization,
      class: ask.class,
      atMs: nowMs,
      answer: undefined,
      answers: 0,
      enteredMs: undefined,
      hangUp() {
        presence.gone = true
        leave()
      },
    }
    this.asked.push(asked)
    const take = (answer: Decision<Slot>): void => {
      asked.answer = answer
      asked.answers += 1
      if (!answer.ok) return
      asked.enteredMs = this.clock.monotonic()
      this.entered.push(asked)
    }
    const answer = this.#lanes.enter(this.provider, ask)
    if (answer instanceof Promise) void answer.then(take)
    else take(answer)
    await settle()
    return asked
  }

  /** A millisecond at a time, so that each answer is seen at its own moment. */
  async turn(ms: number, each?: () => Promise<void>): Promise<void> {
    for (let at = 0; at < ms; at++) {
      this.clock.turn(1)
      await settle()
      await each?.()
    }
  }

  async leave({ answer }: Asked, attempt: Partial<Attempt> = {}, fault?: Fault): Promise<void> {
    assert(answer?.ok, 'it was let in')
    answer.value.leave(ended(attempt), fault)
    await settle()
  }

  standing() {
    return this.#lanes.describe([this.provider])
  }
}

const none = { interactive: 0, batch: 0 }

const settle = async (): Promise<void> => {
  await Promise.resolve()
  await Promise.resolve()
}

function ended(attempt: Partial<Attempt>): Attempt {
  const usage = { input: 10, output: 10 }
  return {
    n: 1,
    target: { provider: 'up', model: 'm' },
    startedAtMs: 0,
    status: 'succeeded',
    usage,
    ...attempt,
  }
}

const refusedFor = (retryAfterMs?: number): Fault => new Fault('rate_limited', 'Too many.', { retryAfterMs })
const isIn = ({ answer }: Asked): boolean => answer?.ok === true

function refusalOf({ answer }: Asked): { code: string; retryAfterMs: number | undefined } {
  assert(answer && !answer.ok, 'it was refused')
  return { code: answer.code, retryAfterMs: answer.detail?.retryAfterMs }
}

suite('a lane without limits', () => {
  test('lets everybody in at once, and sets no timer', async () => {
    const stage = new Stage()
    for (let n = 0; n < 500; n++) assert.ok(isIn(await stage.ask()))
    assert.equal(stage.clock.timers, 0)
  })

  test('lets no more in than there are connections', async () => {
    const stage = new Stage({}, 2)
    await stage.ask()
    const last = await stage.ask()
    const waiting = await stage.ask()
    assert.equal(waiting.answer, undefined)
    await stage.leave(last)
    assert.ok(isIn(waiting))
  })
})

suite('a lane', () => {
  test('keeps to its limits, and answers everybody once, whatever comes', async () => {
    const event = fc.record({
      afterMs: fc.nat(400),
      organization: fc.constantFrom('a', 'b', 'c'),
      class: fc.constantFrom<CallClass>('interactive', 'batch'),
      model: fc.constantFrom('m', 'n'),
      tokens: fc.nat(300),
      mayWait: fc.boolean(),
      holdMs: fc.nat(2_000),
      hangUpAfterMs: fc.option(fc.nat(2_000)),
      refused: fc.boolean(),
    })
    const limits = fc.record({
      concurrency: fc.option(fc.integer({ min: 1, max: 6 }), { nil: undefined }),
      requestsPerMinute: fc.option(fc.integer({ min: 6, max: 900 }), { nil: undefined }),
      tokensPerMinute: fc.option(fc.integer({ min: 600, max: 90_000 }), { nil: undefined }),
    })
    const law = fc.asyncProperty(fc.array(event, { maxLength: 60 }), limits, async (events, given) => {
      const queue = { interactiveMs: 2_000, batchMs: 5_000, length: 20 }
      const stage = new Stage({ ...given, queue })
      const { clock } = stage
      let underWay = 0
      const entered: number[] = []
      for (const one of events) {
        clock.turn(one.afterMs)
        await settle()
        const asked = await stage.ask(one)
        if (one.hangUpAfterMs !== null) clock.after(one.hangUpAfterMs, () => asked.hangUp())
        const watch = (): void => {
          if (asked.answer === undefined) return void clock.after(1, watch)
          if (!asked.answer.ok) return
          const slot = asked.answer.value
          underWay += 1
          entered.push(asked.enteredMs ?? 0)
          clock.after(one.holdMs, () => {
            underWay -= 1
            if (one.refused) slot.leave(ended({ status: 'failed' }), refusedFor(500))
            else slot.leave(ended({}))
          })
        }
        watch()
        const [whole] = stage.standing()
        assert.ok((whole?.underWay ?? 0) <= (given.concurrency ?? Number.POSITIVE_INFINITY))
      }
      for (let n = 0; n < 200; n++) {
        clock.turn(50)
        await settle()
        assert.ok(underWay <= (given.concurrency ?? Number.POSITIVE_INFINITY))
      }
      assert.ok(stage.asked.every(({ answers }) => answers === 1))
      const perMs = (given.requestsPerMinute ?? Number.POSITIVE_INFINITY) / 60_000
      const burst = Math.max(1, perMs * 5_000)
      for (const [from, fromMs] of entered.entries())
        for (const [to, toMs] of entered.entries())
          if (to >= from) assert.ok(to - from + 1 <= (toMs - fromMs + 1) * perMs + burst + 1e-6)
      const [whole] = stage.standing()
      assert.deepEqual(whole?.waiting ?? none, none)
      assert.equal(whole?.underWay ?? 0, 0)
      assert.equal(clock.timers, 0)
    })
    await fc.assert(law, { numRuns: 60 })
  })

  test('lets interactive calls go before batch calls that came earlier', async () => {
    const stage = new Stage({ concurrency: 1 })
    const first = await stage.ask()
    const batch = await stage.ask({ class: 'batch' })
    const interactive = await stage.ask()
    await stage.leave(first)
    assert.ok(isIn(interactive))
    assert.equal(batch.answer, undefined)
    await stage.leave(interactive)
    assert.ok(isIn(batch))
  })

  test('keeps places free of batch work, more of them after a peak of interactive work', async () => {
    const stage = new Stage({ concurrency: 16 })
    const letIn = async (): Promise<number> => {
      const all = await Promise.all(
        Array.from({ length: 20 }, () => stage.ask({ class: 'batch', mayWait: false })),
      )
      const inside = all.filter(isIn)
      for (const one of inside) await stage.leave(one)
      return inside.length
    }
    assert.equal(await letIn(), 12)
    const peak = await Promise.all(Array.from({ length: 8 }, () => stage.ask()))
    for (const one of peak) await stage.leave(one)
    assert.equal(await letIn(), 6)
    await stage.turn(0)
    stage.clock.turn(70_000)
    await letIn()
    stage.clock.turn(70_000)
    assert.equal(await letIn(), 12)
  })

  test('lets one batch call in for nine interactive ones, however many of these wait', async () => {
    const stage = new Stage({ concurrency: 4 })
    await Promise.all(Array.from({ length: 54 }, () => stage.ask()))
    await Promise.all(Array.from({ length: 50 }, () => stage.ask({ class: 'batch' })))
    for (let n = 0; n < 50; n++) await stage.leave(stage.entered[n] as Asked)
    const order = stage.entered.slice(4).map(one => one.class)
    const batch = order.filter(one => one === 'batch').length
    assert.ok(batch >= 4 && batch <= 6, `${batch} of ${order.length}`)
  })

  test('lets a batch call use a free place in the end, although interactive calls hold all the others', async () => {
    const stage = new Stage({ concurrency: 4 })
    for (let n = 0; n < 3; n++) await stage.ask()
    const batch = await stage.ask({ class: 'batch' })
    stage.clock.turn(9_000)
    await settle()
    assert.equal(batch.answer, undefined)
    stage.clock.turn(2_000)
    await settle()
    assert.ok(isIn(batch))
  })

  test('gives places to the organization that has the fewest', async () => {
    const stage = new Stage({ concurrency: 4 })
    const inside = await Promise.all(Array.from({ length: 4 }, () => stage.ask({ organization: 'noisy' })))
    await Promise.all(Array.from({ length: 40 }, () => stage.ask({ organization: 'noisy' })))
    const quiet = await Promise.all([
      stage.ask({ organization: 'quiet' }),
      stage.ask({ organization: 'quiet' }),
    ])
    for (const one of inside.slice(0, 2)) await stage.leave(one)
    assert.ok(quiet.every(isIn))
  })

  test('shares a rate evenly between organizations, and asks nothing of them for what was idle before', async () => {
    const stage = new Stage({ requestsPerMinute: 600, queue: { ...usualQueue, interactiveMs: 60_000 } })
    for (let n = 0; n < 60; n++) await stage.ask({ organization: 'noisy' })
    await stage.turn(1_000)
    for (let n = 0; n < 300; n++) await stage.ask({ organization: 'noisy' })
    for (let n = 0; n < 100; n++) await stage.ask({ organization: 'other' })
    const before = stage.asked.filter(isIn)
    await stage.turn(10_000)
    const fresh = stage.asked.filter(one => isIn(one) && !before.includes(one))
    const others = fresh.filter(({ organization }) => organization === 'other').length
    assert.ok(Math.abs(others - fresh.length / 2) <= 1, `${others} of ${fresh.length}`)
  })

  test('keeps a place free of an organization that takes more than its share', async () => {
    const stage = new Stage({ concurrency: 8 })
    await stage.leave(await stage.ask({ organization: 'quiet' }))
    const noisy = await Promise.all(Array.from({ length: 20 }, () => stage.ask({ organization: 'noisy' })))
    assert.equal(noisy.filter(isIn).length, 7)
    assert.ok(isIn(await stage.ask({ organization: 'quiet', mayWait: false })))
  })

  test('keeps a part of the burst free of an organization that takes more than its share', async () => {
    const stage = new Stage({ requestsPerMinute: 600 })
    await stage.ask({ organization: 'quiet' })
    for (let n = 0; n < 60; n++) await stage.ask({ organization: 'noisy', mayWait: false })
    for (let n = 0; n < 20; n++) assert.ok(isIn(await stage.ask({ organization: 'quiet', mayWait: false })))
  })

  test('takes whoever leaves out of the line', async () => {
    const stage = new Stage({ concurrency: 1 })
    const first = await stage.ask()
    const leaver = await stage.ask()
    const next = await stage.ask()
    leaver.hangUp()
    await settle()
    assert.equal(refusalOf(leaver).code, 'client_closed')
    await stage.leave(first)
    assert.ok(isIn(next))
  })
})

suite('who cannot be let in', () => {
  test('is refused at once when the wait would be too long, and told how long it is', async () => {
    const stage = new Stage({ requestsPerMinute: 60 })
    for (let n = 0; n < 5; n++) assert.ok(isIn(await stage.ask()))
    const now = await stage.ask({ mayWait: false })
    assert.deepEqual(refusalOf(now), { code: 'rate_limited', retryAfterMs: 1_000 })
    const hasty = await stage.ask({ untilMs: stage.clock.monotonic() + 500 })
    assert.equal(refusalOf(hasty).code, 'rate_limited')
    for (let n = 0; n < 10; n++) assert.equal((await stage.ask()).answer, undefined)
    const beyond = await stage.ask()
    assert.deepEqual(refusalOf(beyond), { code: 'rate_limited', retryAfterMs: 11_000 })
    await stage.turn(10_001)
    assert.ok(stage.asked.slice(7, -1).every(isIn))
  })

  test('is told that it is too busy, and when a place may come free', async () => {
    const stage = new Stage({ concurrency: 2 })
    const [one] = await Promise.all([stage.ask(), stage.ask(), stage.ask()])
    stage.clock.turn(4_000)
    if (one) await stage.leave(one)
    const refused = await stage.ask({ mayWait: false })
    assert.deepEqual(refusalOf(refused), { code: 'no_target_available', retryAfterMs: 2_000 })
  })

  test('is refused when it has waited long enough', async () => {
    const stage = new Stage({ concurrency: 1 })
    await stage.ask()
    const [interactive, batch] = await Promise.all([stage.ask(), stage.ask({ class: 'batch' })])
    stage.clock.turn(10_001)
    await settle()
    assert.equal(refusalOf(interactive).code, 'no_target_available')
    assert.equal(batch.answer, undefined)
    stage.clock.turn(290_000)
    await settle()
    assert.equal(refusalOf(batch).code, 'no_target_available')
    assert.equal(stage.clock.timers, 0)
  })

  test('is pushed out of a full line only for an organization that has fewer in it', async () => {
    const stage = new Stage({ concurrency: 1, queue: { ...usualQueue, length: 4 } })
    await stage.ask()
    const noisy = await Promise.all(Array.from({ length: 5 }, () => stage.ask({ organization: 'noisy' })))
    assert.deepEqual(
      noisy.map(({ answers }) => answers),
      [0, 0, 0, 0, 1],
    )
    const quiet = await stage.ask({ organization: 'quiet' })
    assert.equal(quiet.answer, undefined)
    assert.equal(noisy.filter(({ answers }) => answers === 1).length, 2)
  })

  test('waits a tenth of the usual where its organization has kept a line standing', async () => {
    const stage = new Stage({ requestsPerMinute: 600 })
    for (let second = 0; second < 60; second++) {
      for (let n = 0; n < 50; n++) await stage.ask()
      stage.clock.turn(1_000)
      await settle()
    }
    const late = stage.entered.filter(({ enteredMs }) => (enteredMs ?? 0) > 30_000)
    assert.ok(late.length >= 290, `${late.length} of 300 were let in`)
    for (const { enteredMs, atMs } of late) assert.ok((enteredMs ?? 0) - atMs <= 1_000)
  })
})

suite('limits by tokens', () => {
  test('let calls in by what the model has answered so far, and set it right by what they used', async () => {
    const stage = new Stage({ tokensPerMinute: 60_000 }) // 1 a millisecond, 5,000 at once
    const first = await stage.ask({ tokens: 100 })
    await stage.leave(first, { usage: { input: 100, output: 2_900 } })
    assert.equal(isIn(await stage.ask({ tokens: 100, mayWait: false })), false) // 2,000 left, 3,000 expected
    stage.clock.turn(1_000)
    assert.ok(isIn(await stage.ask({ tokens: 100, mayWait: false })))
  })

  test('let what is larger than the burst in alone', async () => {
    const stage = new Stage({ tokensPerMinute: 60_000 })
    assert.ok(isIn(await stage.ask({ tokens: 50_000 })))
    const next = await stage.ask({ tokens: 10, mayWait: false })
    assert.ok((refusalOf(next).retryAfterMs ?? 0) > 45_000)
  })
})

suite('what a provider tells', () => {
  test('closes a model that it refuses, for as long as it says, and no other', async () => {
    const stage = new Stage()
    const refused = await stage.ask()
    await stage.leave(refused, { status: 'failed' }, refusedFor(3_000))
    assert.deepEqual(refusalOf(await stage.ask({ mayWait: false })), {
      code: 'rate_limited',
      retryAfterMs: 3_000,
    })
    assert.ok(isIn(await stage.ask({ model: 'other', mayWait: false })))
    const waiting = await stage.ask()
    stage.clock.turn(3_000)
    await settle()
    assert.ok(isIn(waiting))
  })

  test('finds out how many it takes at once', async () => {
    const stage = new Stage()
    const inside = await Promise.all(Array.from({ length: 10 }, () => stage.ask()))
    for (const one of inside.slice(4)) await stage.leave(one, { status: 'failed' }, refusedFor(100))
    stage.clock.turn(200)
    const [, model] = stage.standing()
    assert.equal(model?.limits.concurrency, 4)
    assert.equal(refusalOf(await stage.ask({ mayWait: false })).code, 'no_target_available')
    stage.clock.turn(5_000)
    assert.ok(isIn(await stage.ask({ mayWait: false })), 'it tries one more after a while')
    stage.clock.turn(300_000)
    for (let n = 0; n < 50; n++) assert.ok(isIn(await stage.ask({ mayWait: false })), 'and forgets it')
  })

  test('paces a model when nothing is left of what it tells', async () => {
    const stage = new Stage()
    const { answer } = await stage.ask()
    assert(answer?.ok)
    answer.value.heard(200, {
      'x-ratelimit-limit-requests': '60',
      'x-ratelimit-remaining-requests': '0',
      'x-ratelimit-reset-requests': '1m0s',
    })
    const all = await Promise.all(Array.from({ length: 5 }, () => stage.ask()))
    assert.ok(!all.some(isIn))
    stage.clock.turn(3_001)
    await settle()
    assert.equal(all.filter(isIn).length, 3)
  })

  test('closes a model until the reset where no limit is told', async () => {
    const stage = new Stage()
    const { answer } = await stage.ask()
    assert(answer?.ok)
    answer.value.heard(200, { ratelimit: '"default";r=0;t=7' })
    assert.equal(refusalOf(await stage.ask({ mayWait: false })).retryAfterMs, 7_000)
  })
})
