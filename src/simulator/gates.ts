import type { IncomingMessage } from 'node:http'
import { ApiError } from './api-error.ts'
import type { Cue } from './playbook.ts'
import { splitUrl, type Visit } from './serve.ts'

type Asked = Pick<Cue, 'model' | 'script'>

/** Requests per minute of one credential on one model. */
export function limitRequests(visit: Visit, { model, script }: Asked): ApiError | undefined {
  if (script.limit === undefined) return undefined
  const name = `${credentialOf(visit.request)}\n${model}\n${script.limit}`
  const allowance = visit.house.windows.take(name, script.limit)
  visit.allowance = allowance
  if (allowance.allowed) return undefined
  visit.entry.fail('limit')
  const waitS = Math.ceil(allowance.retryMs / 1000)
  const message = `Rate limit reached for ${model}: limit ${script.limit} requests per minute. Try again in ${waitS}s.`
  return tooMany({ type: 'requests', message, retryAfter: script.retryAfter ?? String(waitS) })
}

/** Tokens per minute of one credential on one model: the prompt's, and as many as the answer will have. */
export function limitTokens(
  visit: Visit,
  { model, script }: Asked,
  made: { inputTokens: number; reasoningTokens: number; visibleTokens: number },
): ApiError | undefined {
  if (script.tokenLimit === undefined || visit.desk.operation === 'count') return undefined
  const amount = made.inputTokens + made.reasoningTokens + made.visibleTokens
  const name = `${credentialOf(visit.request)}\n${model}\n${script.tokenLimit} tokens`
  const allowance = visit.house.windows.take(name, script.tokenLimit, amount)
  visit.tokenAllowance = allowance
  if (allowance.allowed) return undefined
  visit.entry.fail('tpm')
  const words = `for ${model} on tokens per minute: limit ${script.tokenLimit}, requested ${amount}`
  // To wait for what will never fit is of no use.
  if (amount > script.tokenLimit) return tooMany({ type: 'tokens', message: `Request too large ${words}.` })
  const retryAfter = script.retryAfter ?? String(Math.ceil(allowance.retryMs / 1000))
  return tooMany({ type: 'tokens', message: `Rate limit reached ${words}.`, retryAfter })
}

/**
 * A place among those that are served at once: refused if there is none (`concurrency`), or waited for in line
 * (`slots`). It is given back when the line is closed.
 */
export async function takePlace(visit: Visit, { model, script }: Asked): Promise<ApiError | undefined> {
  if (visit.line.gone) return undefined
  const own = `${credentialOf(visit.request)}\n${model}`
  if (script.concurrency !== undefined && !occupy(visit, own, script.concurrency)) {
    visit.entry.fail('concurrency')
    const message = `Number of concurrent requests has exceeded the limit of ${script.concurrency}.`
    return tooMany({ type: 'requests', message, retryAfter: script.retryAfter ?? '1' })
  }
  if (script.slots === undefined || occupy(visit, model, script.slots)) return undefined
  await visit.line.until(go =>
    visit.house.crowds.queue(model, () => {
      holds(visit, model)
      go()
    }),
  )
  return undefined
}

function occupy(visit: Visit, name: string, most: number): boolean {
  const entered = visit.house.crowds.enter(name, most)
  if (entered) holds(visit, name)
  return entered
}

function holds({ fate, house }: Visit, name: string): void {
  const { leave } = fate
  fate.leave = () => {
    leave?.()
    house.crowds.leave(name)
  }
}

function tooMany(words: { type: string; message: string; retryAfter?: string }): ApiError {
  return new ApiError({ status: 429, code: 'rate_limit_exceeded', ...words })
}

function credentialOf(request: IncomingMessage): string {
  const { authorization, 'x-api-key': own, 'x-goog-api-key': google } = request.headers
  return String(authorization ?? own ?? google ?? splitUrl(request).query.get('key') ?? '')
}
