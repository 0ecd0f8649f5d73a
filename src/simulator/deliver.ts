import type { Clock } from '#platform'
import type { Entry, Outcome } from './bill.ts'
import type { DisturbanceName } from './failures.ts'
import type { Line } from './line.ts'
import type { Script } from './script.ts'

/** A dialect's stream: what opens it, one frame for each token (empty while the dialect holds
 * tokens back to tell them in one), what closes it, its end mark, and an error in it. */
export interface Frames {
  opening: string
  /** One frame for each token of reasoning that is shown; they come before the pieces. */
  thoughts?: Iterable<string>
  pieces: Iterable<string>
  closing: string
  done: string
  error(): string
}

/** An answer that lies ready for the client, in its dialect. */
interface Parcel {
  stream: boolean
  inputTokens: number
  cachedTokens: number
  /** Thought before the first visible token. */
  reasoningTokens: number
  /** How many of them are shown. */
  shownThoughts?: number
  visibleTokens: number
  whole(): string
  frames(): Frames
  streamType?: string
  /** The body of an error told with status 200. */
  error(): string
  headers(contentType: string, contentLength?: number): string[]
}

export interface Delivery {
  clock: Clock
  line: Line
  entry: Entry
  script: Script
  disturbance: DisturbanceName | undefined
  parcel: Parcel
}

const slowMs = 30_000
const eventStream = 'text/event-stream; charset=utf-8'
/** What breaks an answer inside its body, plain or streamed. */
const breaksInside: ReadonlySet<DisturbanceName | undefined> = new Set([
  'stall',
  'reset',
  'cut',
  'eof',
] as const)
const html =
  '<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title></head><body>Bad gateway</body></html>\n'

/** Brings the answer to the client, or breaks it off as the script wants. Returns when nothing more will be sent. */
export async function deliver(delivery: Delivery): Promise<void> {
  const { line, entry, script, disturbance, parcel } = delivery
  if (!isNoAnswer(disturbance, parcel.stream)) entry.read(parcel.inputTokens, parcel.cachedTokens)
  if (disturbance === 'hang') await line.wait()
  const lateMs = disturbance === 'slow' ? (script.forMs ?? slowMs) : 0
  if (!(await line.wait(script.ttftMs + lateMs))) return
  if (disturbance === 'reset' && script.afterTokens === undefined) line.reset()
  else if (isNoAnswer(disturbance, parcel.stream)) deliverNoAnswer(delivery)
  else if (parcel.stream) await deliverStream(delivery)
  else await deliverWhole(delivery)
}

/** How a delivery stands on the bill. `finished`: all that was written has been handed to the system. */
export function outcomeOf(
  disturbance: DisturbanceName | undefined,
  stream: boolean,
  finished: boolean,
): Exclude<Outcome, 'running'> {
  if (!finished) return 'cut'
  if (isNoAnswer(disturbance, stream)) return 'refused'
  const broken = disturbance === 'eof' || disturbance === 'truncated-json' || disturbance === 'stream-error'
  return broken ? 'cut' : 'ended'
}

/** A good status with something else than an answer: as if from a proxy in front of the model, which did nothing. */
function isNoAnswer(disturbance: DisturbanceName | undefined, stream: boolean): boolean {
  if (disturbance === 'stream-error') return !stream
  return disturbance === 'html' || disturbance === 'empty' || disturbance === 'redirect'
}

function deliverNoAnswer({ line, disturbance, parcel }: Delivery): void {
  const contentType = parcel.stream ? (parcel.streamType ?? eventStream) : 'application/json'
  const { status, type, body, more } = noAnswer()
  line.open(status, [...parcel.headers(type, Buffer.byteLength(body)), ...more])
  line.end(body)

  function noAnswer(): { status: number; type: string; body: string; more: string[] } {
    switch (disturbance) {
      case 'html':
        return { status: 200, type: 'text/html; charset=utf-8', body: html, more: [] }
      case 'redirect':
        return { status: 302, type: 'text/plain', body: '', more: ['location', '/v1/elsewhere'] }
      case 'stream-error':
        return { status: 200, type: contentType, body: parcel.error(), more: [] }
      default:
        return { status: 200, type: contentType, body: '', more: [] }
    }
  }
}

/** The answer as one body, once all of it has been produced. */
async function deliverWhole(delivery: Delivery): Promise<void> {
  const { line, script, disturbance, parcel } = delivery
  if (!(await produceAll(delivery))) return
  const whole = parcel.whole()
  const middle = Math.floor(whole.length / 2)
  const body = disturbance === 'truncated-json' ? whole.slice(0, middle) : whole
  line.open(200, parcel.headers('application/json', Buffer.byteLength(body)))
  if (!breaksInside.has(disturbance)) return line.end(body)
  if (!(await line.write(body.slice(0, middle)))) return
  if (disturbance === 'reset') line.reset()
  else if (disturbance !== 'stall') line.hangUp()
  else if (await line.wait(script.forMs)) line.end(body.slice(middle))
}

/** Lets the time pass that the tokens take; a client that leaves meanwhile is billed for those made by then. */
async function produceAll({ clock, line, entry, script, parcel }: Delivery): Promise<boolean> {
  const { shownThoughts = 0 } = parcel
  const all = shownThoughts + parcel.visibleTokens
  entry.reason(parcel.reasoningTokens - shownThoughts)
  const startedAt = clock.monotonic()
  const steps = Math.max(0, all - 1)
  const here = await line.wait(script.paceMs * steps)
  const passed = here ? steps : Math.min(steps, Math.floor((clock.monotonic() - startedAt) / script.paceMs))
  const made = Math.min(all, passed + 1)
  entry.reason(Math.min(shownThoughts, made))
  entry.produce(Math.max(0, made - shownThoughts))
  return here
}

/** The answer token by token, at the script's pace and never faster than the client reads. */
async function deliverStream(delivery: Delivery): Promise<void> {
  const { line, entry, script, disturbance, parcel } = delivery
  const frames = parcel.frames()
  let breaksAt = breakingPoint(delivery)
  line.open(200, parcel.headers(parcel.streamType ?? eventStream))
  entry.reason(parcel.reasoningTokens - (parcel.shownThoughts ?? 0))
  const gathering = new Gathering(line, entry, frames.opening)
  let at = 0
  for (const { piece, thought } of piecesOf(frames)) {
    if (at === breaksAt && disturbance === 'truncated-json' && piece === '') breaksAt += 1 // nothing to cut off here
    if (at === breaksAt) {
      if (!(await gathering.flush()) || !(await breakOff(delivery, frames, piece))) return
    } else if (script.paceMs > 0 && at > 0) {
      // Each wait starts when the last one is over: equal waits share one timer list, which is what load tests need.
      if (!(await gathering.flush()) || !(await line.wait(script.paceMs))) return
    } else if (gathering.full && !(await gathering.flush())) return
    gathering.add(piece, thought)
    at += 1
  }
  if (at === breaksAt && !((await gathering.flush()) && (await breakOff(delivery, frames, frames.closing))))
    return
  gathering.end(frames.closing + (disturbance === 'no-done' ? '' : frames.done))
}

function* piecesOf(frames: Frames): Generator<{ piece: string; thought: boolean }, void> {
  for (const piece of frames.thoughts ?? []) yield { piece, thought: true }
  for (const piece of frames.pieces) yield { piece, thought: false }
}

/** Frames on their way to the line: where there is no pace to keep, many go in one write. */
class Gathering {
  readonly #line: Line
  readonly #entry: Entry
  #text: string
  #tokens = 0
  #thoughts = 0

  constructor(line: Line, entry: Entry, opening: string) {
    this.#line = line
    this.#entry = entry
    this.#text = opening
  }

  get full(): boolean {
    return this.#text.length > 16_384
  }

  add(piece: string, thought: boolean): void {
    this.#text += piece
    if (thought) this.#thoughts += 1
    else this.#tokens += 1
  }

  /** What is written has been produced. Says whether the client is still there. */
  async flush(): Promise<boolean> {
    const text = this.#take()
    return text === '' || (await this.#line.write(text))
  }

  end(closing: string): void {
    this.#line.end(this.#take() + closing)
  }

  #take(): string {
    this.#entry.reason(this.#thoughts)
    this.#entry.produce(this.#tokens)
    const text = this.#text
    this.#text = ''
    this.#tokens = 0
    this.#thoughts = 0
    return text
  }
}

/** What happens in the middle of a stream. Says whether the stream goes on afterwards. */
async function breakOff(delivery: Delivery, frames: Frames, next: string): Promise<boolean> {
  const { line, script, disturbance } = delivery
  switch (disturbance) {
    case 'stall':
      return await line.wait(script.forMs)
    case 'reset':
      line.reset()
      return false
    case 'cut':
      line.hangUp()
      return false
    case 'truncated-json':
      line.end(`${cutShort(next)}\n\n`)
      return false
    case 'stream-error':
      line.end(frames.error())
      return false
    default:
      line.end()
      return false
  }
}

/** Up to the middle of the last JSON in these frames. */
function cutShort(frames: string): string {
  const start = Math.max(0, frames.lastIndexOf('data: '))
  return frames.slice(0, start + Math.floor((frames.length - start) / 2))
}

/** After how many tokens a disturbance in the middle comes; `undefined`: there is none. */
function breakingPoint({ disturbance, script, parcel }: Delivery): number | undefined {
  const comes =
    breaksInside.has(disturbance) || disturbance === 'truncated-json' || disturbance === 'stream-error'
  if (!comes) return undefined
  const tokens = (parcel.shownThoughts ?? 0) + parcel.visibleTokens
  return Math.min(script.afterTokens ?? Math.floor(tokens / 2), tokens)
}
