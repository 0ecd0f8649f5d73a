import {
  type AnswerSink,
  type AnswerStream,
  type Asked,
  type Attempt,
  Fault,
  type ProviderError,
  totalInput,
  totalOutput,
  type Usage,
} from '#exchange'
import type { Clock, HttpFlow } from '#platform'
import { estimateOutputTokens, type StreamTap } from '#wire'
import { failureClassOf } from './decide.ts'
import { estimateInput } from './estimate-input.ts'

export interface ProviderStreamOptions {
  providerName: string
  tap: StreamTap
  flow: HttpFlow
  clock: Clock
  /** Longest time without an event that says something, while the reader is not the one who holds up. */
  idleMs: number
  /** Undefined where nothing can be counted: what is not told then is not known. */
  asked: Asked | undefined
  attempt: Attempt
  /** The first content has come: from here on it is somebody's answer. */
  onFirst(stream: AnswerStream): void
  onOver(status: Attempt['status'], fault?: Fault): void
  /** It failed before its first content: nobody reads it yet. */
  onFailedEarly(fault: Fault): void
  classifyError(error: ProviderError): Fault
}

/** Of what a provider sends before its first content, as much is held back; nobody needs more. */
const mostHeldBytes = 256 * 1024

/** After its end mark a stream has this long to end, so that its connection can serve again; then it is closed. */
const lingerMs = 1_000

/**
 * A provider's stream on its way to a reader. States: opening (what comes before the first content is held back, so
 * that another provider can take over unseen) → begun (it waits for its reader) → flowing ⇄ paused → over. Over is entered once, by `done`, `fail` or `cancel`; the provider's
 * connection is closed with it unless the provider ended first.
 */
export class ProviderStream implements AnswerStream {
  readonly #options: ProviderStreamOptions
  #sink: AnswerSink | undefined
  #held: Buffer[] = []
  #heldBytes = 0
  #begun = false
  #over = false
  #cancelled = false
  #failure: Fault | undefined
  #paused = false
  #lastMs: number
  #stopIdle: () => void = () => undefined

  constructor(options: ProviderStreamOptions) {
    this.#options = options
    this.#lastMs = options.clock.monotonic()
  }

  /** Bytes from the provider. */
  push(chunk: Buffer): void {
    if (this.#over) return
    const { clock, tap } = this.#options
    const { progress } = tap.facts
    let bytes: Buffer
    try {
      bytes = tap.push(chunk)
    } catch (cause) {
      return this.failWith(this.#malformed(cause))
    }
    if (tap.facts.progress > progress) this.#lastMs = clock.monotonic()
    this.#take(bytes)
  }

  /** The provider closed the stream in good order, which does not make it whole. */
  finish(): void {
    if (this.#over) return
    try {
      this.#take(this.#options.tap.finish())
    } catch (cause) {
      return this.failWith(this.#malformed(cause))
    }
    if (!this.#over) this.lose()
  }

  /** The connection is gone before the end mark: a truncated answer, never to be taken for a whole one. */
  lose(): void {
    this.failWith(
      new Fault(
        'provider_disconnected',
        `Provider \`${this.#options.providerName}\` broke off its stream before the end.`,
      ),
    )
  }

  failWith(fault: Fault): void {
    if (this.#over) return
    const { attempt } = this.#options
    attempt.code = fault.code
    attempt.failure = failureClassOf(fault, this.#begun ? 'delivered' : 'begun')
    this.#end('failed', fault)
    this.#options.flow.abort()
    fault.detail.lastWords ??= this.#options.tap.fail?.(fault)
    if (this.#sink) this.#sink.fail(fault)
    else if (this.#begun)
      this.#failure = fault // the reader has been promised a stream: it hears at `start`
    else this.#options.onFailedEarly(fault)
  }

  start(sink: AnswerSink): void {
    if (this.#cancelled) return
    this.#sink = sink
    const held = this.#held
    this.#held = []
    for (const bytes of held) if (!sink.write(bytes)) this.#paused = true
    if (this.#failure) return sink.fail(this.#failure)
    if (this.#over) return sink.done()
    if (this.#paused) return
    this.#watchIdle()
    this.#options.flow.resume()
  }

  resume(): void {
    if (this.#over || !this.#paused) return
    this.#paused = false
    this.#lastMs = this.#options.clock.monotonic()
    this.#watchIdle()
    this.#options.flow.resume()
  }

  cancel(): void {
    if (this.#over) return
    this.#cancelled = true
    this.#options.attempt.code = 'client_closed'
    if (this.#paused) this.#options.attempt.behind = true
    this.#end('cancelled')
    this.#options.flow.abort()
  }

  #take(bytes: Buffer): void {
    const { attempt, clock, flow, tap } = this.#options
    const { facts } = tap
    if (attempt.firstTokenMs === undefined && facts.pieces > 0) {
      attempt.firstTokenMs = Math.round(clock.now() - attempt.startedAtMs)
    }
    if (bytes.length > 0) this.#give(bytes)
    if (!this.#begun && (facts.pieces > 0 || this.#heldBytes >= mostHeldBytes)) {
      flow.pause()
      this.#begin()
    }
    if (facts.error) return this.failWith(this.#options.classifyError(facts.error))
    if (facts.malformed) return this.failWith(this.#malformed(facts.malformed))
    if (!facts.ended) return
    if (!this.#begun) this.#begin() // ended without a byte: an empty answer all the same
    this.#end('succeeded')
    flow.resume()
    clock.after(lingerMs, () => flow.abort())
    this.#sink?.done()
  }

  #give(bytes: Buffer): void {
    if (this.#sink) {
      if (!this.#sink.write(bytes)) this.#pause()
      return
    }
    this.#held.push(bytes)
    this.#heldBytes += bytes.length
  }

  #begin(): void {
    this.#begun = true
    this.#options.onFirst(this)
  }

  #pause(): void {
    if (this.#paused) return
    this.#paused = true
    this.#stopIdle()
    this.#options.flow.pause()
  }

  #end(status: Attempt['status'], fault?: Fault): void {
    this.#over = true
    this.#stopIdle()
    const { attempt, tap } = this.#options
    if (tap.facts.skipped > 0) attempt.skippedEvents = tap.facts.skipped
    this.#settle(status)
    this.#options.onOver(status, fault)
  }

  /**
   * By the provider's own report where it is the last one. Else by count: the input as it was told at the beginning,
   * or estimated; the output by what was seen. A provider that began with an error has not done anything.
   */
  #settle(status: Attempt['status']): void {
    const { attempt, tap, asked } = this.#options
    const { facts } = tap
    const told = facts.usage
    if (facts.bill) attempt.bill = facts.bill
    const isBelieved = facts.bill?.doubt !== 'refused'
    if (told && isBelieved && (status === 'succeeded' || facts.counted)) {
      attempt.usage = told
      attempt.usageSource = 'provider'
    } else if (told || asked) {
      if (!told && !this.#begun && facts.error) return
      attempt.usage = countedUsage(told ?? {}, estimateOutputTokens(facts), asked)
      attempt.usageSource = 'estimate'
    } else {
      attempt.usageSource = 'unknown'
    }
  }

  /** One timer that looks again when it fires, instead of a new one for every piece. */
  #watchIdle(waitMs: number = this.#options.idleMs): void {
    const { clock, idleMs, providerName } = this.#options
    this.#stopIdle = clock.after(waitMs, () => {
      const silentMs = clock.monotonic() - this.#lastMs
      if (silentMs < idleMs) return this.#watchIdle(idleMs - silentMs)
      this.failWith(
        new Fault(
          'upstream_timeout',
          `Provider \`${providerName}\` was silent for more than ${idleMs} ms in the middle of its stream.`,
        ),
      )
    })
  }

  #malformed(cause: unknown): Fault {
    return new Fault(
      'provider_malformed',
      `Provider \`${this.#options.providerName}\` sent an event that is not of its format.`,
      { internal: cause instanceof Error ? cause.message : String(cause), cause },
    )
  }
}

/** A report that came before the end, with what it does not know: the output since, and the input if it left that out. */
function countedUsage(told: Usage, seenOutput: number, asked: Asked | undefined): Usage {
  const more = seenOutput - totalOutput(told)
  return {
    ...told,
    ...(totalInput(told) === 0 && asked && { input: estimateInput(asked) }),
    ...(more > 0 && { output: (told.output ?? 0) + more }),
  }
}
