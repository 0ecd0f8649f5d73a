import {
  type Answer,
  type Attempt,
  type FailureClass,
  Fault,
  type PlannedTarget,
  type ProviderError,
  type Timeouts,
  type Trip,
  toFault,
} from '#exchange'
import type { Clock, Egress, HttpClient, HttpFailure, HttpFlow, HttpReader } from '#platform'
import type { Passage } from '#wire'
import { answerHeaders } from './answer-headers.ts'
import { classify } from './classify.ts'
import { decisions, failureClassOf } from './decide.ts'
import { type Departure, depart } from './depart.ts'
import { statusWithin } from './error-words.ts'
import { estimateInput } from './estimate-input.ts'
import { passedAnswerHeaders, passedFault } from './passthrough.ts'
import type { Provider } from './provider.ts'
import { ProviderStream } from './stream.ts'
import type { ThoughtMemories } from './thought-memory.ts'

/** With less of its own time than this, a target has not had its chance. */
const hurriedShare = 0.9
/** Of an error's body, as much as an error needs; and so long it is waited for, since its status says most of it. */
const maxErrorBytes = 64 * 1024
const longestErrorMs = 2_000

export interface AttemptDeps {
  http: HttpClient
  clock: Clock
  /** The one way to an address that a caller named. */
  egress: Egress
  mostMediaBytes: number
  thoughts: ThoughtMemories
}

/** One of the ways that a call goes. */
export interface Leg {
  target: PlannedTarget
  provider: Provider
  /** What it may take from now on. */
  timeouts(): Timeouts
  /** Once it is on record. */
  attempt: Attempt | undefined
  /** The head of an answer, whatever it says. */
  heard(status: number, headers: Readonly<Record<string, string | string[] | undefined>>): void
  /** The attempt has ended, which for a stream is long after it was handed over. */
  onOver(attempt: Attempt, fault: Fault | undefined): void
}

/**
 * One request to one target: resolves with its answer, or with a stream whose first content has come; fails with a
 * `Fault`.
 */
export async function attemptTarget(deps: AttemptDeps, leg: Leg, trip: Trip): Promise<Answer> {
  const covered = trip.cover(leg.target)
  const { asked, hold } = covered instanceof Promise ? await covered : covered
  const going = asked === trip.asked ? trip : { ...trip, asked }
  const departure = await depart(deps, leg, going)
  if (departure.kind === 'whole') return departure
  if (trip.presence.gone) throw gone() // nobody waits for it any more: it need not be on record
  const attempt = await trip.open(leg.target, hold)
  leg.attempt = attempt
  return await new Promise<Answer>((resolve, reject) => {
    const conversation = new Conversation({ deps, leg, trip: going, attempt, departure, resolve, reject })
    try {
      conversation.begin()
    } catch (cause) {
      conversation.abandon(cause)
    }
  })
}

interface ConversationOptions {
  deps: AttemptDeps
  leg: Leg
  trip: Trip
  attempt: Attempt
  departure: Departure
  resolve(answer: Answer): void
  reject(fault: Fault): void
}

const noBody = Buffer.alloc(0)

/**
 * One request under way. States: waiting for a socket → sent → reading a whole body, or handing over a stream →
 * over. Whoever ends it (the provider, a time limit, the caller leaving) goes through `#close`, which runs once,
 * stops the clock and writes the end of the attempt.
 */
class Conversation implements HttpReader {
  readonly #deps: AttemptDeps
  readonly #leg: Leg
  readonly #provider: Provider
  readonly #trip: Trip
  readonly #attempt: Attempt
  readonly #resolve: (answer: Answer) => void
  readonly #reject: (fault: Fault) => void
  readonly #departure: Departure
  readonly #passage: Passage
  #flow: HttpFlow | undefined
  #stopClock: (() => void)[] = []
  /** Stops the limit on the step under way: taking a connection, then the first content. */
  #stopAwaiting: () => void = () => undefined
  #over = false
  #sent = false
  #status = 0
  #headers: Record<string, string | string[] | undefined> = {}
  #chunks: Buffer[] = []
  #size = 0
  #idleMs = 0
  #stream: ProviderStream | undefined

  constructor(options: ConversationOptions) {
    this.#deps = options.deps
    this.#leg = options.leg
    this.#provider = options.leg.provider
    this.#trip = options.trip
    this.#attempt = options.attempt
    this.#departure = options.departure
    this.#passage = options.departure.passage
    this.#resolve = options.resolve
    this.#reject = options.reject
  }

  begin(): void {
    const { presence } = this.#trip
    const timeouts = this.#leg.timeouts()
    this.#idleMs = timeouts.idleMs
    if (presence.gone) return this.#leave()
    this.#limit('totalMs', 'in all')
    this.#flow = this.#deps.http.send(
      {
        origin: this.#provider.origin,
        path: this.#departure.path,
        method: this.#departure.method,
        headers: this.#departure.headers,
        body: this.#departure.body.length > 0 ? this.#departure.body : undefined,
        connections: this.#provider.connections,
        connectTimeoutMs: this.#provider.connectTimeoutMs,
      },
      this,
    )
    // A connection that stood ready has been taken by now; only who waits for one needs a limit on that.
    if (!this.#sent && !this.#over) {
      this.#stopAwaiting = this.#limit('connectMs', 'to take a connection')
    }
    presence.onGone(() => this.#leave())
  }

  /** A bug kept it from beginning: the attempt is over all the same. */
  abandon(cause: unknown): void {
    this.#fail(toFault(cause))
  }

  sent(): void {
    this.#sent = true
    this.#stopAwaiting()
    if (this.#trip.asked.stream) {
      this.#stopAwaiting = this.#limit('firstTokenMs', 'to begin its stream')
    }
  }

  head(status: number, headers: Record<string, string | string[] | undefined>): void {
    this.#status = status
    this.#headers = headers
    this.#attempt.httpStatus = status
    this.#leg.heard(status, headers)
    const id = headers['x-request-id'] ?? headers['request-id']
    if (typeof id === 'string') this.#attempt.providerRequestId = id.slice(0, 128)
    if (this.#isStream()) this.#stream = this.#openStream()
    else if (!this.#isAnswer())
      this.#stopClock.push(this.#deps.clock.after(longestErrorMs, () => this.#refused()))
  }

  data(chunk: Buffer): void {
    if (this.#stream) return this.#stream.push(chunk)
    this.#size += chunk.length
    if (!this.#isAnswer()) {
      this.#chunks.push(chunk)
      return this.#size > maxErrorBytes ? this.#refused() : undefined
    }
    if (this.#size > this.#provider.maxAnswerBytes) {
      return this.#fail(
        new Fault(
          'provider_answer_too_large',
          `The answer of provider \`${this.#provider.name}\` is larger than this server holds.`,
        ),
      )
    }
    this.#chunks.push(chunk)
  }

  end(): void {
    if (this.#stream) return this.#stream.finish()
    if (!this.#isAnswer()) return this.#refused()
    const body = this.#body()
    const read = this.#trip.asked.stream ? undefined : this.#passage.readWhole(body)
    if (!read) return this.#fail(this.#notAnAnswer(body))
    if (read.facts.bill) this.#attempt.bill = read.facts.bill
    if (read.facts.usage) {
      this.#attempt.usage = read.facts.usage
      this.#attempt.usageSource = 'provider'
    }
    const { answer } = read
    if ('empty' in answer) return this.#fail(this.#malformed('an answer with nothing in it.', body))
    if ('error' in answer) return this.#fail(this.#classify(statusWithin(answer.error), noBody, answer.error))
    if (this.#close('succeeded'))
      this.#resolve({
        kind: 'whole',
        status: this.#status,
        headers: this.#answerHeaders(),
        body: answer.body,
      })
  }

  fail(failure: HttpFailure, cause: Error): void {
    if (this.#stream) return this.#stream.lose()
    if (this.#status !== 0 && !this.#isAnswer()) return this.#refused()
    const { name } = this.#provider
    const sentence = {
      unreachable: `No connection to provider \`${name}\` could be made; nothing was sent to it.`,
      disconnected: `Provider \`${name}\` closed the connection before its answer was complete.`,
      malformed: `Provider \`${name}\` answered with something that is not HTTP.`,
      aborted: 'The request was given up.',
    }[failure]
    const code =
      failure === 'unreachable'
        ? 'provider_unreachable'
        : failure === 'malformed'
          ? 'provider_malformed'
          : 'provider_disconnected'
    this.#fail(new Fault(code, sentence, { internal: cause.message, cause }))
  }

  /** A status that says that there is no answer decides, whatever has come of its body. */
  #refused(): void {
    const body = this.#body()
    this.#fail(this.#classify(this.#status, body, this.#readError(body)))
  }

  #body(): Buffer {
    return this.#chunks.length === 1 && this.#chunks[0] ? this.#chunks[0] : Buffer.concat(this.#chunks)
  }

  /** Whatever was asked for at an address that is not ours, any good status may answer it. */
  #isAnswer(): boolean {
    return this.#trip.asked.passthrough ? this.#status >= 200 && this.#status < 300 : this.#status === 200
  }

  #isStream(): boolean {
    const type = this.#headers['content-type']
    if (this.#passage.isStream)
      return this.#isAnswer() && this.#passage.isStream(this.#status, String(type ?? ''))
    return (
      this.#trip.asked.stream &&
      this.#status === 200 &&
      typeof type === 'string' &&
      type.toLowerCase().startsWith(this.#passage.streamType)
    )
  }

  #openStream(): ProviderStream | undefined {
    const { asked } = this.#trip
    const tap = this.#passage.createTap?.(String(this.#headers['content-type'] ?? ''))
    if (!tap || !this.#flow) return undefined
    return new ProviderStream({
      providerName: this.#provider.name,
      tap,
      flow: this.#flow,
      clock: this.#deps.clock,
      idleMs: this.#idleMs,
      asked: asked.passthrough ? undefined : asked,
      attempt: this.#attempt,
      onFirst: stream => {
        this.#stopAwaiting()
        this.#resolve({ kind: 'stream', status: this.#status, headers: this.#answerHeaders(), stream })
      },
      onOver: (status, fault) => this.#close(status, fault),
      onFailedEarly: fault => this.#reject(fault),
      classifyError: error => this.#classify(statusWithin(error), noBody, error),
    })
  }

  #limit(which: 'totalMs' | 'connectMs' | 'firstTokenMs', what: string): () => void {
    const ms = this.#leg.timeouts()[which]
    const stop = this.#deps.clock.after(ms, () => {
      const fault = new Fault(
        'upstream_timeout',
        `Provider \`${this.#provider.name}\` took longer than the ${ms} ms it has ${what}.`,
        { hurried: ms < this.#trip.plan.timeouts[which] * hurriedShare },
      )
      if (this.#stream) this.#stream.failWith(fault)
      else if (this.#status !== 0 && !this.#isAnswer()) this.#refused()
      else this.#fail(fault)
    })
    this.#stopClock.push(stop)
    return stop
  }

  #leave(): void {
    if (this.#over) return
    if (this.#stream) {
      this.#stream.cancel()
      return this.#reject(gone()) // nobody has it yet, if it had not begun
    }
    const { asked } = this.#trip
    if (!this.#sent)
      this.#attempt.usage = {} // nothing was used, for certain
    else if (!asked.passthrough) this.#attempt.usage = { input: estimateInput(asked) }
    if (this.#sent) this.#attempt.usageSource = asked.passthrough ? 'unknown' : 'estimate'
    this.#fail(gone(), 'cancelled')
  }

  #fail(fault: Fault, status: 'failed' | 'cancelled' = 'failed'): void {
    if (this.#over) return
    this.#attempt.code = fault.code
    if (status === 'failed') this.#noteFailure(failureClassOf(fault, this.#sent ? 'sent' : 'unsent'))
    this.#close(status, fault)
    this.#flow?.abort()
    this.#reject(fault)
  }

  #noteFailure(failure: FailureClass): void {
    this.#attempt.failure = failure
    // Sent, and nothing heard, or half an answer: the provider may have done the work and may bill it.
    const isBroken = this.#isAnswer() && decisions[failure].mayHaveWorked
    if (this.#sent && (this.#status === 0 || isBroken)) this.#attempt.usageSource ??= 'unknown'
  }

  /** True the first time. */
  #close(status: Attempt['status'], fault?: Fault): boolean {
    if (this.#over) return false
    this.#over = true
    for (const stop of this.#stopClock) stop()
    this.#attempt.status = status
    this.#attempt.endedAtMs = this.#deps.clock.now()
    this.#leg.onOver(this.#attempt, fault)
    return true
  }

  #notAnAnswer(body: Buffer): Fault {
    const error = this.#readError(body)
    if (error) return this.#classify(statusWithin(error), body, error)
    return this.#malformed('a body that is not an answer of its format.', body)
  }

  #malformed(what: string, body: Buffer): Fault {
    return new Fault(
      'provider_malformed',
      `Provider \`${this.#provider.name}\` answered with status 200 and ${what}`,
      { internal: `content-type ${this.#headers['content-type']}, ${body.length} bytes` },
    )
  }

  #classify(status: number, body: Buffer, error: ProviderError | undefined): Fault {
    const { secrets, name } = this.#provider
    const answer = {
      provider: name,
      model: this.#attempt.target.model,
      status,
      headers: this.#headers,
      body,
      error,
      translated: this.#passage.relayed === undefined,
      repeatsSecret: secrets.some(secret => body.includes(secret) || repeats(error, secret)),
      nowMs: this.#deps.clock.now(),
    }
    const fault = classify(answer)
    return this.#trip.asked.passthrough ? passedFault(fault, answer) : fault
  }

  #answerHeaders(): Record<string, string> {
    const headers = this.#headers
    if (!this.#trip.asked.passthrough) return answerHeaders(this.#passage, headers)
    const isStream = this.#stream !== undefined
    return passedAnswerHeaders(this.#provider, this.#trip.call, { headers, isStream })
  }

  #readError(body: Buffer): ProviderError | undefined {
    try {
      return this.#passage.readError(JSON.parse(body.toString()))
    } catch {
      return undefined
    }
  }
}

function repeats(error: ProviderError | undefined, secret: string): boolean {
  return [error?.message, error?.param, error?.code, error?.type].some(word => word?.includes(secret))
}

function gone(): Fault {
  return new Fault('client_closed', 'The caller hung up before the answer was complete.')
}
