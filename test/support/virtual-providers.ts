import assert from 'node:assert/strict'
import { Type } from 'typebox'
import {
  type Answer,
  type Attempt,
  accept,
  allow,
  type Call,
  type CallClass,
  type CallerDialect,
  type Fault,
  type Plan,
  targetName,
  toFault,
} from '#exchange'
import { configReader, createEgress, type HttpClient, type HttpFailure, type HttpReader } from '#platform'
import {
  createProviders,
  createThoughtMemories,
  HedgeBudgets,
  type Lanes,
  type Provider,
  providersConfig,
  RetryBudgets,
  readProviders,
  Standings,
} from '#providers'
import { contextsConfig, createRouting, modelsConfig, readModels } from '#routing'
import { dialects } from '#wire'
import {
  doneEvent,
  errorBody,
  finishEvent,
  roleEvent,
  streamHead,
  textEvent,
  usageEvent,
  wholeAnswer,
} from './chat-bytes.ts'
import { seededChance, VirtualClock } from './virtual-clock.ts'

/** One request on its way to a virtual provider, which answers by these; `wait` lets virtual time pass. */
export interface Line {
  target: string
  /** Which request to this target it is, from 1. */
  n: number
  atMs: number
  stream: boolean
  /** Whether the asker has given it up. */
  readonly aborted: boolean
  wait(ms: number): Promise<void>
  head(status: number, headers?: Record<string, string>): void
  write(text: string): void
  end(): void
  fail(failure: HttpFailure): void
}

export type VirtualAnswer = (line: Line) => void | Promise<void>

/** One for all, or by provider; who is not named answers well at once. */
export type VirtualAnswers = VirtualAnswer | Readonly<Record<string, VirtualAnswer>>

const json = { 'content-type': 'application/json' }

/** What virtual providers answer. */
export const answers = {
  good: line => {
    if (!line.stream) return says(200, wholeAnswer)(line)
    line.head(200, streamHead)
    line.write(roleEvent + textEvent('a') + textEvent('b') + finishEvent + usageEvent + doneEvent)
    line.end()
  },
  refuses: line => line.fail('unreachable'),
  hangs: () => undefined,
  /** No connection comes about. */
  unreached: () => {},
  resets: line => line.fail('disconnected'),
} as const satisfies Record<string, VirtualAnswer>

export function says(status: number, body: string, headers: Record<string, string> = {}): VirtualAnswer {
  return line => {
    line.head(status, { ...json, ...headers })
    line.write(body)
    line.end()
  }
}

/** An error of OpenAI's shape. */
export function errs(
  status: number,
  code: string | null = null,
  headers?: Record<string, string>,
): VirtualAnswer {
  return says(status, errorBody({ code }), headers)
}

export function after(ms: number, answer: VirtualAnswer): VirtualAnswer {
  return async line => {
    await line.wait(ms)
    if (!line.aborted) await answer(line)
  }
}

export interface AskOptions {
  model: string
  stream?: boolean
  class?: CallClass
  patienceMs?: number
  organization?: string
  /** Changes the plan that routing has made. */
  plan?: Partial<Plan>
  /** How long the store takes to put the n-th attempt on record; absent: no time. */
  openMs?: (n: number) => number
  body?: Record<string, unknown>
}

/** A call under way at virtual providers, and what becomes of it. */
export interface Asking {
  /** How it ended, or that a stream has begun; a fault where it came to nothing. */
  outcome: Promise<Answer | Fault>
  attempts: Attempt[]
  skips: string[]
  /** What `x-sluice-degraded` says. */
  degraded: string | undefined
  /** The caller hangs up. */
  leave(): void
}

const openLanes = {
  enter: () => allow({ heard: () => undefined, leave: () => undefined }),
  describe: () => [],
}

const read = configReader({
  schema: Type.Object({ providers: providersConfig, models: modelsConfig, contexts: contextsConfig }),
})

/**
 * The real way over providers, over a network, a clock and chance that are a test's own. Every provider of the
 * configuration speaks Chat Completions; `answer` says what each request meets.
 */
export class VirtualProviders {
  readonly clock = new VirtualClock()
  readonly seen: Line[] = []
  answer: VirtualAnswers
  readonly #chance
  readonly #standings = new Standings({ clock: this.clock })
  readonly #retryBudgets
  readonly #hedgeBudgets = new HedgeBudgets()
  readonly #lanes: Lanes
  readonly #breakers: boolean
  #providers
  #routing
  #calls = 0
  readonly #asked = new Map<string, number>()

  constructor(options: {
    config: string
    answer: VirtualAnswers
    seed?: number
    retryBudget?: { share: number; floorPerSecond: number }
    /** False: they never open. */
    breakers?: boolean
    /** Absent: everybody may go at once. */
    lanes?: Lanes
  }) {
    const { retryBudget = { share: 0.1, floorPerSecond: 1 }, seed = 1 } = options
    this.answer = options.answer
    this.#lanes = options.lanes ?? openLanes
    this.#breakers = options.breakers ?? true
    this.#chance = seededChance(seed)
    this.#retryBudgets = new RetryBudgets({ clock: this.clock, ...retryBudget })
    const made = this.#make(options.config)
    this.#providers = made.providers
    this.#routing = made.routing
  }

  /** Another configuration; what was learned of providers outlives it as in the program. */
  reload(config: string): void {
    const made = this.#make(config)
    this.#providers = made.providers
    this.#routing = made.routing
  }

  /** How often each target was asked. */
  get asked(): Record<string, number> {
    return Object.fromEntries(this.#asked)
  }

  standings() {
    return this.#providers.standings()
  }

  plan(model: string, callClass: CallClass = 'interactive'): Plan {
    return accept(this.#routing.plan({ model, class: callClass }))
  }

  /** Asks, and lets time pass until there is an answer or a fault. */
  async ask(options: AskOptions): Promise<Asking & { ended: Answer | Fault }> {
    const asking = this.begin(options)
    const ended = await this.clock.passUntil(asking.outcome)
    return Object.assign(asking, { ended })
  }

  begin(options: AskOptions): Asking {
    const { plan: changed, class: callClass = 'interactive', openMs = () => 0 } = options
    const call = this.#call(options)
    const asked = accept(call.asked)
    const onGone: (() => void)[] = []
    const presence = {
      gone: false,
      onGone: (work: () => void) => void (presence.gone ? work() : onGone.push(work)),
    }
    const asking: Asking = {
      outcome: Promise.resolve().then(() => attempted),
      attempts: [],
      skips: [],
      degraded: undefined,
      leave() {
        presence.gone = true
        for (const work of onGone.splice(0)) work()
      },
    }
    const attempted = this.#providers
      .attempt({
        call,
        asked,
        plan: { ...this.plan(options.model, callClass), ...changed },
        presence,
        cover: () => ({ asked, hold: undefined }),
        open: async target => {
          const attempt: Attempt = {
            n: asking.attempts.length + 1,
            target,
            startedAtMs: this.clock.now(),
            status: 'running',
          }
          asking.attempts.push(attempt)
          const ms = openMs(attempt.n)
          if (ms > 0) await new Promise<void>(resolve => void this.clock.after(ms, resolve))
          return attempt
        },
        skip: (target, reason) => void asking.skips.push(`${targetName(target)} ${reason}`),
        degrade: why => {
          asking.degraded = why
        },
      })
      .catch(toFault)
    return asking
  }

  #call({
    model,
    stream = false,
    patienceMs,
    organization = 'acme',
    class: callClass = 'interactive',
    body: more,
  }: AskOptions): Call {
    this.#calls += 1
    const hex = this.#calls.toString(16).padStart(32, '0')
    const dialect: CallerDialect = 'openai-chat'
    const messages = [{ role: 'user', content: 'Hello!' }]
    const body = Buffer.from(JSON.stringify({ model, messages, ...(stream && { stream }), ...more }))
    return {
      id: `call_${hex}`,
      requestId: `req_${hex}`,
      startedAtMs: this.clock.now(),
      dialect,
      caller: { organization, project: 'shop', keyId: 'key_1', keyName: 'web', role: 'key' },
      asked: dialects[dialect].parseRequest({ body, rest: '', query: {} }),
      body,
      user: undefined,
      feature: undefined,
      tags: [],
      environment: undefined,
      attributionDropped: 0,
      class: callClass,
      unsupported: undefined,
      patienceMs,
      headers: {},
    }
  }

  #make(text: string) {
    const loaded = read({ text, file: 'sluice.yaml', env: {} })
    assert.ok(loaded.ok, JSON.stringify(loaded))
    const { config } = loaded
    const { clock } = this
    const records = readProviders(config.providers, { simulatorUrl: () => 'http://sim.test/v1', clock })
    const egress = createEgress({ enabled: false, timeoutMs: 1, allowHosts: [], maxRedirects: 0, clock })
    const providers = createProviders(
      {
        http: this.#network(),
        clock,
        chance: this.#chance,
        egress,
        mostMediaBytes: 1,
        thoughts: createThoughtMemories({ clock }),
        standings: this.#standings,
        lanes: this.#lanes,
        retryBudgets: this.#retryBudgets,
        hedgeBudgets: this.#hedgeBudgets,
      },
      this.#breakers ? records : records.map(withoutBreaker),
    )
    const routing = createRouting({
      ...readModels(config.models, config.providers),
      contexts: config.contexts,
      loadOf: target => providers.loadOf(target),
      chance: this.#chance,
    })
    return { providers, routing }
  }

  #answerFrom(target: string): VirtualAnswer {
    if (typeof this.answer === 'function') return this.answer
    return this.answer[target.slice(0, target.indexOf('/'))] ?? answers.good
  }

  /** Its hosts are the providers' names: `http://one.test/v1`. */
  #network(): HttpClient {
    return {
      send: ({ origin, body }, reader) => {
        const { model, stream = false } = JSON.parse(String(body)) as { model: string; stream?: boolean }
        const target = `${new URL(origin).hostname.replace(/\.test$/, '')}/${model}`
        const n = (this.#asked.get(target) ?? 0) + 1
        this.#asked.set(target, n)
        const line = new VirtualLine(reader, this.clock, { target, n, stream })
        this.seen.push(line)
        this.clock.after(0, () => void line.run(this.#answerFrom(target)))
        return line
      },
      close: async () => undefined,
    }
  }
}

function withoutBreaker(provider: Provider): Provider {
  return { ...provider, breaker: { ...provider.breaker, failures: 1e9, leastAttempts: 1e9 } }
}

class VirtualLine implements Line {
  readonly target: string
  readonly n: number
  readonly stream: boolean
  readonly atMs: number
  readonly #reader: HttpReader
  readonly #clock: VirtualClock
  #sent = false
  #over = false
  #paused = false
  #waiting: (() => void)[] = []
  aborted = false

  constructor(
    reader: HttpReader,
    clock: VirtualClock,
    { target, n, stream }: Pick<Line, 'target' | 'n' | 'stream'>,
  ) {
    this.#reader = reader
    this.#clock = clock
    this.target = target
    this.n = n
    this.stream = stream
    this.atMs = clock.monotonic()
  }

  async run(answer: VirtualAnswer): Promise<void> {
    if (answer === answers.unreached) return
    if (answer === answers.refuses) return this.fail('unreachable')
    this.#send()
    await answer(this)
  }

  wait(ms: number): Promise<void> {
    return new Promise(resolve => void this.#clock.after(ms, resolve))
  }

  head(status: number, headers: Record<string, string> = {}): void {
    if (!this.#over) this.#reader.head(status, headers)
  }

  write(text: string): void {
    this.#do(() => this.#reader.data(Buffer.from(text)))
  }

  end(): void {
    this.#do(() => {
      this.#over = true
      this.#reader.end()
    })
  }

  fail(failure: HttpFailure): void {
    this.#do(() => {
      this.#over = true
      this.#reader.fail(failure, new Error(failure))
    })
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    while (!this.#paused) {
      const next = this.#waiting.shift()
      if (!next) return
      next()
    }
  }

  abort(): void {
    if (this.#over) return
    this.aborted = true
    this.#over = true
    this.#reader.fail('aborted', new Error('aborted'))
  }

  #send(): void {
    if (this.#sent) return
    this.#sent = true
    this.#reader.sent()
  }

  #do(work: () => void): void {
    if (this.#over) return
    if (this.#paused || this.#waiting.length > 0) this.#waiting.push(() => void (this.#over || work()))
    else work()
  }
}
