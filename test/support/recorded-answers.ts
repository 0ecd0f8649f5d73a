import type { ServerResponse } from 'node:http'
import type { ProviderName } from './scripted-dialects.ts'
import type { SeenRequest } from './upstream.ts'

/*
 * Answers as providers give them, with what is odd about each, written after their documentation and their SDKs'
 * types. The whole answer and the stream say the same.
 */

type Json = Record<string, unknown>

export interface Recording {
  provider: ProviderName
  whole: Json
  stream: string
  says: Said
}

export interface Said {
  text?: string
  /** Why nothing is said; where a dialect has no place for it, it is the text. */
  refusal?: string
  thoughts?: string
  calls?: [name: string, args: Json][]
  end: 'stop' | 'calls' | 'length' | 'filtered' | 'failed'
  /** Input with what was cached, the cached part of it, output with what was thought. */
  usage?: [input: number, cached: number, output: number]
}

const data = (...events: unknown[]): string =>
  events.map(event => `data: ${typeof event === 'string' ? event : JSON.stringify(event)}\n\n`).join('')
const named = (...events: Json[]): string =>
  events.map(event => `event: ${String(event.type)}\ndata: ${JSON.stringify(event)}\n\n`).join('')

const chunk = (choices: unknown[], more: Json = {}): Json => ({
  id: 'chatcmpl-1',
  object: 'chat.completion.chunk',
  created: 1,
  model: 'm',
  choices,
  ...more,
})
const delta = (fields: Json, finish_reason: string | null = null): Json =>
  chunk([{ index: 0, delta: fields, finish_reason }])
const completion = (message: Json, finish_reason: string, usage: Json): Json => ({
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1,
  model: 'm',
  choices: [{ index: 0, message: { role: 'assistant', ...message }, finish_reason }],
  usage,
})

const chatUsage = {
  prompt_tokens: 20,
  completion_tokens: 9,
  total_tokens: 29,
  prompt_tokens_details: { cached_tokens: 8, audio_tokens: 0 },
  completion_tokens_details: { reasoning_tokens: 4 },
}

const responseUsage = {
  input_tokens: 20,
  input_tokens_details: { cached_tokens: 8 },
  output_tokens: 9,
  output_tokens_details: { reasoning_tokens: 4 },
  total_tokens: 29,
}
const response = (status: string, output: Json[], more: Json = {}): Json => ({
  id: 'resp_1',
  object: 'response',
  created_at: 1,
  status,
  model: 'm',
  output,
  error: null,
  incomplete_details: null,
  usage: status === 'in_progress' ? null : responseUsage,
  ...more,
})
const thought = (summary: Json[]): Json => ({
  id: 'rs_1',
  type: 'reasoning',
  summary,
  encrypted_content: 'gAAA',
})
const spoken = (status: string, content: Json[]): Json => ({
  id: 'msg_1',
  type: 'message',
  status,
  role: 'assistant',
  content,
})
const outputText = { type: 'output_text', text: 'Grüße 🌊', annotations: [], logprobs: [] }
const called = (status: string, text: string): Json => ({
  id: 'fc_1',
  type: 'function_call',
  status,
  call_id: 'call_1',
  name: 'find',
  arguments: text,
})

const message = (content: Json[], more: Json): Json => ({
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'm',
  content,
  stop_sequence: null,
  ...more,
})
const messageUsage = {
  input_tokens: 9,
  cache_creation_input_tokens: 3,
  cache_read_input_tokens: 8,
  output_tokens: 9,
}
const messageStart: Json = {
  type: 'message_start',
  message: message([], { stop_reason: null, usage: { ...messageUsage, output_tokens: 1 } }),
}
const block = (index: number, content_block: Json, ...deltas: Json[]): Json[] => [
  { type: 'content_block_start', index, content_block },
  ...deltas.map(delta => ({ type: 'content_block_delta', index, delta })),
  { type: 'content_block_stop', index },
]
const messageEnd = (stop: Json): Json[] => [
  { type: 'message_delta', delta: { stop_sequence: null, ...stop }, usage: { output_tokens: 9 } },
  { type: 'message_stop' },
]

const googleUsage = {
  promptTokenCount: 20,
  cachedContentTokenCount: 8,
  candidatesTokenCount: 5,
  thoughtsTokenCount: 4,
  totalTokenCount: 29,
}
const candidate = (parts: Json[] | undefined, finishReason?: string): Json => ({
  candidates: [
    {
      index: 0,
      ...(parts && { content: { role: 'model', parts } }),
      ...(finishReason && { finishReason }),
    },
  ],
  usageMetadata: googleUsage,
  modelVersion: 'm',
  responseId: 'r1',
})

const usage: Said['usage'] = [20, 8, 9]

export const recordings: Readonly<Record<string, Recording>> = {
  'Azure: results of filters before the first choice, and a role alone': {
    provider: 'chat',
    whole: completion({ content: 'Grüße 🌊', refusal: null }, 'stop', chatUsage),
    stream: data(
      chunk([], { prompt_filter_results: [{ prompt_index: 0, content_filter_results: {} }] }),
      delta({ role: 'assistant', content: '', refusal: null }),
      delta({ content: 'Grüße ' }),
      delta({ content: '🌊' }),
      delta({}, 'stop'),
      chunk([], { usage: chatUsage }),
      '[DONE]',
    ),
    says: { text: 'Grüße 🌊', end: 'stop', usage },
  },
  'DeepSeek: thoughts in a field of their own, no role, usage beside the last choice': {
    provider: 'chat',
    whole: completion({ content: 'Yes', reasoning_content: 'Let me see.' }, 'stop', chatUsage),
    stream: data(
      delta({ content: null, reasoning_content: 'Let me ' }),
      delta({ content: null, reasoning_content: 'see.' }),
      delta({ content: 'Yes', reasoning_content: null }),
      chunk([{ index: 0, delta: { content: '' }, finish_reason: 'stop' }], { usage: chatUsage }),
      '[DONE]',
    ),
    says: { text: 'Yes', thoughts: 'Let me see.', end: 'stop', usage },
  },
  'a server that repeats names, gives no ids and says stop after calls': {
    provider: 'chat',
    whole: completion(
      {
        content: null,
        tool_calls: [
          { id: '', type: 'function', function: { name: 'find', arguments: '{"place":"Kiel"}' } },
          { id: '', type: 'function', function: { name: 'now', arguments: '' } },
        ],
      },
      'stop',
      chatUsage,
    ),
    stream: data(
      delta({
        role: 'assistant',
        tool_calls: [{ index: 0, id: '', type: 'function', function: { name: 'find', arguments: '' } }],
      }),
      delta({ tool_calls: [{ index: 0, id: '', function: { name: 'find', arguments: '{"place":' } }] }),
      delta({ tool_calls: [{ index: 0, id: '', function: { name: 'find', arguments: '"Kiel"}' } }] }),
      delta({
        tool_calls: [{ index: 1, id: '', type: 'function', function: { name: 'now', arguments: '' } }],
      }),
      delta({}, 'stop'),
      chunk([], { usage: chatUsage }),
      '[DONE]',
    ),
    says: {
      calls: [
        ['find', { place: 'Kiel' }],
        ['now', {}],
      ],
      end: 'calls',
      usage,
    },
  },
  'OpenAI: an answer cut by its filter, and a verdict after the usage': {
    provider: 'chat',
    whole: completion({ content: 'Part' }, 'content_filter', chatUsage),
    stream: data(
      delta({ role: 'assistant', content: 'Part' }),
      delta({}, 'content_filter'),
      chunk([], { usage: chatUsage }),
      chunk([], { moderation: { results: [] } }),
      '[DONE]',
    ),
    says: { text: 'Part', end: 'filtered', usage },
  },
  'Responses: a thought in two parts, a text, a call, padding and an event that nobody knows': {
    provider: 'responses',
    whole: response('completed', [
      thought([
        { type: 'summary_text', text: 'One.' },
        { type: 'summary_text', text: 'Two.' },
      ]),
      spoken('completed', [outputText]),
      called('completed', '{"place":"Kiel"}'),
    ]),
    stream: named(
      { type: 'response.created', sequence_number: 0, response: response('in_progress', []) },
      { type: 'response.in_progress', sequence_number: 1, response: response('in_progress', []) },
      { type: 'response.output_item.added', sequence_number: 2, output_index: 0, item: thought([]) },
      ...['One.', 'Two.'].flatMap((text, summary_index): Json[] => [
        {
          type: 'response.reasoning_summary_part.added',
          item_id: 'rs_1',
          output_index: 0,
          summary_index,
          part: { type: 'summary_text', text: '' },
        },
        {
          type: 'response.reasoning_summary_text.delta',
          item_id: 'rs_1',
          output_index: 0,
          summary_index,
          delta: text,
          obfuscation: 'x',
        },
        {
          type: 'response.reasoning_summary_text.done',
          item_id: 'rs_1',
          output_index: 0,
          summary_index,
          text,
        },
        {
          type: 'response.reasoning_summary_part.done',
          item_id: 'rs_1',
          output_index: 0,
          summary_index,
          part: { type: 'summary_text', text },
        },
      ]),
      {
        type: 'response.output_item.done',
        output_index: 0,
        item: thought([
          { type: 'summary_text', text: 'One.' },
          { type: 'summary_text', text: 'Two.' },
        ]),
      },
      { type: 'response.weather.changed', wind: 7 },
      { type: 'response.output_item.added', output_index: 1, item: spoken('in_progress', []) },
      {
        type: 'response.content_part.added',
        item_id: 'msg_1',
        output_index: 1,
        content_index: 0,
        part: { ...outputText, text: '' },
      },
      {
        type: 'response.output_text.delta',
        item_id: 'msg_1',
        output_index: 1,
        content_index: 0,
        delta: 'Grüße ',
        logprobs: [],
      },
      {
        type: 'response.output_text.delta',
        item_id: 'msg_1',
        output_index: 1,
        content_index: 0,
        delta: '🌊',
        logprobs: [],
      },
      {
        type: 'response.output_text.done',
        item_id: 'msg_1',
        output_index: 1,
        content_index: 0,
        text: 'Grüße 🌊',
      },
      {
        type: 'response.content_part.done',
        item_id: 'msg_1',
        output_index: 1,
        content_index: 0,
        part: outputText,
      },
      { type: 'response.output_item.done', output_index: 1, item: spoken('completed', [outputText]) },
      { type: 'response.output_item.added', output_index: 2, item: called('in_progress', '') },
      {
        type: 'response.function_call_arguments.delta',
        item_id: 'fc_1',
        output_index: 2,
        delta: '{"place":',
      },
      { type: 'response.function_call_arguments.delta', item_id: 'fc_1', output_index: 2, delta: '"Kiel"}' },
      {
        type: 'response.function_call_arguments.done',
        item_id: 'fc_1',
        output_index: 2,
        arguments: '{"place":"Kiel"}',
      },
      { type: 'response.output_item.done', output_index: 2, item: called('completed', '{"place":"Kiel"}') },
      {
        type: 'response.completed',
        response: response('completed', [
          thought([
            { type: 'summary_text', text: 'One.' },
            { type: 'summary_text', text: 'Two.' },
          ]),
          spoken('completed', [outputText]),
          called('completed', '{"place":"Kiel"}'),
        ]),
      },
    ),
    says: {
      text: 'Grüße 🌊',
      thoughts: 'One.\n\nTwo.',
      calls: [['find', { place: 'Kiel' }]],
      end: 'calls',
      usage,
    },
  },
  'Responses: nothing but thoughts within the bound': {
    provider: 'responses',
    whole: response('incomplete', [], { incomplete_details: { reason: 'max_output_tokens' } }),
    stream: named(
      { type: 'response.created', sequence_number: 0, response: response('in_progress', []) },
      {
        type: 'response.incomplete',
        sequence_number: 1,
        response: response('incomplete', [], { incomplete_details: { reason: 'max_output_tokens' } }),
      },
    ),
    says: { end: 'length', usage },
  },
  'Responses: failed': {
    provider: 'responses',
    whole: response('failed', [], { error: { code: 'server_error', message: 'It broke.' }, usage: null }),
    stream: named(
      { type: 'response.created', sequence_number: 0, response: response('in_progress', []) },
      {
        type: 'response.failed',
        sequence_number: 1,
        response: response('failed', [], {
          error: { code: 'server_error', message: 'It broke.' },
          usage: null,
        }),
      },
    ),
    says: { end: 'failed' },
  },
  'Anthropic: sealed and hidden thoughts, a search of its own, a text and a call': {
    provider: 'messages',
    whole: message(
      [
        { type: 'thinking', thinking: 'Hm.', signature: 'EqQB' },
        { type: 'redacted_thinking', data: 'EmwK' },
        { type: 'server_tool_use', id: 'srvtoolu_1', name: 'web_search', input: { query: 'x' } },
        { type: 'web_search_tool_result', tool_use_id: 'srvtoolu_1', content: [] },
        { type: 'text', text: 'Grüße 🌊', citations: null },
        { type: 'tool_use', id: 'toolu_1', name: 'find', input: { place: 'Kiel' } },
      ],
      { stop_reason: 'tool_use', usage: messageUsage },
    ),
    stream: named(
      messageStart,
      { type: 'ping' },
      ...block(
        0,
        { type: 'thinking', thinking: '', signature: '' },
        { type: 'thinking_delta', thinking: 'Hm.' },
        { type: 'signature_delta', signature: 'EqQB' },
      ),
      ...block(1, { type: 'redacted_thinking', data: 'EmwK' }),
      ...block(
        2,
        { type: 'server_tool_use', id: 'srvtoolu_1', name: 'web_search', input: {} },
        { type: 'input_json_delta', partial_json: '' },
        { type: 'input_json_delta', partial_json: '{"query":"x"}' },
      ),
      ...block(3, { type: 'web_search_tool_result', tool_use_id: 'srvtoolu_1', content: [] }),
      ...block(
        4,
        { type: 'text', text: '' },
        { type: 'text_delta', text: 'Grüße ' },
        { type: 'text_delta', text: '🌊' },
      ),
      ...block(
        5,
        { type: 'tool_use', id: 'toolu_1', name: 'find', input: {} },
        { type: 'input_json_delta', partial_json: '' },
        { type: 'input_json_delta', partial_json: '{"pla' },
        { type: 'input_json_delta', partial_json: 'ce":"Kiel"}' },
      ),
      ...messageEnd({ stop_reason: 'tool_use' }),
    ),
    says: { text: 'Grüße 🌊', thoughts: 'Hm.', calls: [['find', { place: 'Kiel' }]], end: 'calls', usage },
  },
  'Anthropic: a refusal in the middle, and a window that is full': {
    provider: 'messages',
    whole: message([{ type: 'text', text: 'Part' }], {
      stop_reason: 'model_context_window_exceeded',
      usage: messageUsage,
    }),
    stream: named(
      messageStart,
      ...block(0, { type: 'text', text: '' }, { type: 'text_delta', text: 'Part' }),
      ...messageEnd({ stop_reason: 'model_context_window_exceeded' }),
    ),
    says: { text: 'Part', end: 'length', usage },
  },
  'Anthropic: a refusal with its reason': {
    provider: 'messages',
    whole: message([], {
      stop_reason: 'refusal',
      stop_details: { type: 'refusal', category: 'cyber', explanation: 'Not this.' },
      usage: messageUsage,
    }),
    stream: named(
      messageStart,
      ...messageEnd({
        stop_reason: 'refusal',
        stop_details: { type: 'refusal', category: 'cyber', explanation: 'Not this.' },
      }),
    ),
    says: { refusal: 'Not this.', end: 'filtered', usage },
  },
  'Gemini: thoughts, two calls without ids, the seal on the first, an empty text at the end': {
    provider: 'gemini',
    whole: candidate(
      [
        { text: 'Hm.', thought: true },
        { functionCall: { name: 'find', args: { place: 'Kiel' } }, thoughtSignature: 'CoYB' },
        { functionCall: { name: 'now', args: {} } },
      ],
      'STOP',
    ),
    stream: data(
      candidate([{ text: 'Hm.', thought: true }]),
      candidate([{ functionCall: { name: 'find', args: { place: 'Kiel' } }, thoughtSignature: 'CoYB' }]),
      candidate([{ functionCall: { name: 'now', args: {} } }]),
      candidate([{ text: '' }], 'STOP'),
    ),
    says: {
      thoughts: 'Hm.',
      calls: [
        ['find', { place: 'Kiel' }],
        ['now', {}],
      ],
      end: 'calls',
      usage,
    },
  },
  'Gemini: a prompt that is blocked, without candidates': {
    provider: 'gemini',
    whole: {
      promptFeedback: { blockReason: 'PROHIBITED_CONTENT' },
      usageMetadata: { promptTokenCount: 20, totalTokenCount: 20 },
    },
    stream: data({
      promptFeedback: { blockReason: 'PROHIBITED_CONTENT' },
      usageMetadata: { promptTokenCount: 20, totalTokenCount: 20 },
    }),
    says: { end: 'filtered', usage: [20, 0, 0] },
  },
  'Gemini: the bound is reached before a word, so there is no content': {
    provider: 'gemini',
    whole: candidate(undefined, 'MAX_TOKENS'),
    stream: data(candidate(undefined, 'MAX_TOKENS')),
    says: { end: 'length', usage },
  },
  'Gemini: a reason that its SDK does not know': {
    provider: 'gemini',
    whole: candidate([{ text: 'Part' }], 'MODEL_ARMOR'),
    stream: data(candidate([{ text: 'Par' }]), candidate([{ text: 't' }], 'MODEL_ARMOR')),
    says: { text: 'Part', end: 'filtered', usage },
  },
  'Gemini: a call that went wrong': {
    provider: 'gemini',
    whole: candidate(undefined, 'MALFORMED_FUNCTION_CALL'),
    stream: data(candidate(undefined, 'MALFORMED_FUNCTION_CALL')),
    says: { end: 'failed' },
  },
}

const names = Object.keys(recordings)

/** The model under which a recording is asked for. */
export function modelOf(name: string): string {
  return `rec-${recordings[name]?.provider}/m${names.indexOf(name)}`
}

/** Plays what the model's name says, whole or streamed as the request wants it. */
export function playRecording({ path, body }: SeenRequest, response: ServerResponse): void {
  const { model, stream } = JSON.parse(body) as { model?: string; stream?: boolean }
  const number = /m(\d+)(:|$)/.exec(model ?? decodeURIComponent(path.split('?')[0] ?? ''))?.[1]
  const recording = recordings[names[Number(number)] ?? '']
  const streams = stream === true || path.includes(':streamGenerateContent')
  response.writeHead(200, { 'content-type': streams ? 'text/event-stream' : 'application/json' })
  response.end(streams ? recording?.stream : JSON.stringify(recording?.whole))
}

export const recordedProviders = (url: string): string =>
  `  rec-chat: { dialect: openai, base_url: ${url}, api_key: k }
  rec-responses: { dialect: openai-responses, base_url: ${url}, api_key: k }
  rec-messages: { dialect: anthropic, base_url: ${url}, api_key: k }
  rec-gemini: { dialect: gemini, base_url: ${url}, api_key: k }`
