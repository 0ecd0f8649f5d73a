import { type Answer, compose } from '../answer.ts'
import { ApiError } from '../api-error.ts'
import { noFrames } from '../delivery.ts'
import type { Body, Desk, Order } from '../dialect.ts'
import { errorBody, headers } from '../openai/envelope.ts'
import { type ResponseAsk, readAsk, readChat } from './ask.ts'
import { checkCountBody } from './body-checks.ts'
import { draftOutput, renderItem } from './draft.ts'
import { renderFrames } from './frames.ts'
import { idPrefix } from './ids.ts'
import { readInput } from './input.ts'
import { renderResponse, renderUsage, type State } from './response-object.ts'
import type { ResponseStore } from './store.ts'

/** `POST /v1/responses` and `POST /v1/responses/input_tokens`, over what is remembered of earlier responses. */
export function createResponseDesks(store: ResponseStore): readonly Desk[] {
  return [createDesk(store), createCountDesk(store)]
}

/** Plain and streamed. */
function createDesk(store: ResponseStore): Desk {
  return {
    path: '/v1/responses',
    operation: 'chat',
    idPrefix,
    errorBody,
    headers,
    answer(body, order) {
      const ask = readAsk(body, order, store)
      if (ask instanceof ApiError) return ask
      const answer = compose(ask.chat, order.script, order.seed)
      const { inputTokens, cachedTokens, reasoningTokens, visibleTokens } = answer
      return {
        stream: ask.chat.stream,
        inputTokens,
        cachedTokens,
        reasoningTokens,
        shownThoughts: answer.choices[0]?.thoughts.length ?? 0,
        visibleTokens,
        ...tell({ body, order, ask, answer, store }),
      }
    },
  }
}

interface Making {
  body: Body
  order: Order
  ask: ResponseAsk
  answer: Answer
  store: ResponseStore
}

/** Both forms of an answer. A response can be looked up once it is over, whole or failed; not if nobody saw its end. */
function tell({ body, order, ask, answer, store }: Making) {
  const drafts = draftOutput(answer, ask, order)
  const render = (state: State) => renderResponse(body, order, state)
  const end = (state: State): { response: object; text: string } => {
    const response = render(state)
    const text = JSON.stringify(response)
    if (ask.store) store.keep({ id: order.id, text, input: ask.input, output: state.output })
    return { response, text }
  }
  const final = (): State => ({
    ...verdict(answer),
    output: drafts.map(renderItem),
    usage: order.script.noUsage ? null : renderUsage(answer),
  })
  return {
    whole: () => end(final()).text,
    frames: () =>
      renderFrames({
        drafts,
        obfuscates: ask.obfuscates,
        begun: () => render({ status: 'in_progress', output: [], usage: null }),
        over() {
          const state = final()
          return { status: state.status, response: end(state).response }
        },
        error: order.streamError,
        failed: () => end({ status: 'failed', output: [], usage: null }).response,
      }),
  }
}

function verdict({ choices }: Answer): Pick<State, 'status' | 'reason'> {
  switch (choices[0]?.finish) {
    case 'length':
      return { status: 'incomplete', reason: 'max_output_tokens' }
    case 'filtered':
      return { status: 'incomplete', reason: 'content_filter' }
    default:
      return { status: 'completed' }
  }
}

/** Counts what a prompt would cost, which is free. */
function createCountDesk(store: ResponseStore): Desk {
  return {
    path: '/v1/responses/input_tokens',
    operation: 'count',
    idPrefix,
    errorBody,
    headers,
    answer(body, { id, seed }) {
      const mistake = checkCountBody(body)
      if (mistake) return mistake
      const input = readInput(body, { store, seed, responseId: id })
      if (input instanceof ApiError) return input
      const { inputTokens } = readChat(body, input)
      return {
        stream: false,
        inputTokens: 0,
        cachedTokens: 0,
        reasoningTokens: 0,
        visibleTokens: 0,
        whole: () => JSON.stringify({ object: 'response.input_tokens', input_tokens: inputTokens }),
        frames: () => noFrames,
      }
    },
  }
}
