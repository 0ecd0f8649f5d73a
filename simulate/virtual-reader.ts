import type { Exchange } from '#events'
import { Fault } from '#exchange'
import type { Client } from '#gateway'
import type { Clock } from '#platform'

interface ReaderOptions {
  clock: Clock
  /** Until a full buffer has been read. 0: at once; undefined: never. */
  readMs: number | undefined
}

type End = 'whole' | 'stream' | 'failed' | 'gone'

/** What a socket takes of an answer whose reader does not read. */
const bufferBytes = 1_024
/** As the edge has it, which drops a reader that takes nothing for so long. */
const stalledMs = 30_000

/**
 * A caller at the far end of a connection. States: waiting → reading → over. It does to a call what the edge's own
 * client does: it can leave, be slow, be given up, and be cut off by a drain.
 */
export class VirtualReader implements Client {
  readonly #options: ReaderOptions
  readonly #chunks: Buffer[] = []
  readonly #onGone: (() => void)[] = []
  #onDrain: () => void = () => undefined
  #backlog = 0
  #cutBy: Fault | undefined
  #isGone = false
  begun = false
  beganAtMs: number | undefined
  endedAtMs: number | undefined
  /** Ends that it was told; there must be one. */
  readonly ends: string[] = []
  /** What came when it should not have. */
  readonly misplaced: string[] = []
  fault: Fault | undefined
  exchange: Exchange | undefined
  status = 0

  constructor(options: ReaderOptions) {
    this.#options = options
  }

  get gone(): boolean {
    return this.#isGone || this.#cutBy !== undefined
  }

  get outcome(): End {
    if (this.#isGone) return 'gone'
    if (this.fault) return 'failed'
    return this.begun ? 'stream' : 'whole'
  }

  get text(): string {
    return Buffer.concat(this.#chunks).toString()
  }

  onGone(work: () => void): void {
    if (this.gone) work()
    else this.#onGone.push(work)
  }

  onDrain(work: () => void): void {
    this.#onDrain = work
  }

  /** Hangs up. */
  leave(): void {
    if (this.gone || this.endedAtMs !== undefined) return
    this.#isGone = true
    this.endedAtMs = this.#options.clock.monotonic()
    this.#tellGone()
  }

  /** The connection broke: the process at its other end is dead. */
  lose(): void {
    this.#isGone = true
    this.endedAtMs ??= this.#options.clock.monotonic()
  }

  /** We stop it from our side. */
  cut(fault: Fault): void {
    if (this.gone || this.endedAtMs !== undefined) return
    this.#cutBy = fault
    this.#tellGone()
  }

  expectStream(exchange: Exchange): void {
    this.exchange = exchange
  }

  begin(_headers: Readonly<Record<string, string>>, exchange: Exchange, status = 200): void {
    if (this.begun || this.ends.length > 0) this.misplaced.push('a beginning')
    this.begun = true
    this.exchange = exchange
    this.status = status
    this.beganAtMs = this.#options.clock.monotonic()
  }

  write(bytes: Buffer): boolean {
    if (!this.begun || this.ends.length > 0) this.misplaced.push('bytes')
    if (this.gone) return true
    this.#chunks.push(bytes)
    const { clock, readMs } = this.#options
    if (readMs === 0) return true
    const wasEmpty = this.#backlog === 0
    this.#backlog += bytes.length
    if (wasEmpty && readMs !== undefined) clock.after(readMs, () => this.#read())
    if (wasEmpty && readMs === undefined) clock.after(stalledMs, () => this.#giveUp())
    return this.#backlog < bufferBytes
  }

  send(
    { status, body }: { status: number; headers: Readonly<Record<string, string>>; body: Buffer },
    exchange: Exchange,
  ): void {
    this.exchange = exchange
    this.status = status
    if (!this.gone) this.#chunks.push(body)
    this.#end('send')
  }

  end(): void {
    if (!this.begun) this.misplaced.push('an end')
    this.#end('end')
  }

  fail(cause: Fault, exchange: Exchange): void {
    this.exchange = exchange
    const fault = this.#cutBy && cause.code === 'client_closed' ? exchange.fail(this.#cutBy) : cause
    this.fault = fault
    this.status = this.begun ? this.status : fault.status
    this.#end('fail')
  }

  #end(how: string): void {
    this.ends.push(how)
    this.endedAtMs ??= this.#options.clock.monotonic()
  }

  #read(): void {
    const wasFull = this.#backlog >= bufferBytes
    this.#backlog = 0
    if (wasFull && !this.gone) this.#onDrain()
  }

  #giveUp(): void {
    if (this.#backlog >= bufferBytes)
      this.cut(new Fault('reader_stalled', 'The caller took nothing of the answer.'))
  }

  #tellGone(): void {
    for (const work of this.#onGone.splice(0)) work()
  }
}
