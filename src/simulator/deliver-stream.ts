import { type Delivery, type Frames, streamTypeOf } from './delivery.ts'
import { comesInside } from './disturbances.ts'
import { Gathering } from './gathering.ts'

interface Piece {
  text: string
  thought: boolean
}

/** The answer token by token, at the script's pace and never faster than the client reads. */
export async function deliverStream(delivery: Delivery, slowMs: number): Promise<void> {
  const { line, entry, script, disturbance, parcel } = delivery
  const frames = parcel.frames()
  line.open(200, parcel.headers(streamTypeOf(delivery)))
  if (disturbance === 'slow-body' && !(await holdUp(delivery, slowMs, frames.ping))) return
  entry.reason(parcel.reasoningTokens - (parcel.shownThoughts ?? 0))
  const swap = swapOf(delivery)
  const gathering = new Gathering(delivery, swap === 'opening' ? '' : frames.opening)
  if (script.unknownEvents) gathering.say(frames.unknown)
  if (!(await tellPieces(delivery, frames, gathering))) return
  if (script.unknownEvents) gathering.say(frames.unknown)
  const closing = swap === 'closing' ? '' : frames.closing
  const again = disturbance === 'double-usage' ? (frames.separator ?? '') + closing : ''
  await gathering.end(closing + again + (disturbance === 'no-done' ? '' : frames.done))
}

/** Says whether the stream is still to be brought to its end. */
async function tellPieces(delivery: Delivery, frames: Frames, gathering: Gathering): Promise<boolean> {
  const { line, script, disturbance } = delivery
  let breaksAt = breakingPoint(delivery)
  let at = 0
  for (const piece of swapped(frames, swapOf(delivery))) {
    // nothing to cut off here
    if (at === breaksAt && isCutting(disturbance) && piece.text === '') breaksAt += 1
    let next: Piece | undefined = piece
    if (at === breaksAt) {
      if (!(await gathering.flush())) return false
      next = await breakOff(delivery, { frames, gathering, piece })
      if (next === undefined) return false
    } else if (script.paceMs > 0 && at > 0) {
      // Each wait starts when the last one is over: equal waits share one timer list, which is what load tests need.
      if (!(await gathering.flush()) || !(await line.wait(script.paceMs))) return false
    } else if (gathering.full && !(await gathering.flush())) return false
    gathering.add(next.text, next.thought)
    at += 1
  }
  if (at !== breaksAt) return true
  const piece = { text: frames.closing, thought: false }
  return (await gathering.flush()) && (await breakOff(delivery, { frames, gathering, piece })) !== undefined
}

function* piecesOf(frames: Frames): Generator<Piece, void> {
  for (const text of frames.thoughts ?? []) yield { text, thought: true }
  for (const text of frames.pieces) yield { text, thought: false }
}

/** What changes its place with a piece, if the order is broken. */
function swapOf({ disturbance, script }: Delivery): 'opening' | 'closing' | undefined {
  if (disturbance !== 'disorder') return undefined
  return script.afterTokens === 0 ? 'opening' : 'closing'
}

/** The pieces, the first of them before the opening, or the last after the closing. */
function* swapped(frames: Frames, swap: 'opening' | 'closing' | undefined): Generator<Piece, void> {
  if (swap === undefined) return yield* piecesOf(frames)
  let held: Piece | undefined
  let isFirst = true
  for (const piece of piecesOf(frames)) {
    if (held) yield held
    held = isFirst && swap === 'opening' ? { ...piece, text: piece.text + frames.opening } : piece
    isFirst = false
  }
  if (!held) return
  const { separator = '' } = frames
  const last = separator === '' ? held.text : held.text.slice(0, -separator.length)
  yield swap === 'closing' ? { ...held, text: frames.closing + separator + last } : held
}

/** What happens in the middle of a stream. Returns what it goes on with, if it goes on. */
async function breakOff(
  delivery: Delivery,
  { frames, gathering, piece }: { frames: Frames; gathering: Gathering; piece: Piece },
): Promise<Piece | undefined> {
  const { line, disturbance } = delivery
  switch (disturbance) {
    case 'stall':
      return (await holdUp(delivery, undefined, frames.ping)) ? piece : undefined
    case 'bad-event':
      return { ...piece, text: `${cutShort(piece.text)}\n\n` }
    case 'endless':
      gathering.add(piece.text, piece.thought)
      await goOn(delivery, frames, gathering)
      return undefined
    case 'reset':
      line.reset()
      return undefined
    case 'cut':
      line.hangUp()
      return undefined
    case 'bad-framing':
      line.spoil('this is no length of a chunk\r\n')
      return undefined
    default:
      await line.end(lastWords(delivery, frames, piece))
      return undefined
  }
}

/** What a stream says that is ended in its middle. */
function lastWords({ disturbance }: Delivery, frames: Frames, { text }: Piece): string {
  if (disturbance === 'truncated-json') return `${cutShort(text)}\n\n`
  if (disturbance === 'early-done') return frames.done
  return disturbance === 'stream-error' ? frames.error() : ''
}

/** More and more, until the client has gone. */
async function goOn({ line, script }: Delivery, frames: Frames, gathering: Gathering): Promise<void> {
  for (;;) {
    if (script.paceMs > 0 || gathering.full) {
      if (!(await gathering.flush()) || !(await line.wait(script.paceMs))) return
    }
    gathering.add(frames.more(' more'), false)
  }
}

/** Lets the time pass for which a failure holds an answer up, with pings if the script wants them. */
export async function holdUp(
  { line, script }: Delivery,
  usualMs: number | undefined,
  ping: string,
): Promise<boolean> {
  line.flush()
  let leftMs = script.forMs ?? usualMs ?? Number.POSITIVE_INFINITY
  const { pingMs } = script
  if (pingMs === undefined || ping === '')
    return await line.wait(Number.isFinite(leftMs) ? leftMs : undefined)
  for (; leftMs > pingMs; leftMs -= pingMs) {
    if (!(await line.wait(pingMs)) || !(await line.write(ping))) return false
  }
  return await line.wait(leftMs)
}

/** Up to the middle of the last JSON in these frames. */
function cutShort(frames: string): string {
  const start = Math.max(0, frames.lastIndexOf('data: '))
  return frames.slice(0, start + Math.floor((frames.length - start) / 2))
}

function isCutting(disturbance: Delivery['disturbance']): boolean {
  return disturbance === 'truncated-json' || disturbance === 'bad-event'
}

/** After how many tokens a disturbance in the middle comes; NaN: there is none. */
function breakingPoint({ disturbance, script, parcel }: Delivery): number {
  if (!comesInside(disturbance)) return Number.NaN
  const tokens = (parcel.shownThoughts ?? 0) + parcel.visibleTokens
  // After its last token a text is over, and cannot go on; a broken event is one that brings a token.
  const most = disturbance === 'endless' ? tokens - 2 : disturbance === 'bad-event' ? tokens - 1 : tokens
  return Math.max(0, Math.min(script.afterTokens ?? Math.floor(tokens / 2), most))
}
