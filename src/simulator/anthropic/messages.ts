import { compose } from '../answer.ts'
import { ApiError } from '../api-error.ts'
import { noFrames } from '../delivery.ts'
import type { Desk } from '../dialect.ts'
import { errorBody, headers, reword } from './envelope.ts'
import { readMessagesAsk } from './messages-ask.ts'
import { renderFrames, renderWhole } from './render.ts'

/** `POST /v1/messages`, plain and streamed. */
export const messages: Desk = {
  path: '/v1/messages',
  operation: 'chat',
  idPrefix: 'msg_01',
  errorBody,
  headers,
  reword,
  answer(body, order) {
    const ask = readMessagesAsk(body, order.headers, false)
    if (ask instanceof ApiError) return ask
    const answer = compose(ask, order.script, order.seed)
    const { inputTokens, cachedTokens, reasoningTokens, visibleTokens } = answer
    return {
      stream: ask.stream,
      inputTokens,
      cachedTokens,
      reasoningTokens,
      shownThoughts: ask.thinking?.shown ? reasoningTokens : 0,
      visibleTokens,
      whole: () => renderWhole(answer, order),
      frames: () => renderFrames(answer, order),
    }
  },
}

/** `POST /v1/messages/count_tokens`: what the prompt would cost, for nothing. */
export const countTokens: Desk = {
  path: '/v1/messages/count_tokens',
  operation: 'count',
  idPrefix: 'count_',
  errorBody,
  headers,
  reword,
  answer(body, order) {
    const ask = readMessagesAsk(body, order.headers, true)
    if (ask instanceof ApiError) return ask
    return {
      stream: false,
      inputTokens: 0,
      cachedTokens: 0,
      reasoningTokens: 0,
      visibleTokens: 0,
      whole: () => JSON.stringify({ input_tokens: ask.inputTokens }),
      frames: () => noFrames,
    }
  },
}
