import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { type Answer, type AnswerStream, type Attempt, allow, type Trip } from '#exchange'
import type { Gateway } from '#gateway'
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
