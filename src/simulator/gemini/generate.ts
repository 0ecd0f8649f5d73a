import { compose } from '../answer.ts'
import { ApiError, badRequest } from '../api-error.ts'
import { noFrames } from '../delivery.ts'
import type { Body, Desk } from '../dialect.ts'
import { asBody } from '../fields.ts'
import { errorBody, headers } from './envelope.ts'
import { readGenerateAsk, readRequest } from './generate-ask.ts'
import { modelPath } from './model-path.ts'
import { readProto } from './proto.ts'
import { isSse, Renderer } from './render.ts'
import { countFields } from './request-fields.ts'

/** `POST /v1beta/models/{model}:generateContent`. */
export const generateContent: Desk = generateDesk('generateContent', false)

/** `POST /v1beta/models/{model}:streamGenerateContent`: SSE with `alt=sse`, else one JSON array. */
export const streamGenerateContent: Desk = generateDesk('streamGenerateContent', true)

function generateDesk(verb: string, streams: boolean): Desk {
  return {
    path: modelPath(verb),
    streams,
    operation: 'chat',
    idPrefix: '',
    errorBody: (error, _, query) => (streams && !isSse(query) ? `[${errorBody(error)}]` : errorBody(error)),
    headers,
    answer(body, order) {
      const ask = readGenerateAsk(body, order.model, streams)
      if (ask instanceof ApiError) return ask
      const answer = compose(ask, order.script, order.seed)
      const { inputTokens, cachedTokens, reasoningTokens, visibleTokens } = answer
      const renderer = new Renderer(answer, ask, order)
      return {
        stream: streams,
        inputTokens,
        cachedTokens,
        reasoningTokens,
        shownThoughts: ask.thinking?.shown ? reasoningTokens : 0,
        visibleTokens,
        whole: () => renderer.whole(),
        frames: () => renderer.frames(),
        streamType: isSse(order.query) ? 'text/event-stream' : 'application/json; charset=UTF-8',
      }
    },
  }
}

/** `POST /v1beta/models/{model}:countTokens`: what the prompt would cost, for nothing. */
export const countTokens: Desk = {
  path: modelPath('countTokens'),
  streams: false,
  operation: 'count',
  idPrefix: '',
  errorBody,
  headers,
  answer(body, order) {
    const request = readProto(body, countFields)
    if (request instanceof ApiError) return request
    const inputTokens = countPrompt(request, order.model)
    if (inputTokens instanceof ApiError) return inputTokens
    const promptTokensDetails = [{ modality: 'TEXT', tokenCount: inputTokens }]
    return {
      stream: false,
      inputTokens: 0,
      cachedTokens: 0,
      reasoningTokens: 0,
      visibleTokens: 0,
      whole: () => JSON.stringify({ totalTokens: inputTokens, promptTokensDetails }),
      frames: () => noFrames,
    }
  },
}

function countPrompt({ contents, generateContentRequest }: Body, model: string): number | ApiError {
  if (contents !== undefined && generateContentRequest !== undefined) {
    return badRequest('Only one of contents and generate_content_request may be set.', null)
  }
  const ask = readRequest(
    generateContentRequest === undefined ? { contents } : asBody(generateContentRequest),
    model,
    false,
  )
  return ask instanceof ApiError ? ask : ask.inputTokens
}
