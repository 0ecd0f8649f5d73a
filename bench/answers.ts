/**
 * What the canned upstream says, and by what the load generator knows that an answer arrived whole. The marks
 * are part of the text itself, so that a gateway may rewrite the JSON around it without being counted wrong.
 */

/** Stands once, at the very end of the plain answer's text. */
export const endMark = 'Here the canned answer ends.'

/** Stands once in every content chunk of a stream. */
export const pieceMark = ' piece~'

/** The last event of an OpenAI stream. */
export const doneMark = 'data: [DONE]'

export const streamPieces = 64

const head = { id: 'chatcmpl-bench', created: 1, model: 'gpt-5-mini' }
const usage = {
  prompt_tokens: 180,
  completion_tokens: streamPieces,
  total_tokens: 180 + streamPieces,
  prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
  completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 0 },
}

/** A chat completion of about 1.4 KB. */
export function plainAnswer(): string {
  const content = `${'A model call is slow, fallible and metered. '.repeat(20)}${endMark}`
  return JSON.stringify({
    ...head,
    object: 'chat.completion',
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content, refusal: null, annotations: [] },
        logprobs: null,
        finish_reason: 'stop',
      },
    ],
    usage,
    service_tier: 'default',
  })
}

/** The events of a streamed chat completion, in the order in which OpenAI sends them. */
export interface StreamedAnswer {
  role: string
  piece: string
  finish: string
  usage: string
  done: string
}

export function streamedAnswer(): StreamedAnswer {
  const event = (delta: object, finish_reason: string | null): string => {
    const choices = [{ index: 0, delta, logprobs: null, finish_reason }]
    return sse({ ...head, object: 'chat.completion.chunk', choices })
  }
  return {
    role: event({ role: 'assistant', content: '', refusal: null }, null),
    piece: event({ content: pieceMark }, null),
    finish: event({}, 'stop'),
    usage: sse({ ...head, object: 'chat.completion.chunk', choices: [], usage }),
    done: `${doneMark}\n\n`,
  }
}

/** The same answer as Anthropic gives it. */
export function plainMessage(): string {
  const text = `${'A model call is slow, fallible and metered. '.repeat(20)}${endMark}`
  return JSON.stringify({
    ...messageHead,
    content: [{ type: 'text', text }],
    stop_reason: 'end_turn',
    usage: { input_tokens: 180, output_tokens: streamPieces },
  })
}

/** The same stream as Anthropic sends it; what ends it is its usage, always, and its end mark. */
export function streamedMessage(): StreamedAnswer {
  const usage = { input_tokens: 180, output_tokens: 1 }
  const block = { index: 0, content_block: { type: 'text', text: '' } }
  const delta = { index: 0, delta: { type: 'text_delta', text: pieceMark } }
  const end = { delta: { stop_reason: 'end_turn', stop_sequence: null } }
  return {
    role:
      named('message_start', { message: { ...messageHead, usage } }) + named('content_block_start', block),
    piece: named('content_block_delta', delta),
    finish: named('content_block_stop', { index: 0 }),
    usage: named('message_delta', { ...end, usage: { output_tokens: streamPieces } }),
    done: named('message_stop', {}),
  }
}

const messageHead = {
  id: 'msg_bench',
  type: 'message',
  role: 'assistant',
  model: 'claude-bench',
  content: [],
  stop_reason: null,
  stop_sequence: null,
}

/** An event with its name, as Anthropic writes them. */
function named(type: string, fields: object): string {
  return `event: ${type}\n${sse({ type, ...fields })}`
}

/** A chat request of about 900 bytes. The pace travels in the prompt, so that it passes through any gateway. */
export function chatRequest(model: string, stream: boolean, paceMs: number): string {
  const content = `pace=${paceMs}ms. ${'Please explain once more what a gateway is for. '.repeat(15)}`
  const messages = [
    { role: 'system', content: 'You are a helpful assistant.' },
    { role: 'user', content },
  ]
  return JSON.stringify({ model, messages, ...(stream ? { stream } : {}) })
}

function sse(data: object): string {
  return `data: ${JSON.stringify(data)}\n\n`
}
