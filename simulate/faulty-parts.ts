import { type Answer, type AnswerStream, type Attempt, allow, type Trip } from '#exchange'
import type { Gateway } from '#gateway'
import type { LimitStore } from '#limits'
import type { Law } from './laws.ts'
import type { Sabotage } from './watch.ts'

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

/** A part of Sluice made faulty on purpose. */
export interface FaultyPart {
  what: string
  /** Must see it. */
  law: Law
  /** The scenario to begin with: one that is known to show it, and soon. */
  seed: number
  sabotage: Sabotage
}

/** One for each law. */
export const faultyParts: readonly FaultyPart[] = [
  {
    what: 'a breaker that lets two probes through',
    law: 'one probe',
    seed: 50,
    sabotage: {
      breaker(breaker) {
        breaker.admits = nowMs => breaker.state(nowMs) !== 'open'
        breaker.enter = nowMs => breaker.state(nowMs) === 'half_open'
      },
    },
  },
  {
    what: 'a breaker that never closes again',
    law: 'goodput comes back',
    seed: 58,
    sabotage: {
      breaker(breaker) {
        breaker.admits = nowMs => breaker.state(nowMs) === 'closed'
      },
    },
  },
  {
    what: 'a retry budget without a bound',
    law: 'retries stay in their budget',
    seed: 14,
    sabotage: {
      retryBudgets(budgets) {
        budgets.take = () => true
      },
    },
  },
  {
    what: 'a way over targets that does not count',
    law: 'attempts are bounded',
    seed: 50,
    sabotage: attempting((attempt, trip) => attempt({ ...trip, plan: { ...trip.plan, retries: 9 } })),
  },
  {
    what: 'a deadline that is not kept',
    law: 'no attempt after the deadline',
    seed: 58,
    sabotage: attempting((attempt, trip) => {
      const timeouts = { ...trip.plan.timeouts, totalMs: 10 * trip.plan.timeouts.totalMs }
      return attempt({
        ...trip,
        call: { ...trip.call, patienceMs: undefined },
        plan: { ...trip.plan, timeouts },
      })
    }),
  },
  {
    what: 'a stream that takes every end for a good one',
    law: 'no truncated success',
    seed: 50,
    sabotage: streaming(stream => sink => stream.start({ ...boundTo(sink), fail: () => sink.done() })),
  },
  {
    what: 'a stream that says everything twice',
    law: 'no text twice',
    seed: 50,
    sabotage: streaming(
      stream => sink =>
        stream.start({ ...boundTo(sink), write: bytes => sink.write(bytes) && sink.write(bytes) }),
    ),
  },
  {
    what: 'a stream that ends twice',
    law: 'one ending',
    seed: 23,
    sabotage: streaming(
      stream => sink =>
        stream.start({
          ...boundTo(sink),
          done() {
            sink.done()
            sink.done()
          },
        }),
    ),
  },
  {
    what: 'an answer that nobody ever gets',
    law: 'a call ends',
    seed: 34,
    sabotage: attempting((attempt, trip) =>
      trip.asked.stream ? attempt(trip) : new Promise(() => undefined),
    ),
  },
  {
    what: 'an attempt that is made before it is on record',
    law: 'an attempt is on record before it is made',
    seed: 7,
    sabotage: attempting((attempt, trip) =>
      attempt({ ...trip, open: async target => unrecorded(trip, target) }),
    ),
  },
  {
    what: 'a call log that loses calls',
    law: 'every call is on record',
    seed: 23,
    sabotage: changing(gateway => ({
      events: {
        begin: call => gateway.events.begin(call),
        record: exchange => exchange.call.id.endsWith('0') || gateway.events.record(exchange),
      },
    })),
  },
  {
    what: 'a meter that counts half of what was used',
    law: 'the bill is the record',
    seed: 23,
    sabotage: spoiling(({ usage }) => {
      if (usage) usage.output = Math.floor((usage.output ?? 0) / 2)
    }),
  },
  {
    what: 'a meter that forgets what was made for a caller who left',
    law: 'what is cut is estimated',
    seed: 32,
    sabotage: spoiling(({ status, usage }) => {
      if (status === 'cancelled' && usage) usage.output = 0
    }),
  },
  {
    what: 'a meter that charges only the last attempt',
    law: 'the cost is the sum',
    seed: 34,
    sabotage: changing(gateway => ({
      metering: {
        settle: (attempts, vendorOf) => ({
          ...gateway.metering.settle(attempts, vendorOf),
          ...gateway.metering.settle(attempts.slice(-1), vendorOf),
        }),
      },
    })),
  },
  {
    what: 'a record that calls everything a success',
    law: 'record and caller agree',
    seed: 23,
    sabotage: changing(gateway => ({
      events: {
        begin: call => gateway.events.begin(call),
        record(exchange) {
          exchange.fault = undefined
          gateway.events.record(exchange)
        },
      },
    })),
  },
  {
    what: 'lanes that let everybody in',
    law: 'under way within limits',
    seed: 7,
    sabotage: {
      fixtures: fixtures => ({
        ...fixtures,
        lanes: { ...fixtures.lanes, enter: () => allow({ heard: () => undefined, leave: () => undefined }) },
      }),
    },
  },
  {
    what: 'a breaker that never closes again, with a budget',
    law: 'who can pay is served',
    seed: 18,
    sabotage: {
      breaker(breaker) {
        breaker.admits = nowMs => breaker.state(nowMs) === 'closed'
      },
    },
  },
  {
    what: 'counters that refuse nobody',
    law: 'a counter stays within its limit',
    seed: 1,
    sabotage: boundless(),
  },
  {
    what: 'budgets that refuse nobody',
    law: 'the bill stays within the budget',
    seed: 22,
    sabotage: boundless(),
  },
  {
    what: 'places that never run out',
    law: 'no more calls under way than a limit allows',
    seed: 38,
    sabotage: boundless(),
  },
  {
    what: 'limits on requests that never refuse',
    law: 'no more calls in a window than a limit allows',
    seed: 3,
    sabotage: boundless(),
  },
  {
    what: 'an attempt of which nothing is counted',
    law: 'what is billed is counted',
    seed: 27,
    sabotage: spoiling(attempt => {
      attempt.counts = { inputTokens: 0, outputTokens: 0, picoUsd: 0n }
    }),
  },
  {
    what: 'counters that count half',
    law: 'counters are what the ledger says',
    seed: 23,
    sabotage: spending(amount => amount / 2n),
  },
  {
    what: 'counters that count tenfold',
    law: 'nobody is refused who would fit',
    seed: 4,
    sabotage: spending(amount => amount * 10n),
  },
  {
    what: 'a store that lets go of nothing',
    law: 'every hold is let go',
    seed: 50,
    sabotage: { limitStore: store => ({ ...steps(store), settle: () => undefined }) },
  },
  {
    what: 'a wait that nobody ends',
    law: 'a wait for room ends',
    seed: 23,
    sabotage: changing(({ limits }) => ({
      limits: {
        ease: (...call) => limits.ease(...call),
        reserve: ask => (ask.asked.stream ? limits.reserve(ask) : new Promise(() => undefined)),
      },
    })),
  },
  {
    what: 'an attempt whose end is noted on a copy',
    law: 'nothing is left over',
    seed: 23,
    sabotage: attempting((attempt, trip) =>
      attempt({ ...trip, open: async (target, hold) => ({ ...(await trip.open(target, hold)) }) }),
    ),
  },
  {
    what: 'a drain that waits for nobody',
    law: 'a rolling restart fails nobody',
    seed: 58,
    sabotage: { drainMs: 0 },
  },
]

function changing(change: (gateway: Gateway) => Partial<Gateway>): Sabotage {
  return { gateway: gateway => ({ ...gateway, ...change(gateway) }) }
}

/** Something is done to each attempt before it is settled. */
function spoiling(spoil: (attempt: Attempt) => void): Sabotage {
  return changing(gateway => ({
    metering: {
      settle(attempts, vendorOf) {
        for (const attempt of attempts) spoil(attempt)
        return gateway.metering.settle(attempts, vendorOf)
      },
    },
  }))
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
