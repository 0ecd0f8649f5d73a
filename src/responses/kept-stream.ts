import { type AnswerSink, type AnswerStream, type AnswerWatch, type Fault, toFault } from '#exchange'

export interface KeptStreamOptions {
  stream: AnswerStream
  watch: AnswerWatch
  /** Commits the answer; fails with what to tell its caller instead of the end. */
  store(answer: Record<string, unknown>): Promise<void>
  /** The stream is done, and no answer was seen in it. */
  onUnseen(): void
}

/**
 * A stream whose answer is stored before its end is shown. States: flowing → holding (the bytes that complete the
 * answer, and what comes after them, wait for the store) → shown → over. One whose store fails goes from holding to
 * over by `fail`; one that is cut or cancelled goes from flowing to over, and stores nothing.
 */
export class KeptStream implements AnswerStream {
  readonly #options: KeptStreamOptions
  #state: 'flowing' | 'holding' | 'shown' | 'over' = 'flowing'
  #held: Buffer[] = []
  /** How the provider's side ended while its last bytes were held. */
  #end: (() => void) | undefined

  constructor(options: KeptStreamOptions) {
    this.#options = options
  }

  start(sink: AnswerSink): void {
    this.#options.stream.start({
      write: bytes => this.#write(bytes, sink),
      done: () => {
        if (this.#state === 'flowing') this.#options.onUnseen()
        this.#over(() => sink.done())
      },
      fail: fault => this.#over(() => sink.fail(fault)),
    })
  }

  resume(): void {
    if (this.#state !== 'holding') this.#options.stream.resume()
  }

  cancel(): void {
    this.#state = 'over'
    this.#options.stream.cancel()
  }

  #write(bytes: Buffer, sink: AnswerSink): boolean {
    if (this.#state === 'holding') {
      this.#held.push(bytes)
      return false
    }
    if (this.#state !== 'flowing') return this.#state === 'over' || sink.write(bytes)
    let answer: Record<string, unknown> | undefined
    try {
      this.#options.watch.hear(bytes)
      answer = this.#options.watch.answer()
    } catch (cause) {
      this.#fail(toFault(cause), sink)
      return true
    }
    if (!answer) return sink.write(bytes)
    this.#state = 'holding'
    this.#held.push(bytes)
    void this.#store(answer, sink)
    return false
  }

  async #store(answer: Record<string, unknown>, sink: AnswerSink): Promise<void> {
    try {
      await this.#options.store(answer)
    } catch (cause) {
      return this.#fail(toFault(cause), sink)
    }
    if (this.#state !== 'holding') return // the reader left
    this.#state = 'shown'
    let flows = true
    for (const bytes of this.#held.splice(0)) flows = sink.write(bytes)
    if (this.#end) this.#over(this.#end)
    else if (flows) this.#options.stream.resume()
  }

  #over(end: () => void): void {
    if (this.#state === 'over') return
    if (this.#state === 'holding') {
      this.#end = end
      return
    }
    this.#state = 'over'
    end()
  }

  /** The provider has done its part: what is left of its stream nobody reads. */
  #fail(fault: Fault, sink: AnswerSink): void {
    if (this.#state === 'over') return
    this.#state = 'over'
    this.#held = []
    this.#options.stream.cancel()
    sink.fail(fault)
  }
}
