import { type CallerDialect, familyOf } from '#exchange'

/** What a stream says while it has nothing to say, so that nobody on the way takes it for dead. */
export interface Heartbeat {
  bytes: Buffer
  /** Whether it may stand behind what was written last: behind a whole event, never inside one. */
  fits(tail: Tail): boolean
  /** The last words of a stream of which nothing but heartbeats has been written; absent: as they are. */
  alone?(words: Buffer): Buffer
}

/** The last four bytes of what was written, the last one lowest; 0 while nothing was. */
export type Tail = number

/** The tail once these bytes are written too. */
export function tailAfter(tail: Tail, bytes: Buffer): Tail {
  let after = tail
  for (let at = Math.max(bytes.length - 4, 0); at < bytes.length; at += 1)
    after = (after << 8) | (bytes[at] ?? 0)
  return after
}

/** An empty line, with each of the line ends that an event may have (WHATWG HTML, 9.2.6). */
function endsEvent(tail: Tail): boolean {
  const [two, three] = [tail & 0xffff, tail & 0xffffff]
  return tail === 0 || two === 0x0a0a || two === 0x0d0d || three === 0x0a0d0a
}

/** A comment: every reader of server-sent events passes it over. */
const comment: Heartbeat = { bytes: Buffer.from(': ping\n\n'), fits: endsEvent }

/** Anthropic's own (docs.claude.com, streaming): its SDKs know it by name. */
const ping: Heartbeat = { bytes: Buffer.from('event: ping\ndata: {"type": "ping"}\n\n'), fits: endsEvent }

/**
 * Google's SDKs split lines by themselves, and not each of them knows comments (that of Go fails on any line but
 * `data:`); an empty line is nothing to all of them.
 */
const emptyLine: Heartbeat = { bytes: Buffer.from('\r\n\r\n'), fits: endsEvent }

const [brace, lineFeed, comma] = [0x7d, 0x0a, '\n,\n']

/** Blank space between two elements of an array (RFC 8259, 2). A line feed is never part of an element's end. */
const blank: Heartbeat = {
  bytes: Buffer.from('\n'),
  fits: tail => tail === 0 || (tail & 0xff) === brace || (tail & 0xff) === lineFeed,
  // An error stands behind the elements before it, of which there is none.
  alone: words =>
    words.toString('latin1', 0, 3) === comma ? Buffer.concat([Buffer.from('['), words.subarray(3)]) : words,
}

/** How a stream of this content type beats in a dialect; undefined where it cannot. */
export function heartbeatOf(dialect: CallerDialect, contentType: string): Heartbeat | undefined {
  const isEvents = /^text\/event-stream\b/i.test(contentType)
  switch (familyOf(dialect)) {
    case 'anthropic':
      return isEvents ? ping : undefined
    case 'gemini':
      return isEvents ? emptyLine : /^application\/json\b/i.test(contentType) ? blank : undefined
    default:
      return isEvents ? comment : undefined
  }
}
