import type { PricedCase } from './case.ts'

type Json = Record<string, unknown>

/** A whole answer with the report of a case. */
export function wholeAnswer({ dialect, usage, answer = {} }: PricedCase): Json {
  switch (dialect) {
    case 'openai-chat': {
      const message = { role: 'assistant', content: 'Tide.' }
      return {
        id: 'c1',
        model: 'm',
        choices: [{ index: 0, message, finish_reason: 'stop' }],
        usage,
        ...answer,
      }
    }
    case 'openai-responses': {
      const object = { id: 'resp_1', object: 'response', status: 'completed', model: 'm' }
      return { ...object, output: [], usage, ...answer }
    }
    case 'openai-embeddings':
      return { object: 'list', model: 'm', data: [{ index: 0, embedding: [0.5] }], usage, ...answer }
    case 'anthropic-messages': {
      const message = { id: 'msg_1', type: 'message', role: 'assistant', model: 'm' }
      return {
        ...message,
        content: [{ type: 'text', text: 'Tide.' }],
        stop_reason: 'end_turn',
        usage,
        ...answer,
      }
    }
    case 'gemini': {
      const candidate = {
        index: 0,
        content: { role: 'model', parts: [{ text: 'Tide.' }] },
        finishReason: 'STOP',
      }
      return { candidates: [candidate], usageMetadata: usage, modelVersion: 'm', ...answer }
    }
    case 'bedrock-converse': {
      const output = { message: { role: 'assistant', content: [{ text: 'Tide.' }] } }
      return { output, stopReason: 'end_turn', usage, metrics: { latencyMs: 9 }, ...answer }
    }
    default:
      throw new RangeError(`no answer of ${dialect}`)
  }
}

/** The same answer as a stream of server-sent events; undefined of a dialect that has none of these. */
export function streamedAnswer(priced: PricedCase): string | undefined {
  const { dialect, usage, answer = {} } = priced
  switch (dialect) {
    case 'openai-chat': {
      const head = { id: 'c1', object: 'chat.completion.chunk', model: 'm', ...answer }
      const choice = { index: 0, delta: { content: 'Tide.' }, finish_reason: 'stop' }
      return `${data({ ...head, choices: [choice] })}${data({ ...head, choices: [], usage })}data: [DONE]\n\n`
    }
    case 'openai-responses':
      return event('response.completed', { response: wholeAnswer(priced) })
    case 'anthropic-messages':
      return messagesStream(usage)
    case 'gemini':
      return data(wholeAnswer(priced))
    default:
      return undefined
  }
}

/** Half of the report comes at the beginning: the input. The end has the whole of it. */
function messagesStream(usage: PricedCase['usage']): string {
  const { output_tokens: outputTokens, output_tokens_details: details, iterations, ...first } = usage
  const message = {
    id: 'msg_1',
    type: 'message',
    model: 'm',
    content: [],
    usage: { ...first, output_tokens: 1 },
  }
  const last = { output_tokens: outputTokens, output_tokens_details: details, iterations }
  return [
    event('message_start', { message }),
    event('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }),
    event('content_block_delta', { index: 0, delta: { type: 'text_delta', text: 'Tide.' } }),
    event('content_block_stop', { index: 0 }),
    event('message_delta', { delta: { stop_reason: 'end_turn' }, usage: last }),
    event('message_stop', {}),
  ].join('')
}

function event(type: string, fields: Json): string {
  return `event: ${type}\n${data({ type, ...fields })}`
}

function data(json: Json): string {
  return `data: ${JSON.stringify(json)}\n\n`
}
