import type { Clock } from '#platform'
import type { Entry } from './bill.ts'
import type { DisturbanceName } from './disturbances.ts'
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
  /** Between the closing and another frame, where frames do not end in themselves. */
  separator?: string
  error(): string
  /** One more token of text, after a piece and as long as it is not the last. */
  more(token: string): string
  /** Says that the connection lives, and nothing else. */
  ping: string
  /** An event that no client knows. */
  unknown: string
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

/** Frames of what is never streamed. */
export const noFrames: Frames = {
  opening: '',
  pieces: [],
  closing: '',
  done: '',
  error: () => '',
  more: () => '',
  ping: '',
  unknown: '',
}

const eventStream = 'text/event-stream; charset=utf-8'

export function streamTypeOf({ parcel, disturbance }: Delivery): string {
  return disturbance === 'wrong-type' ? 'text/plain' : (parcel.streamType ?? eventStream)
}
