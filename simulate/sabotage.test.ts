import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { type Answer, type AnswerStream, type Attempt, allow, type Trip } from '#exchange'
import type { Gateway } from '#gateway'
import type { LimitStore } from '#limits'
import type { Law } from './laws.ts'
import type { Sabotage } from './watch.ts'
import { simulate } from './world.ts'

type Attempting = Gateway['providers']['attempt']

/** The way over providers, done wrongly. */
function attempting(change: (attempt: Attempting, trip: Trip) => Promise<Answer>): Sabotage {
  return {
    gateway: gateway => ({
      ...gateway,
      providers: {
        ...gateway.providers,
        attempt: trip => change(gateway.providers.attempt.bind(gateway.providers), trip),
      },
    }),
  }
}

function streaming(change: (stream: AnswerStream) => AnswerStream['start']): Sabotage {
  return attempting(async (attempt, trip) => {
    const answer = await attempt(trip)
    if (answer.kind === 'whole') return answer
    const { stream } = answer
    const start = change(stream)
    return {
      ...answer,
      stream: { start, resume: () => stream.resume(), cancel: () => stream.cancel() },
    }
  })
}

const faults: readonly [what: string, law: Law, sabotage: Sabotage][] = [
  [
    'a breaker that lets two probes through',
    'one probe',
    {
      breaker(breaker) {
        breaker.admits = nowMs => breaker.state(nowMs) !== 'open'
        breaker.enter = nowMs => breaker.state(nowMs) === 'half_open'
      },
    },
  ],
  [
    'a breaker that never closes again',
    'goodput comes back',
    {
      breaker(breaker) {
        breaker.admits = nowMs => breaker.state(nowMs) === 'closed'
      },
    },
  ],
  [
    'a retry budget without a bound',
    'retries stay in their budget',
    {
      retryBudgets(budgets) {
        budgets.take = () => true
      },
    },
  ],
  [
    'a way over targets that does not count',
    'attempts are bounded',
    attempting((attempt, trip) => attempt({ ...trip, plan: { ...trip.plan, retries: 9 } })),
  ],
  [
    'a deadline that is not kept',
    'no attempt after the deadline',
    attempting((attempt, trip) => {
      const timeouts = { ...trip.plan.timeouts, totalMs: 10 * trip.plan.timeouts.totalMs }
      return attempt({
        ...trip,
        call: { ...trip.call, patienceMs: undefined },
        plan: { ...trip.plan, timeouts },
      })
    }),
  ],
  [
    'a stream that takes every end for a good one',
    'no truncated success',
    streaming(stream => sink => stream.start({ ...boundTo(sink), fail: () => sink.done() })),
  ],
  [
    'a stream that says everything twice',
    'no text twice',
    streaming(
      stream => sink =>
        stream.start({ ...boundTo(sink), write: bytes => sink.write(bytes) && sink.write(bytes) }),
    ),
  ],
  [
    'a stream that ends twice',
    'one ending',
    streaming(
      stream => sink =>
        stream.start({
          ...boundTo(sink),
          done() {
            sink.done()
            sink.done()
          },
        }),
    ),
  ],
  [
    'an answer that nobody ever gets',
    'a call ends',
    attempting((attempt, trip) => (trip.asked.stream ? attempt(trip) : new Promise(() => undefined))),
  ],
  [
    'an attempt that is made before it is on record',
    'an attempt is on record before it is made',
    attempting((attempt, trip) => attempt({ ...trip, open: async target => unrecorded(trip, target) })),
  ],
  [
    'a call log that loses calls',
    'every call is on record',
    changing(gateway => ({
      events: {
        begin: call => gateway.events.begin(call),
        record: exchange => exchange.call.id.endsWith('0') || gateway.events.record(exchange),
      },
    })),
  ],
  [
    'a meter that counts half of what was used',
    'the bill is the record',
    changing(gateway => ({
      metering: {
        settle(attempts, vendorOf) {
          for (const { usage } of attempts) if (usage) usage.output = Math.floor((usage.output ?? 0) / 2)
          return gateway.metering.settle(attempts, vendorOf)
        },
      },
    })),
  ],
  [
    'a meter that forgets what was made for a caller who left',
    'what is cut is estimated',
    changing(gateway => ({
      metering: {
        settle(attempts, vendorOf) {
          for (const { status, usage } of attempts) if (status === 'cancelled' && usage) usage.output = 0
          return gateway.metering.settle(attempts, vendorOf)
        },
      },
    })),
  ],
  [
    'a meter that charges only the last attempt',
    'the cost is the sum',
    changing(gateway => ({
      metering: {
        settle: (attempts, vendorOf) => ({
          ...gateway.metering.settle(attempts, vendorOf),
          ...gateway.metering.settle(attempts.slice(-1), vendorOf),
        }),
      },
    })),
  ],
  [
    'a record that calls everything a success',
    'record and caller agree',
    changing(gateway => ({
      events: {
        begin: call => gateway.events.begin(call),
        record(exchange) {
          exchange.fault = undefined
          gateway.events.record(exchange)
        },
      },
    })),
  ],
  [
    'lanes that let everybody in',
    'under way within limits',
    {
      fixtures: fixtures => ({
        ...fixtures,
        lanes: { ...fixtures.lanes, enter: () => allow({ heard: () => undefined, leave: () => undefined }) },
      }),
    },
  ],
  [
    'a breaker that never closes again, with a budget',
    'who can pay is served',
    {
      breaker(breaker) {
        breaker.admits = nowMs => breaker.state(nowMs) === 'closed'
      },
    },
  ],
  ['counters that refuse nobody', 'a counter stays within its limit', boundless()],
  ['budgets that refuse nobody', 'the bill stays within the budget', boundless()],
  ['places that never run out', 'no more calls under way than a limit allows', boundless()],
  ['limits on requests that never refuse', 'no more calls in a window than a limit allows', boundless()],
  [
    'an attempt of which nothing is counted',
    'what is billed is counted',
    changing(gateway => ({
      metering: {
        settle(attempts, vendorOf) {
          for (const attempt of attempts) attempt.counts = { inputTokens: 0, outputTokens: 0, picoUsd: 0n }
          return gateway.metering.settle(attempts, vendorOf)
        },
      },
    })),
  ],
  ['counters that count half', 'counters are what the ledger says', spending(amount => amount / 2n)],
  ['counters that count tenfold', 'nobody is refused who would fit', spending(amount => amount * 10n)],
  [
    'a store that lets go of nothing',
    'every hold is let go',
    { limitStore: store => ({ ...steps(store), settle: () => undefined }) },
  ],
  [
    'a wait that nobody ends',
    'a wait for room ends',
    changing(({ limits }) => ({
      limits: {
        ease: (...call) => limits.ease(...call),
        reserve: ask => (ask.asked.stream ? limits.reserve(ask) : new Promise(() => undefined)),
      },
    })),
  ],
  ['a drain that waits for nobody', 'a rolling restart fails nobody', { drainMs: 0 }],
]

const mostSeeds = 40

suite('the laws', () => {
  for (const [what, law, sabotage] of faults) {
    test(`see ${what}`, async () => {
      for (let seed = 1; seed <= mostSeeds; seed++) {
        const { breaches } = await simulate(seed, sabotage)
        if (breaches.some(breach => breach.law === law)) return
      }
      assert.fail(`no breach of "${law}" in ${mostSeeds} seeds`)
    })
  }
})

function changing(change: (gateway: Gateway) => Partial<Gateway>): Sabotage {
  return { gateway: gateway => ({ ...gateway, ...change(gateway) }) }
}

function steps(store: LimitStore): LimitStore {
  return {
    reserve: (...asked) => store.reserve(...asked),
    amend: (...asked) => store.amend(...asked),
    settle: (...asked) => store.settle(...asked),
    read: (...asked) => store.read(...asked),
    add: (...asked) => store.add(...asked),
  }
}

function boundless(): Sabotage {
  return {
    limitStore: store => ({
      ...steps(store),
      reserve: (id, lines, nowMs) => store.reserve(id, lines.map(unbound), nowMs),
      amend: (id, lines, nowMs) => store.amend(id, lines.map(unbound), nowMs),
    }),
  }
}

function unbound<L extends { most: bigint | undefined }>(line: L): L {
  return { ...line, most: undefined }
}

function spending(change: (amount: bigint) => bigint): Sabotage {
  return {
    limitStore: store => ({
      ...steps(store),
      settle: (id, taken, nowMs) =>
        store.settle(
          id,
          taken.map(({ key, amount }) => ({ key, amount: change(amount) })),
          nowMs,
        ),
    }),
  }
}

function boundTo(sink: Parameters<AnswerStream['start']>[0]): Parameters<AnswerStream['start']>[0] {
  return {
    write: bytes => sink.write(bytes),
    done: () => sink.done(),
    fail: fault => sink.fail(fault),
  }
}

function unrecorded({ call }: Trip, target: Attempt['target']): Attempt {
  return { n: 1, target, startedAtMs: call.startedAtMs, status: 'running' }
}
