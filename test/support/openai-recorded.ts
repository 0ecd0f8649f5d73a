/**
 * What providers are known to answer, with the oddities of each: bytes after the vendors' documentation and the types
 * of their SDKs. By the dialect they come in, whole and as a stream, and what a caller is to learn of them.
 */
export interface Recorded {
  provider: 'chat' | 'messages' | 'gemini'
  whole?: unknown
  stream?: string
  text: string
  calls?: readonly { name: string; arguments: unknown }[]
  /** Chat's word. */
  finish: 'stop' | 'length' | 'tool_calls' | 'content_filter'
  /** Input and output tokens, in OpenAI's rules. */
  usage?: readonly [input: number, output: number]
}

const data = (...events: unknown[]): string =>
  events.map(event => `data: ${typeof event === 'string' ? event : JSON.stringify(event)}\n\n`).join('')
const named = (...events: { type: string; [field: string]: unknown }[]): string =>
  events.map(event => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join('')

const chunk = (choices: unknown[], more: object = {}): object => ({
  id: 'chatcmpl-A1',
  object: 'chat.completion.chunk',
  created: 1_760_000_000,
  model: 'gpt-4o-2024-08-06',
  choices,
  ...more,
})
const delta = (fields: object, finish: string | null = null, index = 0): object =>
  chunk([{ index, delta: fields, finish_reason: finish }])
const chatUsage = { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 }
const completion = (message: object, finish_reason: string): object => ({
  id: 'chatcmpl-A1',
  object: 'chat.completion',
  created: 1_760_000_000,
  model: 'gpt-4o-2024-08-06',
  choices: [{ index: 0, message, finish_reason }],
  usage: chatUsage,
})

const anthropicUsage = { input_tokens: 5, cache_creation_input_tokens: 2, cache_read_input_tokens: 4 }
const message = (content: unknown[], stop: object): object => ({
  id: 'msg_01Xyz',
  type: 'message',
  role: 'assistant',
  model: 'claude-sonnet-4-5-20250929',
  content,
  stop_sequence: null,
  usage: { ...anthropicUsage, output_tokens: 7, service_tier: 'standard' },
  ...stop,
})
const messageStart = {
  type: 'message_start',
  message: {
    id: 'msg_01Xyz',
    type: 'message',
    role: 'assistant',
    model: 'claude-sonnet-4-5-20250929',
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage: { ...anthropicUsage, output_tokens: 1 },
  },
}
const block = (index: number, content_block: object, ...deltas: object[]) => [
  { type: 'content_block_start', index, content_block },
  ...deltas.map(delta => ({ type: 'content_block_delta', index, delta })),
  { type: 'content_block_stop', index },
]
const messageEnd = (stop: object): { type: string; [field: string]: unknown }[] => [
  {
    type: 'message_delta',
    delta: { stop_sequence: null, ...stop },
    usage: { output_tokens: 7 },
  },
  { type: 'message_stop' },
]

const geminiUsage = {
  promptTokenCount: 11,
  candidatesTokenCount: 4,
  thoughtsTokenCount: 3,
  totalTokenCount: 18,
}
const generated = (parts: unknown[] | undefined, finishReason?: string): object => ({
  candidates: [
    { content: { ...(parts && { parts }), role: 'model' }, ...(finishReason && { finishReason }), index: 0 },
  ],
  usageMetadata: geminiUsage,
  modelVersion: 'gemini-2.5-pro',
  responseId: 'r1',
})

const serverSearch = [
  { type: 'server_tool_use', id: 'srvtoolu_1', name: 'web_search', input: { query: 'lighthouses' } },
  {
    type: 'web_search_tool_result',
    tool_use_id: 'srvtoolu_1',
    content: [
      {
        type: 'web_search_result',
        url: 'https://a.example',
        title: 'A',
        encrypted_content: 'x',
        page_age: null,
      },
    ],
  },
]

export const recordedAnswers: Readonly<Record<string, Recorded>> = {
  'a chat whose first chunk has no choices, and whose deltas have no role': {
    provider: 'chat',
    whole: completion({ role: 'assistant', content: 'Tall and white.' }, 'stop'),
    stream: data(
      chunk([], { prompt_filter_results: [{ prompt_index: 0, content_filter_results: {} }] }),
      delta({ content: 'Tall' }),
      delta({ content: ' and white.' }),
      delta({}, 'stop'),
      chunk([], { usage: chatUsage }),
      '[DONE]',
    ),
    text: 'Tall and white.',
    finish: 'stop',
    usage: [11, 7],
  },
  'a chat whose calls begin at 1, come whole, and say `stop`': {
    provider: 'chat',
    whole: completion(
      {
        role: 'assistant',
        content: null,
        tool_calls: [
          { id: 'a', type: 'function', function: { name: 'find', arguments: '{"place":"Brest"}' } },
          { id: 'b', type: 'function', function: { name: 'ring', arguments: '' } },
        ],
      },
      'stop',
    ),
    stream: data(
      delta({
        role: 'assistant',
        content: null,
        tool_calls: [
          { index: 1, id: 'a', type: 'function', function: { name: 'find', arguments: '{"place":"Brest"}' } },
        ],
      }),
      delta({
        tool_calls: [{ index: 2, id: 'b', type: 'function', function: { name: 'ring', arguments: '' } }],
      }),
      delta({}, 'stop'),
      chunk([], { usage: chatUsage }),
      '[DONE]',
    ),
    text: '',
    calls: [
      { name: 'find', arguments: { place: 'Brest' } },
      { name: 'ring', arguments: {} },
    ],
    finish: 'tool_calls',
    usage: [11, 7],
  },
  'thinking, a redacted thought, text and a call of Claude, between pings and what nobody knows': {
    provider: 'messages',
    whole: message(
      [
        { type: 'thinking', thinking: 'Hm.', signature: 'c2ln' },
        { type: 'redacted_thinking', data: 'ZGF0YQ==' },
        { type: 'text', text: 'I look.', citations: null },
        { type: 'tool_use', id: 'toolu_1', name: 'find', input: { place: 'Brest' } },
        { type: 'tool_use', id: 'toolu_2', name: 'ring', input: {} },
      ],
      { stop_reason: 'tool_use' },
    ),
    stream: named(
      messageStart,
      { type: 'ping' },
      { type: 'never_heard_of', index: 0 },
      ...block(
        0,
        { type: 'thinking', thinking: '', signature: '' },
        { type: 'thinking_delta', thinking: 'Hm.' },
        { type: 'never_heard_of_delta', what: 1 },
        { type: 'signature_delta', signature: 'c2ln' },
      ),
      ...block(1, { type: 'redacted_thinking', data: 'ZGF0YQ==' }),
      ...block(2, { type: 'text', text: '' }, { type: 'text_delta', text: 'I look.' }),
      ...block(
        3,
        { type: 'tool_use', id: 'toolu_1', name: 'find', input: {} },
        { type: 'input_json_delta', partial_json: '' },
        { type: 'input_json_delta', partial_json: '{"place":' },
        { type: 'input_json_delta', partial_json: '"Brest"}' },
      ),
      ...block(
        4,
        { type: 'tool_use', id: 'toolu_2', name: 'ring', input: {} },
        { type: 'input_json_delta', partial_json: '' },
      ),
      ...messageEnd({ stop_reason: 'tool_use' }),
    ),
    text: 'I look.',
    calls: [
      { name: 'find', arguments: { place: 'Brest' } },
      { name: 'ring', arguments: {} },
    ],
    finish: 'tool_calls',
    usage: [11, 7],
  },
  'a search that Claude ran by itself, and an answer that cites it': {
    provider: 'messages',
    whole: message(
      [
        ...serverSearch,
        {
          type: 'text',
          text: 'Tall.',
          citations: [
            {
              type: 'web_search_result_location',
              url: 'https://a.example',
              title: 'A',
              encrypted_index: 'e',
              cited_text: 'tall',
            },
          ],
        },
      ],
      { stop_reason: 'end_turn' },
    ),
    stream: named(
      messageStart,
      ...block(
        0,
        { type: 'server_tool_use', id: 'srvtoolu_1', name: 'web_search', input: {} },
        { type: 'input_json_delta', partial_json: '{"query":"lighthouses"}' },
      ),
      ...block(1, serverSearch[1] ?? {}),
      ...block(
        2,
        { type: 'text', text: '', citations: [] },
        {
          type: 'citations_delta',
          citation: {
            type: 'web_search_result_location',
            url: 'https://a.example',
            title: 'A',
            encrypted_index: 'e',
            cited_text: 'tall',
          },
        },
        { type: 'text_delta', text: 'Tall.' },
      ),
      ...messageEnd({ stop_reason: 'end_turn' }),
    ),
    text: 'Tall.',
    finish: 'stop',
    usage: [11, 7],
  },
  'a Claude whose window is full': {
    provider: 'messages',
    whole: message([{ type: 'text', text: 'Tal' }], { stop_reason: 'model_context_window_exceeded' }),
    stream: named(
      messageStart,
      ...block(0, { type: 'text', text: '' }, { type: 'text_delta', text: 'Tal' }),
      ...messageEnd({ stop_reason: 'model_context_window_exceeded' }),
    ),
    text: 'Tal',
    finish: 'length',
    usage: [11, 7],
  },
  'a Claude that refuses': {
    provider: 'messages',
    whole: message([], { stop_reason: 'refusal', stop_details: { type: 'refusal', category: 'cyber' } }),
    stream: named(messageStart, ...messageEnd({ stop_reason: 'refusal' })),
    text: '',
    finish: 'content_filter',
    usage: [11, 7],
  },
  'thoughts and parallel calls of Gemini, without ids': {
    provider: 'gemini',
    whole: generated(
      [
        { text: 'Hm.', thought: true },
        { functionCall: { name: 'find', args: { place: 'Brest' } }, thoughtSignature: 'c2ln' },
        { functionCall: { name: 'ring', args: {} } },
      ],
      'STOP',
    ),
    stream: data(
      generated([{ text: 'Hm.', thought: true }]),
      generated([{ functionCall: { name: 'find', args: { place: 'Brest' } }, thoughtSignature: 'c2ln' }]),
      generated([{ functionCall: { name: 'ring' } }]),
      generated([{ text: '' }], 'STOP'),
    ),
    text: '',
    calls: [
      { name: 'find', arguments: { place: 'Brest' } },
      { name: 'ring', arguments: {} },
    ],
    finish: 'tool_calls',
    usage: [11, 7],
  },
  'a prompt that Gemini blocks': {
    provider: 'gemini',
    whole: {
      promptFeedback: { blockReason: 'PROHIBITED_CONTENT' },
      usageMetadata: { promptTokenCount: 11, totalTokenCount: 11 },
    },
    stream: data({
      promptFeedback: { blockReason: 'PROHIBITED_CONTENT' },
      usageMetadata: { promptTokenCount: 11, totalTokenCount: 11 },
    }),
    text: '',
    finish: 'content_filter',
    usage: [11, 0],
  },
  'a Gemini that has spent all its tokens on thoughts, and says no part': {
    provider: 'gemini',
    whole: generated(undefined, 'MAX_TOKENS'),
    stream: data(generated(undefined, 'MAX_TOKENS')),
    text: '',
    finish: 'length',
    usage: [11, 7],
  },
  'a Gemini stopped by what no SDK knows': {
    provider: 'gemini',
    whole: generated([{ text: 'Tal' }], 'MODEL_ARMOR'),
    stream: data(generated([{ text: 'Tal' }]), generated([{ text: '' }], 'MODEL_ARMOR')),
    text: 'Tal',
    finish: 'content_filter',
    usage: [11, 7],
  },
}
