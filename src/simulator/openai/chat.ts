import { type Answer, type ChatAsk, type Choice, compose } from '../answer.ts'
import { ApiError } from '../api-error.ts'
import type { Frames } from '../delivery.ts'
import type { Desk, Order } from '../dialect.ts'
import { inTurns } from '../in-turns.ts'
import { readChatAsk } from './chat-ask.ts'
import { errorBody, headers } from './envelope.ts'
import { logprobs } from './logprobs.ts'

const fingerprint = 'fp_simulator'

/** `POST /v1/chat/completions`, plain and streamed. */
export const chat: Desk = {
  path: '/v1/chat/completions',
  operation: 'chat',
  idPrefix: 'chatcmpl-',
  errorBody,
  headers,
  answer(body, order) {
    const ask = readChatAsk(body)
    if (ask instanceof ApiError) return ask
    const answer = compose(ask, order.script, order.seed)
    const { inputTokens, cachedTokens, reasoningTokens, visibleTokens } = answer
    return {
      stream: ask.stream,
      inputTokens,
      cachedTokens,
      reasoningTokens,
      visibleTokens,
      whole: () => renderWhole(answer, ask, order),
      frames: () => renderFrames(answer, ask, order),
    }
  },
}

function renderWhole(answer: Answer, ask: ChatAsk, order: Order): string {
  return JSON.stringify({
    id: order.id,
    object: 'chat.completion',
    created: Math.floor(order.createdAtMs / 1000),
    model: order.model,
    choices: answer.choices.map((choice, index) => ({
      index,
      message: renderMessage(choice),
      logprobs: ask.logprobs === undefined ? null : chancesOf(choice.refused, choice.text, ask.logprobs),
      finish_reason: finishReason(choice),
    })),
    ...(order.script.noUsage ? {} : { usage: renderUsage(answer) }),
    service_tier: 'default',
    system_fingerprint: fingerprint,
  })
}

function renderMessage({ text, refused, calls }: Choice) {
  const said = {
    role: 'assistant',
    content: refused || calls.length > 0 ? null : text.join(''),
    refusal: refused ? text.join('') : null,
    annotations: [],
  }
  if (calls.length === 0) return said
  const tool_calls = calls.map(call => ({
    id: call.id,
    type: 'function',
    function: { name: call.name, arguments: call.arguments.join('') },
  }))
  return { ...said, tool_calls }
}

function renderFrames(answer: Answer, ask: ChatAsk, order: Order): Frames {
  const reportsUsage = ask.wantsUsage && !order.script.noUsage
  const head =
    `data: {"id":"${order.id}","object":"chat.completion.chunk","created":${Math.floor(order.createdAtMs / 1000)},` +
    `"model":${JSON.stringify(order.model)},"service_tier":"default","system_fingerprint":"${fingerprint}","choices":[`
  const tail = reportsUsage ? '],"usage":null}\n\n' : ']}\n\n'
  const frame = (index: number, delta: string, logprobs = 'null', finish = 'null'): string =>
    `${head}{"index":${index},"delta":${delta},"logprobs":${logprobs},"finish_reason":${finish}}${tail}`
  const opening = answer.choices.map((choice, index) => frame(index, openingDelta(choice)))
  const finishes = answer.choices.map((choice, index) =>
    frame(index, '{}', 'null', `"${finishReason(choice)}"`),
  )
  const usage = reportsUsage ? [`${head}],"usage":${JSON.stringify(renderUsage(answer))}}\n\n`] : []
  return {
    opening: opening.join(''),
    pieces: inTurns(answer.choices.map((choice, index) => pieces(choice, index, ask.logprobs, frame))),
    closing: [...finishes, ...usage].join(''),
    done: 'data: [DONE]\n\n',
    error: () => `data: ${errorBody(order.streamError)}\n\n`,
    more: token => frame(0, `{"content":${JSON.stringify(token)}}`),
    ping: ': keep-alive\n\n',
    unknown: `data: {"id":"${order.id}","object":"sim.unknown","choices":[]}\n\n`,
  }
}

function openingDelta(choice: Choice): string {
  if (choice.refused) return '{"role":"assistant","content":null,"refusal":""}'
  return choice.calls.length > 0
    ? '{"role":"assistant","content":null,"refusal":null}'
    : '{"role":"assistant","content":"","refusal":null}'
}

/** One frame for each token; the frame that introduces a tool call goes out with its first token. */
function* pieces(
  choice: Choice,
  index: number,
  alternatives: number | undefined,
  frame: (index: number, delta: string, logprobs?: string) => string,
): Generator<string, void> {
  for (const token of choice.text) {
    const chances =
      alternatives === undefined
        ? undefined
        : JSON.stringify(chancesOf(choice.refused, [token], alternatives))
    yield frame(index, `{"${choice.refused ? 'refusal' : 'content'}":${JSON.stringify(token)}}`, chances)
  }
  for (const [at, call] of choice.calls.entries()) {
    const { id, name } = call
    const start = { index: at, id, type: 'function', function: { name, arguments: '' } }
    let introduction = frame(index, JSON.stringify({ tool_calls: [start] }))
    for (const token of call.arguments) {
      const more = `{"tool_calls":[{"index":${at},"function":{"arguments":${JSON.stringify(token)}}}]}`
      yield introduction + frame(index, more)
      introduction = ''
    }
  }
}

function finishReason({ finish }: Choice): string {
  if (finish === 'tool-calls') return 'tool_calls'
  return finish === 'filtered' ? 'content_filter' : finish
}

function renderUsage(answer: Answer) {
  const completion = answer.reasoningTokens + answer.visibleTokens
  return {
    prompt_tokens: answer.inputTokens,
    completion_tokens: completion,
    total_tokens: answer.inputTokens + completion,
    prompt_tokens_details: { cached_tokens: answer.cachedTokens, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: answer.reasoningTokens,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  }
}

function chancesOf(refused: boolean, tokens: readonly string[], alternatives: number) {
  const chances = logprobs(tokens, alternatives)
  return refused ? { content: null, refusal: chances } : { content: chances, refusal: null }
}
