/*
 * For the tests: answers as Anthropic's documentation and SDKs show them, whole and as the streams that tell the same.
 */

type Json = Record<string, unknown>

export interface Recorded {
  whole: Json
  stream: string
}

export function event(type: string, fields: Json = {}): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`
}

const empty = { stop_reason: null, stop_sequence: null, stop_details: null }

const usage = {
  input_tokens: 25,
  cache_creation_input_tokens: 30,
  cache_read_input_tokens: 12,
  cache_creation: { ephemeral_5m_input_tokens: 10, ephemeral_1h_input_tokens: 20 },
  output_tokens: 47,
  output_tokens_details: { thinking_tokens: 17 },
  server_tool_use: { web_search_requests: 1 },
  service_tier: 'standard',
}

/** A block with the deltas that make it; without any it comes whole. */
interface Told {
  block: Json
  start?: Json
  deltas?: Json[]
}

function record(told: Told[], end: Json = { stop_reason: 'end_turn' }): Recorded {
  const message = {
    id: 'msg_01XFDUDYJgAACzvnptvVoYEL',
    type: 'message',
    role: 'assistant',
    model: 'claude-sonnet-4-5',
  }
  const blocks = told.map(
    ({ block, start = block, deltas = [] }, index) =>
      event('content_block_start', { index, content_block: start }) +
      deltas.map(delta => event('content_block_delta', { index, delta })).join('') +
      event('content_block_stop', { index }),
  )
  const first = { ...usage, output_tokens: 1, output_tokens_details: null, server_tool_use: null }
  const stream = [
    event('message_start', { message: { ...message, content: [], ...empty, usage: first } }),
    event('ping'),
    ...blocks,
    event('message_delta', {
      delta: { stop_sequence: null, ...end },
      usage: {
        output_tokens: 47,
        output_tokens_details: { thinking_tokens: 17 },
        server_tool_use: usage.server_tool_use,
      },
    }),
    event('message_stop'),
  ]
  return {
    whole: { ...message, content: told.map(({ block }) => block), ...empty, ...end, usage },
    stream: stream.join(''),
  }
}

function text(...pieces: string[]): Told {
  return {
    block: { type: 'text', text: pieces.join(''), citations: null },
    start: { type: 'text', text: '' },
    deltas: pieces.map(piece => ({ type: 'text_delta', text: piece })),
  }
}

function thinking(signature: string, ...pieces: string[]): Told {
  return {
    block: { type: 'thinking', thinking: pieces.join(''), signature },
    start: { type: 'thinking', thinking: '', signature: '' },
    deltas: [
      ...pieces.map(piece => ({ type: 'thinking_delta', thinking: piece })),
      { type: 'signature_delta', signature },
    ],
  }
}

function toolUse(type: string, id: string, name: string, ...pieces: string[]): Told {
  const block = { type, id, name, input: {} }
  return {
    block: { ...block, input: JSON.parse(pieces.join('') || '{}') as unknown },
    start: block,
    deltas: ['', ...pieces].map(piece => ({ type: 'input_json_delta', partial_json: piece })),
  }
}

const signature = 'EqQBCgIYAhIM1gbcDa9GJwZA2b3hGgxBdjrkzLoky3dl1pkiMOYds=='

const citations = [
  {
    type: 'char_location',
    cited_text: 'The grass is green.',
    document_index: 0,
    document_title: 'Nature',
    start_char_index: 0,
    end_char_index: 19,
    file_id: 'file_011C',
  },
  {
    type: 'page_location',
    cited_text: 'Water',
    document_index: 1,
    document_title: null,
    start_page_number: 5,
    end_page_number: 6,
    file_id: null,
  },
  {
    type: 'content_block_location',
    cited_text: 'Sky',
    document_index: 2,
    document_title: 'Sky',
    start_block_index: 0,
    end_block_index: 1,
    file_id: null,
  },
  {
    type: 'web_search_result_location',
    url: 'https://example.com/shannon',
    title: 'Claude Shannon',
    cited_text: 'born in 1916',
    encrypted_index: 'Eo8BCioIAhgBIiQyYjQ0OWJmZi1',
  },
  {
    type: 'search_result_location',
    source: 'https://docs.example.com/api',
    title: 'API',
    cited_text: 'keys',
    search_result_index: 0,
    start_block_index: 0,
    end_block_index: 1,
  },
]

export const recorded: Readonly<Record<string, Recorded>> = {
  text: record([text('Grüße ', 'vom Leuchtturm 🌊', ', 灯台\u2028')]),
  'a text that a stop sequence ends': record([text('1, 2, ')], {
    stop_reason: 'stop_sequence',
    stop_sequence: '3',
  }),
  'parallel tool calls': record(
    [
      text('Two places.'),
      toolUse('tool_use', 'toolu_01A', 'get_weather', '{"location":', '"San Francisco, CA"', ',"unit":"c"}'),
      toolUse('tool_use', 'toolu_01B', 'get_time', '{"zone":"PST"}'),
      toolUse('tool_use', 'toolu_01C', 'now'),
    ],
    { stop_reason: 'tool_use' },
  ),
  'signed thinking before a call': record(
    [
      thinking(signature, 'Let me ', 'see.'),
      { block: { type: 'redacted_thinking', data: 'EmwKAhgBEgy3va3pzix/LafPsn4a' } },
      thinking('EuYBCkQYAiJA=='),
      toolUse('tool_use', 'toolu_01D', 'look', '{"at":"it"}'),
    ],
    { stop_reason: 'tool_use' },
  ),
  'a web search with citations': record([
    toolUse('server_tool_use', 'srvtoolu_01', 'web_search', '{"query":"shan', 'non"}'),
    {
      block: {
        type: 'web_search_tool_result',
        tool_use_id: 'srvtoolu_01',
        content: [{ type: 'web_search_result', url: 'https://example.com/shannon', title: 'Claude Shannon' }],
      },
    },
    text('He was '),
    {
      block: { type: 'text', text: 'born in 1916', citations },
      start: { type: 'text', text: '', citations: [] },
      deltas: [
        ...citations.slice(0, 2).map(citation => ({ type: 'citations_delta', citation })),
        { type: 'text_delta', text: 'born in 1916' },
        ...citations.slice(2).map(citation => ({ type: 'citations_delta', citation })),
      ],
    },
  ]),
  'an answer that is cut': record([text('Once upon')], { stop_reason: 'max_tokens' }),
  'a full context': record([text('So')], { stop_reason: 'model_context_window_exceeded' }),
  'a turn that pauses': record([text('Searching')], { stop_reason: 'pause_turn' }),
  'a refusal': record([text('I')], {
    stop_reason: 'refusal',
    stop_details: { type: 'refusal', category: 'cyber', explanation: 'It could harm.' },
  }),
  'a refusal without words': record([], {
    stop_reason: 'refusal',
    stop_details: { type: 'refusal', category: null, explanation: null },
  }),
  'a block of a kind to come': record([{ block: { type: 'hologram', depth: 3 } }, text('See?')]),
  'nothing at all': record([]),
}
