import type { IncomingMessage, ServerResponse } from 'node:http'
import { ApiError, badRequest } from './api-error.ts'
import type { BillBook } from './bill.ts'
import { readBytes } from './body.ts'
import { type Front, frontOf } from './front.ts'
import { lookUp } from './openai-responses/counter.ts'
import type { ResponseStore } from './openai-responses/store.ts'
import type { Playbook } from './playbook.ts'

const defaultLines = 1000
const maxLines = 10_000

interface Office {
  /** The seed as it was given. */
  seed: string
  bill: BillBook
  playbook: Playbook
  responses: ResponseStore
  /** Sets the weather, and the door by it. */
  setWeather(text: string): ApiError | undefined
}

/** What is not a call to a model, and so not on the bill: the list of models, the bill itself, the weather. */
export async function attend(
  office: Office,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://simulator')
  const front = frontOf(request, pathname)
  const send = (answer: string | ApiError): void => sendAs(front, response, answer)
  switch (`${request.method} ${pathname}`) {
    case `GET ${front.models}`:
      return send(front.listModels(searchParams))
    case 'GET /bill':
      return send(renderBill(office, searchParams))
    case 'GET /bill/asked':
      return send(renderAsked(office, searchParams))
    case 'POST /bill/reset':
      request.resume()
      office.bill.reset()
      return send(renderBill(office, new URLSearchParams('totals')))
    case 'GET /weather':
      return send(renderWeather(office))
    case 'PUT /weather':
      return await changeWeather(office, request, send)
    default:
      request.resume()
      return send(
        lookUp(office.responses, request) ??
          (request.method === 'GET' ? readModel(front, pathname) : unknownAddress(request)),
      )
  }
}

function renderBill({ seed, bill }: Office, query: URLSearchParams): string | ApiError {
  const totals = bill.totals()
  if (query.has('totals')) return JSON.stringify({ object: 'bill', seed, totals })
  const after = Number(query.get('after') ?? 0)
  const limit = Number(query.get('limit') ?? defaultLines)
  if (
    !(Number.isInteger(after) && after >= 0 && Number.isInteger(limit) && limit >= 1 && limit <= maxLines)
  ) {
    return badRequest(`'after' is a number from 0, 'limit' one from 1 to ${maxLines}.`, 'invalid_value')
  }
  const requests = bill.lines({ after, limit })
  const has_more = (requests.at(-1)?.n ?? after) < totals.requests
  return JSON.stringify({ object: 'bill', seed, totals, dropped: bill.dropped(), requests, has_more })
}

function renderAsked({ bill }: Office, query: URLSearchParams): string | ApiError {
  const after = Number(query.get('after') ?? 0)
  if (!(Number.isInteger(after) && after >= 0)) {
    return badRequest("'after' is a number from 0.", 'invalid_value')
  }
  return JSON.stringify({ object: 'asked', requests: bill.asked(after) })
}

function renderWeather({ playbook }: Office): string {
  const { script, elapsedMs, now } = playbook.weather
  return JSON.stringify({ object: 'weather', script, elapsed_ms: Math.round(elapsedMs), now })
}

async function changeWeather(
  office: Office,
  request: IncomingMessage,
  send: (answer: string | ApiError) => void,
): Promise<void> {
  const bytes = await readBytes(request)
  if (bytes === undefined) return
  const mistake = bytes instanceof ApiError ? bytes : office.setWeather(bytes.toString().trim())
  send(mistake ?? renderWeather(office))
}

function readModel(front: Front, pathname: string): string | ApiError {
  if (!pathname.startsWith(`${front.models}/`)) return unknownUrl('GET', pathname)
  try {
    return front.findModel(decodeURIComponent(pathname.slice(front.models.length + 1)))
  } catch {
    return badRequest('The address is not well percent-encoded.', 'invalid_value')
  }
}

function unknownAddress(request: IncomingMessage): ApiError {
  return unknownUrl(String(request.method), String(request.url))
}

function unknownUrl(method: string, url: string): ApiError {
  return new ApiError({
    status: 404,
    type: 'invalid_request_error',
    code: 'unknown_url',
    message: `Unknown request URL: ${method} ${url}.`,
  })
}

function sendAs(front: Front, response: ServerResponse, answer: string | ApiError): void {
  const body = answer instanceof ApiError ? front.errorBody(answer) : answer
  response.writeHead(answer instanceof ApiError ? answer.status : 200, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
  })
  response.end(body)
}
