import { type ByteAnswer, head, piece, whole } from './byte-upstream.ts'
import {
  doneEvent,
  errorBody,
  event,
  finishEvent,
  roleEvent,
  streamHead,
  textEvent,
  usageEvent,
  wholeAnswer,
} from './chat-bytes.ts'

const json = { 'content-type': 'application/json' }
const html = { 'content-type': 'text/html' }
const page = '<!doctype html><title>Bad gateway</title>'

/** A provider that fails before, or instead of, a plain answer: what the caller is told, and what goes on record. */
export interface Failure {
  answer: ByteAnswer
  status: number
  code: string
  /** Of the attempt; null where no head of an answer was read. */
  httpStatus: number | null
  /** In the call log, where the caller is told the provider's own code. */
  recorded?: string
  /** The caller gets exactly these bytes. */
  body?: string
  headers?: Record<string, string | RegExp | null>
}

const says = (status: number, headers: Record<string, string>, body: string): ByteAnswer => {
  const bytes = whole(status, headers, body)
  return socket => socket.write(bytes)
}
const hangsUp =
  (bytes: string): ByteAnswer =>
  socket =>
    socket.end(bytes)

const refusal = errorBody({ type: 'invalid_request_error', param: 'temperature', code: 'decimal_above_max' })
const unknownModel = errorBody({ type: 'invalid_request_error', param: 'model', code: 'model_not_found' })
const tooLarge = errorBody({ type: 'invalid_request_error', code: 'request_too_large' })
const limit = errorBody({ type: 'rate_limit_error', code: 'rate_limit_exceeded' })
const disconnected = { status: 502, code: 'provider_disconnected' }
const malformed = { status: 502, code: 'provider_malformed' }
const limited = { status: 429, code: 'rate_limited', httpStatus: 429 }
const rejected = { status: 502, code: 'provider_credential_rejected', headers: { 'x-should-retry': 'false' } }

/** How plain answers fail. `providerKey` is what an unkind provider repeats in its words. */
export function plainFailures({
  redirectTo,
  providerKey,
}: {
  redirectTo: string
  providerKey: string
}): Record<string, Failure> {
  const leak = errorBody({ message: `Incorrect API key provided: ${providerKey}`, code: 'invalid_api_key' })
  return {
    'a reset before the answer': {
      answer: socket => socket.resetAndDestroy(),
      ...disconnected,
      httpStatus: null,
    },
    'a hang-up before the answer': { answer: hangsUp(''), ...disconnected, httpStatus: null },
    'a reset in the middle of the body': {
      answer: socket =>
        socket.write(whole(200, json, wholeAnswer).slice(0, -50), () => socket.resetAndDestroy()),
      ...disconnected,
      httpStatus: 200,
    },
    'a body shorter than its length': {
      answer: hangsUp(whole(200, json, wholeAnswer).slice(0, -50)),
      ...disconnected,
      httpStatus: 200,
    },
    'a chunked body without its end': {
      answer: hangsUp(head(200, { ...json, 'transfer-encoding': 'chunked' }) + piece(wholeAnswer)),
      ...disconnected,
      httpStatus: 200,
    },
    'half of a JSON text, well delivered': {
      answer: says(200, json, wholeAnswer.slice(0, -50)),
      ...malformed,
      httpStatus: 200,
    },
    'half of a JSON text until the connection ends': {
      answer: hangsUp(head(200, { ...json, connection: 'close' }) + wholeAnswer.slice(0, -50)),
      ...malformed,
      httpStatus: 200,
    },
    'HTML with status 200': { answer: says(200, html, page), ...malformed, httpStatus: 200 },
    'JSON that is no answer': { answer: says(200, json, '{"ok":true}'), ...malformed, httpStatus: 200 },
    'an empty 200': { answer: says(200, json, ''), ...malformed, httpStatus: 200 },
    'a 204': { answer: socket => socket.write(head(204, {})), ...malformed, httpStatus: 204 },
    'a redirect, which is not followed': {
      answer: says(302, { location: redirectTo }, ''),
      ...malformed,
      httpStatus: 302,
    },
    'what is not HTTP': { answer: hangsUp('220 mail.example.org ESMTP\r\n'), ...malformed, httpStatus: null },
    'headers of 100 KB': {
      answer: says(200, { ...json, 'x-long': 'x'.repeat(100_000) }, wholeAnswer),
      ...malformed,
      httpStatus: null,
    },
    'a refusal of the request, in its own words': {
      answer: says(400, json, refusal),
      status: 400,
      code: 'decimal_above_max',
      recorded: 'provider_rejected',
      httpStatus: 400,
      body: refusal,
      headers: { 'x-should-retry': 'false' },
    },
    'a refusal in HTML': {
      answer: says(400, html, page),
      status: 400,
      code: 'provider_rejected',
      httpStatus: 400,
    },
    'a refusal that repeats our key': {
      answer: says(400, json, leak),
      status: 400,
      code: 'provider_rejected',
      httpStatus: 400,
    },
    'a rejected credential': { answer: says(401, json, leak), ...rejected, httpStatus: 401 },
    'a forbidden region': { answer: says(403, json, leak), ...rejected, httpStatus: 403 },
    'an unknown model': {
      answer: says(404, json, unknownModel),
      status: 404,
      code: 'model_not_found',
      httpStatus: 404,
      body: unknownModel,
    },
    'an unknown address': {
      answer: says(404, html, page),
      status: 404,
      code: 'model_not_found',
      httpStatus: 404,
    },
    'a request too large for it': {
      answer: says(413, json, tooLarge),
      status: 413,
      code: 'request_too_large',
      recorded: 'provider_rejected',
      httpStatus: 413,
      body: tooLarge,
    },
    'a rate limit, in seconds': {
      answer: says(429, { ...json, 'retry-after': '7' }, limit),
      ...limited,
      headers: { 'retry-after': '7', 'retry-after-ms': '7000', 'x-should-retry': null },
    },
    'a rate limit, in milliseconds': {
      answer: says(429, { ...json, 'retry-after': '9', 'retry-after-ms': '1500' }, limit),
      ...limited,
      headers: { 'retry-after': '2', 'retry-after-ms': '1500' },
    },
    'a rate limit, until a date': {
      answer: socket =>
        socket.write(
          whole(429, { ...json, 'retry-after': new Date(Date.now() + 60_000).toUTCString() }, limit),
        ),
      ...limited,
      headers: { 'retry-after': /^(5\d|60)$/ },
    },
    'a rate limit, until nonsense': {
      answer: says(429, { ...json, 'retry-after': 'soon' }, limit),
      ...limited,
      headers: { 'retry-after': null },
    },
    'a spent quota': {
      answer: says(429, json, errorBody({ type: 'insufficient_quota', code: 'insufficient_quota' })),
      status: 429,
      code: 'provider_quota_exhausted',
      httpStatus: 429,
      headers: { 'x-should-retry': 'false' },
    },
    'a failure of its own': {
      answer: says(500, json, errorBody({ type: 'server_error' })),
      status: 502,
      code: 'provider_failed',
      httpStatus: 500,
    },
    'a failure in HTML': {
      answer: says(502, html, page),
      status: 502,
      code: 'provider_failed',
      httpStatus: 502,
    },
    'an overload (503)': {
      answer: says(503, json, ''),
      status: 503,
      code: 'provider_overloaded',
      httpStatus: 503,
    },
    'an overload (529)': {
      answer: says(529, json, ''),
      status: 503,
      code: 'provider_overloaded',
      httpStatus: 529,
    },
    'an error inside a 200': {
      answer: says(200, json, errorBody({ type: 'server_error' })),
      status: 502,
      code: 'provider_failed',
      httpStatus: 200,
    },
    'a rate limit inside a 200': {
      answer: says(200, json, errorBody({ code: 429 })),
      status: 429,
      code: 'rate_limited',
      httpStatus: 200,
    },
    'an error beside an answer': {
      answer: says(200, json, wholeAnswer.replace('{', '{"error":{"code":502},')),
      status: 502,
      code: 'provider_failed',
      httpStatus: 200,
    },
    'an error in the place of a reason to end': {
      answer: says(200, json, wholeAnswer.replace('"stop"', '"error"')),
      status: 502,
      code: 'provider_failed',
      httpStatus: 200,
    },
    'an error inside a choice': {
      answer: says(200, json, wholeAnswer.replace('"message":', '"error":{"code":429},"message":')),
      ...limited,
      httpStatus: 200,
    },
    'an overload in the place of a reason to end': {
      answer: says(200, json, wholeAnswer.replace('"stop"', '"insufficient_system_resource"')),
      status: 503,
      code: 'provider_overloaded',
      httpStatus: 200,
    },
    'an answer without a choice': {
      answer: says(200, json, '{"object":"chat.completion","choices":[]}'),
      ...malformed,
      httpStatus: 200,
    },
    'a rate limit whose body is cut': {
      answer: hangsUp(whole(429, { ...json, 'retry-after': '7' }, limit).slice(0, -9)),
      ...limited,
      headers: { 'retry-after': '7' },
    },
    'a rejected credential whose body is cut': {
      answer: socket => socket.write(whole(401, json, leak).slice(0, -9), () => socket.resetAndDestroy()),
      ...rejected,
      httpStatus: 401,
    },
    'an overload whose body never ends': {
      answer: socket => socket.write(whole(503, json, limit).slice(0, -9)),
      status: 503,
      code: 'provider_overloaded',
      httpStatus: 503,
    },
    'silence for longer than the call may take': {
      answer: () => undefined,
      status: 504,
      code: 'upstream_timeout',
      httpStatus: null,
    },
    'silence in the middle of a body': {
      answer: socket => socket.write(whole(200, json, wholeAnswer).slice(0, -50)),
      status: 504,
      code: 'upstream_timeout',
      httpStatus: 200,
    },
  }
}

/** What a provider does to a stream: what the caller has heard before it fails, and by which code; or no failure. */
export interface Stream {
  answer: ByteAnswer
  /** HTTP status of the failure, where it comes before the stream has begun. */
  status?: number
  text?: string
  code?: string
}

const streams = (bytes: string): string =>
  head(200, { ...streamHead, 'transfer-encoding': 'chunked' }) + piece(bytes)
const streamsAll = (bytes: string): ByteAnswer => {
  const all = streams(bytes) + piece('')
  return socket => socket.write(all)
}
const begun = roleEvent + textEvent('a') + textEvent('b')
const errorEvent = (error: Record<string, unknown>): string =>
  `data: ${JSON.stringify({ error: { message: 'words', ...error } })}\n\n`
const cut = { code: 'provider_disconnected' }
const late = { code: 'upstream_timeout' }

/** Streams that must never be taken for whole ones. */
export const brokenStreams: Record<string, Stream> = {
  'ends before its first event': { answer: streamsAll('\n'), status: 502, ...cut },
  'ends after the role': { answer: streamsAll(roleEvent), status: 502, ...cut },
  'ends in the middle of its content': { answer: streamsAll(begun), text: 'ab', ...cut },
  'ends in the middle of an event': { answer: streamsAll(`${begun}data: {"choi`), text: 'ab', ...cut },
  'ends without its end mark': { answer: streamsAll(begun + finishEvent), text: 'ab', ...cut },
  'is closed in the middle': { answer: hangsUp(streams(begun)), text: 'ab', ...cut },
  'is reset in the middle': {
    answer: socket => socket.write(streams(begun), () => socket.resetAndDestroy()),
    text: 'ab',
    ...cut,
  },
  'begins with an error': {
    answer: streamsAll(errorEvent({ code: 429 })),
    status: 429,
    code: 'rate_limited',
  },
  'begins with an event named error': {
    answer: streamsAll(`event: error\ndata: {"message":"overloaded"}\n\n`),
    status: 502,
    code: 'provider_failed',
  },
  'has an error in the middle': {
    answer: streamsAll(begun + errorEvent({ type: 'server_error' }) + doneEvent),
    text: 'ab',
    code: 'provider_failed',
  },
  'has an error in the place of a reason to end': {
    answer: streamsAll(begun + finishEvent.replace('"stop"', '"error"') + doneEvent),
    text: 'ab',
    code: 'provider_failed',
  },
  'has nothing but an error in the place of a reason to end': {
    answer: streamsAll(
      roleEvent + finishEvent.replace('"stop"', '"insufficient_system_resource"') + doneEvent,
    ),
    status: 503,
    code: 'provider_overloaded',
  },
  'begins with what is not JSON': {
    answer: streamsAll('data: <html>\n\n'),
    status: 502,
    code: 'provider_malformed',
  },
  'has an event that is not JSON': {
    answer: streamsAll(`${begun}data: {"choices":[}\n\n${doneEvent}`),
    text: 'ab',
    code: 'provider_malformed',
  },
  'is a plain answer instead': {
    answer: says(200, json, wholeAnswer),
    status: 502,
    code: 'provider_malformed',
  },
  'is HTML instead': { answer: says(200, html, page), status: 502, code: 'provider_malformed' },
  'is an error instead': { answer: says(503, json, ''), status: 503, code: 'provider_overloaded' },
  'never begins': { answer: () => undefined, status: 504, ...late },
  'has a head and nothing else': { answer: socket => socket.write(streams('\n')), status: 504, ...late },
  'has a role and nothing else': {
    answer: socket => socket.write(streams(roleEvent)),
    status: 504,
    ...late,
  },
  'goes silent in the middle': { answer: socket => socket.write(streams(begun)), text: 'ab', ...late },
}

/** Streams that are odd, and whole. */
export const goodStreams: Record<string, Stream> = {
  'is over at its end mark, whatever comes after': {
    answer: streamsAll(begun + finishEvent + usageEvent + doneEvent + textEvent('no') + errorEvent({})),
    text: 'ab',
  },
  'is over at its end mark, though the connection stays open': {
    answer: socket => socket.write(streams(begun + finishEvent + usageEvent + doneEvent)),
    text: 'ab',
  },
  'is told in a content type that is written large': {
    answer: socket =>
      socket.write(
        head(200, { 'content-type': 'Text/Event-Stream', 'transfer-encoding': 'chunked' }) +
          piece(begun + finishEvent + usageEvent + doneEvent),
      ),
    text: 'ab',
  },
  'counts the last of two usage reports': {
    answer: streamsAll(
      begun +
        finishEvent +
        event({ choices: [], usage: { prompt_tokens: 1, completion_tokens: 1 } }) +
        usageEvent +
        doneEvent,
    ),
    text: 'ab',
  },
}

/** A stream that goes on until its connection is closed. */
export const dribble: ByteAnswer = socket => {
  socket.write(streams(roleEvent))
  const timer = setInterval(() => socket.write(piece(textEvent('.'))), 20)
  socket.once('close', () => clearInterval(timer))
}
