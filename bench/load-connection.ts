import { connect, type Socket } from 'node:net'
import { doneMark, endMark, pieceMark, streamPieces } from './answers.ts'
import { ResponseReader } from './response-reader.ts'
import { MarkCounter, Samples } from './tally.ts'

/** What all connections of a run count together. Only `sent` and `errors` count outside the window, too. */
export class Tally {
  phase: 'warming' | 'measuring' | 'draining' = 'warming'
  sent = 0
  errors = 0
  readonly errorSamples: string[] = []
  answers = 0
  pieces = 0
  readonly latency = new Samples()
  readonly firstContent = new Samples()
  readonly gap = new Samples()

  fail(why: string): void {
    this.errors += 1
    if (this.errorSamples.length < 3) this.errorSamples.push(why.slice(0, 300))
  }
}

export interface Errand {
  port: number
  /** The whole HTTP request. */
  bytes: Buffer
  stream: boolean
  tally: Tally
  /** Called after each answer in the window. */
  onAnswer(): void
}

/** A connection that is refused or lost comes back after a pause, so that a dead server does not cost a core. */
const reconnectMs = 20

/** One request in flight. */
interface Flight {
  startedAtMs: number
  lastContentAtMs: number
  pieces: number
  ends: MarkCounter
  contents: MarkCounter
  endsSeen: number
  text: string
}

/** One caller: asks, waits for the whole answer, checks it, asks again; until the tally says that it is over. */
export class LoadConnection {
  readonly #errand: Errand
  readonly #tally: Tally
  readonly #closed = Promise.withResolvers<void>()
  #socket: Socket | undefined
  #flight: Flight | undefined

  constructor(errand: Errand, startAfterMs: number) {
    this.#errand = errand
    this.#tally = errand.tally
    setTimeout(() => this.#connect(), startAfterMs)
  }

  /** Settles when the last answer has come and the connection is closed. */
  get closed(): Promise<void> {
    return this.#closed.promise
  }

  get waiting(): boolean {
    return this.#flight !== undefined
  }

  #connect(): void {
    const socket = connect(this.#errand.port, '127.0.0.1')
    socket.setNoDelay(true)
    const reader = new ResponseReader({
      body: part => this.#read(part),
      end: status => this.#finish(status),
    })
    socket.on('connect', () => this.#send())
    socket.on('data', part => {
      try {
        reader.feed(part)
      } catch (cause) {
        socket.destroy(cause instanceof Error ? cause : new Error(String(cause)))
      }
    })
    socket.on('error', cause => this.#lose(cause.message))
    socket.on('close', () => this.#lose('the connection was closed', true))
    this.#socket = socket
  }

  #send(): void {
    if (this.#tally.phase === 'draining') {
      this.#socket?.destroy()
      return
    }
    this.#tally.sent += 1
    this.#flight = newFlight(this.#errand.stream)
    this.#socket?.write(this.#errand.bytes)
  }

  #read(part: Buffer): void {
    const flight = this.#flight
    if (flight === undefined) return
    const text = part.toString('latin1')
    if (flight.text.length < 300) flight.text += text.slice(0, 300)
    flight.endsSeen += flight.ends.feed(text)
    if (this.#errand.stream) this.#readContent(flight, flight.contents.feed(text))
  }

  #readContent(flight: Flight, pieces: number): void {
    if (pieces === 0) return
    const now = performance.now()
    if (this.#tally.phase === 'measuring') {
      this.#tally.pieces += pieces
      if (flight.pieces === 0) this.#tally.firstContent.add(now - flight.startedAtMs)
      else this.#tally.gap.add(now - flight.lastContentAtMs)
    }
    flight.pieces += pieces
    flight.lastContentAtMs = now
  }

  #finish(status: number): void {
    const flight = this.#flight
    if (flight === undefined) return
    this.#flight = undefined
    const whole = flight.endsSeen === 1 && flight.pieces === (this.#errand.stream ? streamPieces : 0)
    if (status !== 200 || !whole) {
      this.#tally.fail(`${status}, ${flight.pieces} pieces, ${flight.endsSeen} ends: ${flight.text}`)
    } else if (this.#tally.phase === 'measuring') {
      this.#tally.answers += 1
      this.#tally.latency.add(performance.now() - flight.startedAtMs)
      this.#errand.onAnswer()
    }
    this.#send()
  }

  /** An `error` is always followed by a `close`, which alone decides what comes next. */
  #lose(why: string, final = false): void {
    if (this.#flight !== undefined) this.#tally.fail(why)
    this.#flight = undefined
    if (!final) return
    if (this.#tally.phase === 'draining') this.#closed.resolve()
    else setTimeout(() => this.#connect(), reconnectMs)
  }
}

function newFlight(stream: boolean): Flight {
  return {
    startedAtMs: performance.now(),
    lastContentAtMs: 0,
    pieces: 0,
    ends: new MarkCounter(stream ? doneMark : endMark),
    contents: new MarkCounter(pieceMark),
    endsSeen: 0,
    text: '',
  }
}
