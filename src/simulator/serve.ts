import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock } from '#platform'
import { ApiError, badRequest, scriptedStreamError } from './api-error.ts'
import { answerId, type BillBook, type Entry } from './bill.ts'
import { parseBody, readBytes } from './body.ts'
import { deliver, outcomeOf } from './deliver.ts'
import type { Body, Desk } from './dialect.ts'
import { hexOf, mix } from './dice.ts'
import type { DisturbanceName } from './failures.ts'
import { Line } from './line.ts'
import type { Cue, Playbook } from './playbook.ts'
import type { Allowance, RateWindows } from './rate-window.ts'

export interface House {
  seed: number
  clock: Clock
  bill: BillBook
  playbook: Playbook
  windows: RateWindows
}

/** One request on its way through the simulator. */
interface Visit {
  house: House
  desk: Desk
  request: IncomingMessage
  startedAt: number
  body: Body
  /** As it was asked for, with its script; `undefined` if it was not, or cannot be read. */
  model: string | undefined
  entry: Entry
  line: Line
  /** What the bill has to know when the line is closed. */
  fate: { refused: boolean; stream: boolean; disturbance: DisturbanceName | undefined }
  allowance: Allowance | undefined
}

/**
 * The way of a request: read → enter on the bill → cue (script, n-th call) → rate limit → scripted error →
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
  if (parsed instanceof ApiError) return refuse(visit, parsed)
  const cue = readCue(visit)
  if (cue instanceof ApiError) return refuse(visit, cue)
  const limited = limit(visit, cue)
  if (limited) return refuse(visit, limited)
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
  const fate: Visit['fate'] = { refused: false, stream, disturbance: undefined }
  const line = new Line(response, house.clock, (finished, status) => {
    const outcome = finished && fate.refused ? 'refused' : outcomeOf(fate.disturbance, fate.stream, finished)
    entry.close(outcome, status)
  })
  return { ...coming, entry, line, fate, allowance: undefined }
}

function readCue({ house, desk, request, model }: Visit): Cue | ApiError {
  if (model === undefined || model === '') {
    return badRequest('you must provide a model parameter', 'missing_required_parameter', 'model')
  }
  return house.playbook.cue(model, String(request.headers['x-sim-script'] ?? ''), desk.operation === 'count')
}

/** Requests per minute of one credential on one model. */
function limit(visit: Visit, { model, script }: Cue): ApiError | undefined {
  if (script.limit === undefined) return undefined
  const name = `${credentialOf(visit.request)}\n${model}\n${script.limit}`
  const allowance = visit.house.windows.take(name, script.limit)
  visit.allowance = allowance
  if (allowance.allowed) return undefined
  const waitS = Math.ceil(allowance.retryMs / 1000)
  return new ApiError({
    status: 429,
    type: 'requests',
    code: 'rate_limit_exceeded',
    message: `Rate limit reached for ${model}: limit ${script.limit} requests per minute. Try again in ${waitS}s.`,
    retryAfter: script.retryAfter ?? String(waitS),
  })
}

function credentialOf(request: IncomingMessage): string {
  const { authorization, 'x-api-key': own, 'x-goog-api-key': google } = request.headers
  return String(authorization ?? own ?? google ?? splitUrl(request).query.get('key') ?? '')
}

async function failByScript(visit: Visit, { failure, script }: Cue): Promise<void> {
  if (failure?.kind !== 'error') return
  visit.entry.fail(failure.name)
  if (!(await visit.line.wait(script.forMs ?? 0))) return
  refuse(visit, new ApiError({ ...failure, retryAfter: script.retryAfter ?? failure.retryAfter }))
}

async function answer(visit: Visit, { model, script, failure }: Cue): Promise<void> {
  const { house, desk, entry, line, fate } = visit
  const made = desk.answer(visit.body, {
    id: answerId(desk.idPrefix, house.seed, entry.serial),
    seed: house.seed,
    model,
    script,
    createdAtMs: house.clock.now(),
    nowMs: () => house.clock.now(),
    headers: visit.request.headers,
    query: splitUrl(visit.request).query,
    requestId: requestId(visit),
  })
  if (made instanceof ApiError) return refuse(visit, made)
  fate.stream = made.stream
  if (failure?.kind === 'disturbance') {
    fate.disturbance = failure.name
    entry.fail(failure.name)
  }
  const parcel = {
    ...made,
    error: () => errorBody(visit, scriptedStreamError),
    headers: (contentType: string, contentLength?: number) =>
      headers(visit, contentType, { contentLength, inputTokens: made.inputTokens }),
  }
  await deliver({ clock: house.clock, line, entry, script, disturbance: fate.disturbance, parcel })
}

function refuse(visit: Visit, error: ApiError): void {
  const body = errorBody(visit, error)
  const facts = { contentLength: Buffer.byteLength(body), inputTokens: 0, retryAfter: error.retryAfter }
  visit.fate.refused = true
  visit.line.open(error.status, headers(visit, 'application/json', facts))
  visit.line.end(body)
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
  const { house, desk, startedAt, allowance } = visit
  const list = desk.headers({
    requestId: requestId(visit),
    nowMs: house.clock.now(),
    processingMs: house.clock.monotonic() - startedAt,
    inputTokens: facts.inputTokens,
    allowance,
    retryAfter: facts.retryAfter,
  })
  list.push('content-type', contentType)
  if (facts.contentLength !== undefined) list.push('content-length', String(facts.contentLength))
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
