import type { CountDialect } from '../dialect.ts'
import { parseObject } from '../json-body.ts'
import { readCount } from '../token-count.ts'
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
  readFacts: body =>
    readCount(parseObject(body.toString()), 'input_tokens') === undefined ? undefined : noFacts,
  readError: readMessagesError,
  renderError: renderMessagesError,
  renderErrorEvent: renderMessagesErrorEvent,
  renderRequest: (request, { model }) => renderPrompt(request, model),
  readAnswer: json => readCount(json, 'input_tokens'),
  renderAnswer: inputTokens => ({ input_tokens: inputTokens }),
}

/** Counting costs nothing. */
const noFacts = { usage: undefined, model: undefined }
