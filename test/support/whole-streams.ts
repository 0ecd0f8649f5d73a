/** One answer (a thought, a text, a call, its reason) as each dialect streams it: events by what they are. */

export type StreamDialect = 'chat' | 'responses' | 'messages' | 'gemini'

/** In the order of the stream. `lifecycle` is what comes before any content; `end` is the end mark, where there is one. */
export type Piece =
  | 'lifecycle'
  | 'reasoning'
  | 'text'
  | 'arguments'
  | 'restOfArguments'
  | 'finish'
  | 'usage'
  | 'end'

export type WholeStream = Readonly<Record<Piece, string>>

type Json = Record<string, unknown>

const data = (...events: Json[]): string => events.map(event => `data: ${JSON.stringify(event)}\n\n`).join('')
const named = (...events: Json[]): string =>
  events.map(event => `event: ${String(event.type)}\ndata: ${JSON.stringify(event)}\n\n`).join('')

const chunk = (delta: Json, finish_reason: string | null = null): string =>
  data({
    id: 'chatcmpl-1',
    object: 'chat.completion.chunk',
    created: 1_773_446_400,
    model: 'm',
    choices: [{ index: 0, delta, finish_reason }],
  })
const argumentsChunk = (text: string): string =>
  chunk({ tool_calls: [{ index: 0, function: { arguments: text } }] })

const chat: WholeStream = {
  lifecycle: chunk({ role: 'assistant', content: '' }),
  reasoning: chunk({ reasoning_content: 'Hm.' }),
  text: chunk({ content: 'Let me' }) + chunk({ content: ' look.' }),
  arguments:
    chunk({
      tool_calls: [{ index: 0, id: 'call_1', type: 'function', function: { name: 'find', arguments: '' } }],
    }) + argumentsChunk('{"place":'),
  restOfArguments: argumentsChunk('"Kiel"}'),
  finish: chunk({}, 'tool_calls'),
  usage: data({
    id: 'chatcmpl-1',
    object: 'chat.completion.chunk',
    created: 1_773_446_400,
    model: 'm',
    choices: [],
    usage: { prompt_tokens: 11, completion_tokens: 9, total_tokens: 20 },
  }),
  end: 'data: [DONE]\n\n',
}

const delta = (index: number, part: Json): Json => ({ type: 'content_block_delta', index, delta: part })
const stopped = (index: number): Json => ({ type: 'content_block_stop', index })

const messages: WholeStream = {
  lifecycle: named({
    type: 'message_start',
    message: {
      id: 'msg_1',
      type: 'message',
      role: 'assistant',
      model: 'm',
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage: { input_tokens: 11, output_tokens: 1 },
    },
  }),
  reasoning: named(
    {
      type: 'content_block_start',
      index: 0,
      content_block: { type: 'thinking', thinking: '', signature: '' },
    },
    delta(0, { type: 'thinking_delta', thinking: 'Hm.' }),
    delta(0, { type: 'signature_delta', signature: 'c2ln' }),
    stopped(0),
  ),
  text: named(
    { type: 'content_block_start', index: 1, content_block: { type: 'text', text: '' } },
    delta(1, { type: 'text_delta', text: 'Let me look.' }),
    stopped(1),
  ),
  arguments: named(
    {
      type: 'content_block_start',
      index: 2,
      content_block: { type: 'tool_use', id: 'toolu_1', name: 'find', input: {} },
    },
    delta(2, { type: 'input_json_delta', partial_json: '{"place":' }),
  ),
  restOfArguments: named(delta(2, { type: 'input_json_delta', partial_json: '"Kiel"}' }), stopped(2)),
  finish: '',
  usage: named({
    type: 'message_delta',
    delta: { stop_reason: 'tool_use', stop_sequence: null },
    usage: { output_tokens: 9 },
  }),
  end: named({ type: 'message_stop' }),
}

const thought = { id: 'rs_1', type: 'reasoning', summary: [{ type: 'summary_text', text: 'Hm.' }] }
const content = { type: 'output_text', text: 'Let me look.', annotations: [], logprobs: [] }
const message = { id: 'msg_1', type: 'message', role: 'assistant', status: 'completed', content: [content] }
const call = { id: 'fc_1', type: 'function_call', call_id: 'call_1', name: 'find', status: 'completed' }
const finishedCall = { ...call, arguments: '{"place":"Kiel"}' }
const response = (more: Json): Json => ({
  id: 'resp_1',
  object: 'response',
  created_at: 1_773_446_400,
  model: 'm',
  status: 'in_progress',
  output: [],
  usage: null,
  ...more,
})
const item = (kind: 'added' | 'done', output_index: number, value: Json): Json => ({
  type: `response.output_item.${kind}`,
  output_index,
  item: value,
})

const responses: WholeStream = {
  lifecycle: named(
    { type: 'response.created', response: response({}) },
    { type: 'response.in_progress', response: response({}) },
  ),
  reasoning: named(
    item('added', 0, { ...thought, summary: [] }),
    {
      type: 'response.reasoning_summary_part.added',
      item_id: 'rs_1',
      output_index: 0,
      summary_index: 0,
      part: { type: 'summary_text', text: '' },
    },
    {
      type: 'response.reasoning_summary_text.delta',
      item_id: 'rs_1',
      output_index: 0,
      summary_index: 0,
      delta: 'Hm.',
    },
    item('done', 0, thought),
  ),
  text: named(
    item('added', 1, { ...message, status: 'in_progress', content: [] }),
    {
      type: 'response.content_part.added',
      item_id: 'msg_1',
      output_index: 1,
      content_index: 0,
      part: { ...content, text: '' },
    },
    {
      type: 'response.output_text.delta',
      item_id: 'msg_1',
      output_index: 1,
      content_index: 0,
      delta: 'Let me look.',
      logprobs: [],
    },
    item('done', 1, message),
  ),
  arguments: named(item('added', 2, { ...call, status: 'in_progress', arguments: '' }), {
    type: 'response.function_call_arguments.delta',
    item_id: 'fc_1',
    output_index: 2,
    delta: '{"place":',
  }),
  restOfArguments: named({
    type: 'response.function_call_arguments.delta',
    item_id: 'fc_1',
    output_index: 2,
    delta: '"Kiel"}',
  }),
  finish: named(item('done', 2, finishedCall)),
  usage: '',
  end: named({
    type: 'response.completed',
    response: response({
      status: 'completed',
      output: [thought, message, finishedCall],
      usage: { input_tokens: 11, output_tokens: 9, total_tokens: 20 },
    }),
  }),
}

const candidate = (parts: Json[], more: Json = {}, answer: Json = {}): string =>
  data({
    candidates: [{ index: 0, content: { role: 'model', parts }, ...more }],
    usageMetadata: { promptTokenCount: 11, totalTokenCount: 11 },
    modelVersion: 'm',
    responseId: 'r-1',
    ...answer,
  })

const gemini: WholeStream = {
  lifecycle: candidate([]),
  reasoning: candidate([{ text: 'Hm.', thought: true }]),
  text: candidate([{ text: 'Let me' }]) + candidate([{ text: ' look.' }]),
  arguments: candidate([{ functionCall: { name: 'find', args: { place: 'Kiel' } } }]),
  restOfArguments: '',
  finish: '',
  usage: '',
  end: candidate(
    [],
    { finishReason: 'STOP' },
    { usageMetadata: { promptTokenCount: 11, candidatesTokenCount: 9, totalTokenCount: 20 } },
  ),
}

const wholeStreams: Readonly<Record<StreamDialect, WholeStream>> = {
  chat,
  responses,
  messages,
  gemini,
}

const order: readonly Piece[] = [
  'lifecycle',
  'reasoning',
  'text',
  'arguments',
  'restOfArguments',
  'finish',
  'usage',
  'end',
]

/** The stream up to this piece, and with it. */
export function streamUntil(dialect: StreamDialect, last: Piece): string {
  return order
    .slice(0, order.indexOf(last) + 1)
    .map(piece => wholeStreams[dialect][piece])
    .join('')
}

/** An error as the dialect sends it in the middle of a stream. */
export const errorEvents: Readonly<Record<StreamDialect, string>> = {
  chat: data({ error: { message: 'words', type: 'server_error', code: null, param: null } }),
  messages: named({ type: 'error', error: { type: 'overloaded_error', message: 'words' } }),
  responses: named({
    type: 'response.failed',
    response: response({ status: 'failed', error: { code: 'server_error', message: 'words' } }),
  }),
  gemini: data({ error: { code: 503, message: 'words', status: 'UNAVAILABLE' } }),
}

/** The same answer, not streamed; of `text` alone where that makes no difference. */
export const wholeBodies: Readonly<Record<StreamDialect, string>> = {
  chat: JSON.stringify({
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 1_773_446_400,
    model: 'm',
    choices: [{ index: 0, message: { role: 'assistant', content: 'Let me look.' }, finish_reason: 'stop' }],
    usage: { prompt_tokens: 11, completion_tokens: 9, total_tokens: 20 },
  }),
  messages: JSON.stringify({
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'm',
    content: [{ type: 'text', text: 'Let me look.' }],
    stop_reason: 'end_turn',
    stop_sequence: null,
    usage: { input_tokens: 11, output_tokens: 9 },
  }),
  responses: JSON.stringify(
    response({
      status: 'completed',
      output: [message],
      usage: { input_tokens: 11, output_tokens: 9, total_tokens: 20 },
    }),
  ),
  gemini: JSON.stringify({
    candidates: [
      { index: 0, content: { role: 'model', parts: [{ text: 'Let me look.' }] }, finishReason: 'STOP' },
    ],
    usageMetadata: { promptTokenCount: 11, candidatesTokenCount: 9, totalTokenCount: 20 },
    modelVersion: 'm',
    responseId: 'r-1',
  }),
}
