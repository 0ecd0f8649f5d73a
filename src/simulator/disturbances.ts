/** Breaks in transport or format: what `fail=` can do to an answer that is no error status. */
export interface Disturbance {
  kind: 'disturbance'
  name: DisturbanceName
  about: string
}

export type DisturbanceName = keyof typeof disturbances

const disturbances = {
  reset: 'the connection is reset before the first byte; with `after`, in the middle',
  hang: 'no byte ever comes',
  slow: 'the first byte comes late: after `for` (default 30s), then all is well',
  'slow-body': 'status and headers at once, the first byte of the body late: after `for` (default 30s)',
  stall: 'silence in the middle, for `for` (default: for ever), then the answer goes on',
  cut: 'the connection is closed in the middle, after what has been sent',
  eof: 'a stream ends in the middle, well-formed but without finish and [DONE]; a plain body as with `cut`',
  'no-done': 'a whole stream without its [DONE]',
  'early-done': 'a stream has its [DONE] in the middle, without a finish; a plain body as with `cut`',
  endless: 'a stream goes on and on, until the client leaves',
  'truncated-json': 'a well-delivered body, or stream, whose last JSON is cut off',
  'bad-event':
    'one event in the middle of a stream has broken JSON, the others are well; a plain body is cut off',
  'bad-framing': 'the framing of HTTP chunks breaks in the middle',
  disorder: 'the finish comes before the last token; with `after=0`, the first token before the beginning',
  'double-usage': 'what tells the finish and the usage of a stream comes twice',
  'stream-error': 'status 200, then an error object: in the middle of a stream, or as the whole body',
  'bare-error': 'status 200, then an error object and nothing else, streamed or not',
  'wrong-type': 'all is well but the content type, which is text/plain',
  'not-streamed': 'a stream was asked for, a plain body comes',
  html: 'status 200 and a page of HTML',
  empty: 'status 200 and no body',
  'gzip-bomb': 'status 200 and a small body that unpacks to `size` (default 256m)',
  'big-header': 'status 200 and a header of `size` (default 64k)',
  garbage: 'bytes that are no HTTP',
  redirect: 'status 302 to another address',
} as const

export const allDisturbances: readonly Disturbance[] = Object.entries(disturbances).map(([name, about]) => ({
  kind: 'disturbance',
  name: name as DisturbanceName,
  about,
}))

type Named = DisturbanceName | undefined

/** Comes at a point within the body, after so many tokens. */
const inside: ReadonlySet<Named> = new Set<DisturbanceName>([
  ...(['stall', 'reset', 'cut', 'eof', 'early-done', 'endless', 'truncated-json'] as const),
  ...(['bad-event', 'bad-framing', 'stream-error'] as const),
])

/** What is sent, with a good status, instead of an answer: as by a proxy in front of the model, which did nothing. */
const instead: ReadonlySet<Named> = new Set<DisturbanceName>([
  ...(['html', 'empty', 'redirect', 'bare-error', 'gzip-bomb', 'big-header', 'garbage'] as const),
])

/** Delivered to the last byte, and yet without its end. */
const brokenOff: ReadonlySet<Named> = new Set<DisturbanceName>([
  ...(['eof', 'early-done', 'truncated-json', 'stream-error'] as const),
])

export function comesInside(name: Named): boolean {
  return inside.has(name)
}

export function isNoAnswer(name: Named, stream: boolean): boolean {
  return instead.has(name) || (name === 'stream-error' && !stream)
}

/** How a delivery stands on the bill. `finished`: all that was written has been handed to the system. */
export function outcomeOf(name: Named, stream: boolean, finished: boolean): 'cut' | 'refused' | 'ended' {
  if (!finished) return name === 'garbage' ? 'refused' : 'cut'
  if (isNoAnswer(name, stream)) return 'refused'
  return brokenOff.has(name) || (name === 'bad-event' && !stream) ? 'cut' : 'ended'
}
