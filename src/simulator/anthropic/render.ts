import type { Answer, Choice, ToolCall } from '../answer.ts'
import type { Frames } from '../delivery.ts'
import type { Order } from '../dialect.ts'
import { sign } from '../signature.ts'
import { errorBody } from './envelope.ts'

/** The answer as one body of `POST /v1/messages`. */
export function renderWhole(answer: Answer, order: Order): string {
  const choice = onlyChoice(answer)
  const usage = order.script.noUsage ? {} : { usage: renderUsage(answer) }
  const head = { id: order.id, type: 'message', role: 'assistant', model: order.model }
  return JSON.stringify({ ...head, content: renderContent(choice, answer), ...renderStop(choice), ...usage })
}

/** The answer as events: message_start, ping, the blocks one after the other, message_delta, message_stop. */
export function renderFrames(answer: Answer, order: Order): Frames {
  const choice = onlyChoice(answer)
  const hidden = hiddenThinking(choice, answer)
  const offset = choice.thoughts.length > 0 || hidden ? 1 : 0
  const delta = renderStop(choice)
  return {
    opening: opening(answer, order) + (hidden ? hiddenBlock(hidden) : ''),
    thoughts: thoughtFrames(choice),
    pieces: pieces(choice, offset),
    closing: event('message_delta', {
      delta,
      ...(order.script.noUsage ? {} : { usage: renderDeltaUsage(answer) }),
    }),
    done: event('message_stop', {}),
    error: () => `event: error\ndata: ${errorBody(order.streamError, order.requestId)}\n\n`,
    more: text => event('content_block_delta', { index: offset, delta: { type: 'text_delta', text } }),
    ping: event('ping', {}),
    unknown: event('sim_unknown', { note: 'nobody knows this event' }),
  }
}

function opening(answer: Answer, order: Order): string {
  const total = answer.reasoningTokens + answer.visibleTokens
  const message = {
    ...{ id: order.id, type: 'message', role: 'assistant', model: order.model, content: [] },
    ...{ stop_reason: null, stop_sequence: null, stop_details: null },
    ...(order.script.noUsage ? {} : { usage: { ...renderUsage(answer), output_tokens: Math.min(1, total) } }),
  }
  return event('message_start', { message }) + event('ping', {})
}

function* thoughtFrames({ thoughts }: Choice): Generator<string, void> {
  for (const [at, token] of thoughts.entries()) {
    let frame = event('content_block_delta', { index: 0, delta: { type: 'thinking_delta', thinking: token } })
    if (at === 0) frame = startBlock(0, { type: 'thinking', thinking: '', signature: '' }) + frame
    if (at === thoughts.length - 1) frame += endThinking(thoughts.join(''))
    yield frame
  }
}

/** What was thought and is not to be shown leaves its seal all the same. */
function hiddenBlock(text: string): string {
  return startBlock(0, { type: 'thinking', thinking: '', signature: '' }) + endThinking(text)
}

function endThinking(text: string): string {
  const delta = { type: 'signature_delta', signature: sign(text) }
  return event('content_block_delta', { index: 0, delta }) + event('content_block_stop', { index: 0 })
}

/** One frame for each token; a block's start goes with its first, and its end with its last. */
function* pieces({ text, calls }: Choice, offset: number): Generator<string, void> {
  for (const [at, token] of text.entries()) {
    const start = at === 0 ? startBlock(offset, { type: 'text', text: '' }) : ''
    const end = at === text.length - 1 ? event('content_block_stop', { index: offset }) : ''
    yield start +
      event('content_block_delta', { index: offset, delta: { type: 'text_delta', text: token } }) +
      end
  }
  for (const [at, call] of calls.entries()) yield* callFrames(call, offset + at)
}

/** Arguments begin with an empty delta; an empty object has no other. */
function* callFrames(call: ToolCall, index: number): Generator<string, void> {
  const argument = (json: string): string =>
    event('content_block_delta', { index, delta: { type: 'input_json_delta', partial_json: json } })
  const nothing = call.arguments.join('') === '{}'
  for (const [at, token] of call.arguments.entries()) {
    const start = at === 0 ? startBlock(index, { ...renderCall(call), input: {} }) + argument('') : ''
    const end = at === call.arguments.length - 1 ? event('content_block_stop', { index }) : ''
    yield start + (nothing ? '' : argument(token)) + end
  }
}

function startBlock(index: number, content_block: object): string {
  return event('content_block_start', { index, content_block })
}

function event(type: string, fields: object): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`
}

function renderContent(choice: Choice, answer: Answer): object[] {
  const thought = choice.thoughts.join('')
  const seal = thought || hiddenThinking(choice, answer)
  const content: object[] = seal ? [{ type: 'thinking', thinking: thought, signature: sign(seal) }] : []
  if (choice.text.length > 0) content.push({ type: 'text', text: choice.text.join('') })
  return [...content, ...choice.calls.map(call => ({ ...renderCall(call), input: parseInput(call) }))]
}

/** A name for thoughts that are not shown. */
function hiddenThinking(choice: Choice, answer: Answer): string {
  return answer.reasoningTokens > 0 && choice.thoughts.length === 0 ? `hidden ${answer.reasoningTokens}` : ''
}

function renderCall({ id, name }: ToolCall) {
  return { type: 'tool_use', id: id.replace('call_', 'toolu_01'), name, caller: { type: 'direct' } }
}

/** Arguments that `max_tokens` cut off are no JSON; a whole answer has an empty input then. */
function parseInput(call: ToolCall): unknown {
  try {
    return JSON.parse(call.arguments.join(''))
  } catch {
    return {}
  }
}

function renderStop({ finish, refused, stop }: Choice) {
  const declined = refused || finish === 'filtered'
  return {
    stop_reason: declined ? 'refusal' : stopReason(finish, stop),
    stop_sequence: stop ?? null,
    stop_details: declined
      ? { type: 'refusal', category: null, explanation: 'The simulator declined by script.' }
      : null,
  }
}

function stopReason(finish: Choice['finish'], stop: string | undefined): string {
  if (finish === 'tool-calls') return 'tool_use'
  if (finish === 'length') return 'max_tokens'
  return stop === undefined ? 'end_turn' : 'stop_sequence'
}

/** Cached tokens are not among the `input_tokens`; tokens of thinking are among the `output_tokens`. */
function renderUsage(answer: Answer) {
  return {
    ...renderDeltaUsage(answer),
    cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 0 },
    server_tool_use: null,
    service_tier: 'standard',
  }
}

function renderDeltaUsage({ inputTokens, cachedTokens, reasoningTokens, visibleTokens }: Answer) {
  return {
    input_tokens: inputTokens - cachedTokens,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: cachedTokens,
    output_tokens: reasoningTokens + visibleTokens,
    output_tokens_details: { thinking_tokens: reasoningTokens },
  }
}

function onlyChoice({ choices }: Answer): Choice {
  const [choice] = choices
  if (!choice) throw new Error('an answer has at least one choice')
  return choice
}
