import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock } from '#platform'
import { ApiError, badRequest, scriptedStreamError } from './api-error.ts'
import { answerId, type BillBook, type Entry } from './bill.ts'
import { parseBody, readBytes } from './body.ts'
import type { Crowds } from './crowd.ts'
import { deliver } from './deliver.ts'
import type { Body, Desk } from './dialect.ts'
import { hexOf, mix } from './dice.ts'
import { type DisturbanceName, outcomeOf } from './disturbances.ts'
import { limitRequests, limitTokens, takePlace } from './gates.ts'
import { retryAfterAt } from './knob-values.ts'
import { isShaped, Line } from './line.ts'
import type { Cue, Playbook } from './playbook.ts'
import type { Allowance, RateWindows } from './rate-window.ts'
import type { Script } from './script.ts'

export interface House {
  seed: number
  clock: Clock
  bill: BillBook
  playbook: Playbook
  windows: RateWindows
  crowds: Crowds
}

/** One request on its way through the simulator. */
export interface Visit {
  house: House
  desk: Desk
  request: IncomingMessage
  startedAt: number
  body: Body
  /** As it was asked for, with its script; `undefined` if it was not, or cannot be read. */
  model: string | undefined
  entry: Entry
  line: Line
  /** What the bill has to know when the line is closed, and who waits for it. */
  fate: {
    refused: boolean
    stream: boolean
    disturbance: DisturbanceName | undefined
    leave: (() => void) | undefined
  }
  /** Once it could be read. */
  script: Script | undefined
  allowance: Allowance | undefined
  tokenAllowance: Allowance | undefined
}

/**
 * The way of a request: read → enter on the bill → cue (script, n-th call) → limits → scripted error →
 * answer → deliver. Whatever happens, its line on the bill is closed once, when the response is.
 */
export async function serve(
  house: House,
  desk: Desk,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const startedAt = house.clock.monotonic()
  const bytes = await readBytes(request)
  if (bytes === undefined) return
  const parsed = bytes instanceof ApiError ? bytes : parseBody(bytes, request.headers['content-encoding'])
  const body = parsed instanceof ApiError ? {} : parsed
  const visit = enter(
    { house, desk, request, startedAt, body, model: modelOf(desk, request, body) },
    response,
  )
  visit.entry.keep({
    method: String(request.method),
    path: String(request.url),
    headers: request.headers,
    body: parsed instanceof ApiError ? null : body,
    bytes: bytes instanceof ApiError ? 0 : bytes.length,
  })
  if (parsed instanceof ApiError) return await refuse(visit, parsed)
  const cue = readCue(visit)
  if (cue instanceof ApiError) return await refuse(visit, cue)
  visit.script = cue.script
  visit.line.take(cue.script)
  if (cue.script.interim) visit.line.forewarn(cue.script.interim)
  const limited = limitRequests(visit, cue) ?? (await takePlace(visit, cue))
  if (limited) return await refuse(visit, limited)
  if (visit.line.gone) return
  if (cue.failure?.kind === 'error') return await failByScript(visit, cue)
  await answer(visit, cue)
}

/** The model is named in the body, or in the address. */
function modelOf(desk: Desk, request: IncomingMessage, body: Body): string | undefined {
  if (typeof desk.path === 'string') return typeof body.model === 'string' ? body.model : undefined
  const { path } = splitUrl(request)
  try {
    return decodeURIComponent(desk.path.exec(path)?.groups?.model ?? '')
  } catch {
    return undefined
  }
}

export function splitUrl(request: IncomingMessage): { path: string; query: URLSearchParams } {
  const [path = '/', query = ''] = (request.url ?? '/').split('?', 2)
  return { path, query: new URLSearchParams(query) }
}

function enter(
  coming: Pick<Visit, 'house' | 'desk' | 'request' | 'startedAt' | 'body' | 'model'>,
  response: ServerResponse,
): Visit {
  const { house, desk, request, body, model } = coming
  const stream = desk.streams ?? body.stream === true
  const entry = house.bill.enter({
    at: house.clock.now(),
    operation: desk.operation,
    idPrefix: desk.idPrefix,
    model: model ?? '',
    stream,
    tag: readTag(request, body),
  })
  const fate: Visit['fate'] = { refused: false, stream, disturbance: undefined, leave: undefined }
  const line = new Line(response, house.clock, (finished, status) => {
    const outcome = finished && fate.refused ? 'refused' : outcomeOf(fate.disturbance, fate.stream, finished)
    entry.close(outcome, { status, at: house.clock.now() })
    fate.leave?.()
  })
  const nothing = { script: undefined, allowance: undefined, tokenAllowance: undefined }
  return { ...coming, ...nothing, entry, line, fate }
}

function readCue({ house, desk, request, model }: Visit): Cue | ApiError {
  if (model === undefined || model === '') {
    return badRequest('you must provide a model parameter', 'missing_required_parameter', 'model')
  }
  return house.playbook.cue(model, String(request.headers['x-sim-script'] ?? ''), desk.operation === 'count')
}

async function failByScript(visit: Visit, { failure, script }: Cue): Promise<void> {
  if (failure?.kind !== 'error') return
  visit.entry.fail(failure.name)
  if (script.resetMs !== undefined) visit.allowance = spent(script.limit ?? 60, script.resetMs)
  if (!(await visit.line.wait(script.forMs ?? 0))) return
  const error = new ApiError({ ...failure, retryAfter: script.retryAfter ?? failure.retryAfter })
  await refuse(visit, visit.desk.reword?.(error) ?? error)
}

/** Nothing is left until then, as the vendor's own headers say it. */
function spent(limit: number, resetMs: number): Allowance {
  return { allowed: false, limit, remaining: 0, resetMs, retryMs: resetMs }
}

async function answer(visit: Visit, { model, script, failure }: Cue): Promise<void> {
  const { house, desk, entry, line, fate } = visit
  const order = {
    id: answerId(desk.idPrefix, house.seed, entry.serial),
    seed: house.seed,
    model,
    script,
    streamError: script.streamError ? new ApiError(script.streamError) : scriptedStreamError,
    createdAtMs: house.clock.now(),
    nowMs: () => house.clock.now(),
    headers: visit.request.headers,
    query: splitUrl(visit.request).query,
    requestId: requestId(visit),
  }
  const made = desk.answer(visit.body, order)
  const limited = made instanceof ApiError ? undefined : limitTokens(visit, { model, script }, made)
  if (made instanceof ApiError) return await refuse(visit, made)
  if (limited) return await refuse(visit, limited)
  fate.stream = made.stream
  if (failure?.kind === 'disturbance') {
    fate.disturbance = failure.name
    entry.fail(failure.name)
  }
  const parcel = {
    ...made,
    error: () => errorBody(visit, order.streamError),
    headers: (contentType: string, contentLength?: number) =>
      headers(visit, contentType, { contentLength, inputTokens: made.inputTokens }),
  }
  await deliver({ clock: house.clock, line, entry, script, disturbance: fate.disturbance, parcel })
}

async function refuse(visit: Visit, error: ApiError): Promise<void> {
  const retryAfter = error.retryAfter && retryAfterAt(error.retryAfter, visit.house.clock.now())
  const body = errorBody(visit, new ApiError({ ...error, param: error.param ?? undefined, retryAfter }))
  const facts = { contentLength: Buffer.byteLength(body), inputTokens: 0, retryAfter }
  const list = headers(visit, 'application/json', facts)
  const { retryAfterMs, shouldRetry } = visit.script ?? {}
  if (retryAfterMs !== undefined) list.push('retry-after-ms', retryAfterMs)
  if (shouldRetry !== undefined) list.push('x-should-retry', shouldRetry)
  visit.fate.refused = true
  visit.line.open(error.status, list)
  await visit.line.end(body)
}

function errorBody(visit: Visit, error: ApiError): string {
  return visit.desk.errorBody(error, requestId(visit), splitUrl(visit.request).query)
}

function requestId({ house, entry }: Visit): string {
  return `req_${hexOf(mix(house.seed), entry.serial, 4)}`
}

function headers(
  visit: Visit,
  contentType: string,
  facts: { contentLength: number | undefined; inputTokens: number; retryAfter?: string | undefined },
): string[] {
  const { house, desk, startedAt, script } = visit
  const list = desk.headers({
    requestId: requestId(visit),
    nowMs: house.clock.now(),
    processingMs: house.clock.monotonic() - startedAt,
    inputTokens: facts.inputTokens,
    allowance: visit.allowance,
    tokenAllowance: visit.tokenAllowance,
    retryAfter: facts.retryAfter,
  })
  list.push('content-type', contentType)
  const isMeasured = facts.contentLength !== undefined && !(script && isShaped(script))
  if (isMeasured) list.push('content-length', String(facts.contentLength))
  return list
}

/** A name that the caller gave the request, to find it again on the bill. */
function readTag(request: IncomingMessage, body: Body): string | null {
  const header = request.headers['x-sim-request']
  if (typeof header === 'string') return header
  const metadata = body.metadata
  if (typeof metadata !== 'object' || metadata === null || !('sim_request' in metadata)) return null
  return typeof metadata.sim_request === 'string' ? metadata.sim_request : null
}
