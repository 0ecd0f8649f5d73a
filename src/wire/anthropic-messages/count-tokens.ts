import type { CountDialect } from '../dialect.ts'
import { isObject, parseObject } from '../json-body.ts'
import { readMessagesError, renderMessagesError, renderMessagesErrorEvent } from './error.ts'
import { parseCountRequest } from './parse-request.ts'
import { renderPrompt } from './render-request.ts'

/** Anthropic's count of a request's tokens (Messages API, `/messages/count_tokens`). */
export const anthropicCountTokens: CountDialect = {
  operation: 'count-tokens',
  routes: ['/v1/messages/count_tokens'],
  path: () => '/messages/count_tokens',
  headers: { 'anthropic-version': '2023-06-01' },
  parseRequest: parseCountRequest,
  readFacts: body => (readCount(parseObject(body.toString())) === undefined ? undefined : noFacts),
  readError: readMessagesError,
  renderError: renderMessagesError,
  renderErrorEvent: renderMessagesErrorEvent,
  renderRequest: (request, { model }) => renderPrompt(request, model),
  readAnswer: readCount,
  renderAnswer: inputTokens => ({ input_tokens: inputTokens }),
}

/** Counting costs nothing. */
const noFacts = { usage: undefined, model: undefined }

function readCount(json: unknown): number | undefined {
  const tokens = isObject(json) ? json.input_tokens : undefined
  return typeof tokens === 'number' && Number.isSafeInteger(tokens) && tokens >= 0 ? tokens : undefined
}
