/**
 * Answers for tests, in the shape of OpenAI's documentation and recordings, and their streams: events in the recorded
 * order, made apart from the writer that is tested with them.
 */
type Json = Record<string, unknown>

const base = {
  id: 'resp_0969b02502f499e700697055b59cbc8190b9667eefb50289c3',
  object: 'response',
  created_at: 1768969653,
  status: 'completed',
  background: false,
  completed_at: 1768969655,
  error: null,
  incomplete_details: null,
  instructions: null,
  model: 'gpt-5.2-2025-12-11',
  parallel_tool_calls: true,
  service_tier: 'default',
  tool_choice: 'auto',
  tools: [],
  usage: usage(75, 8, 40, 4),
}

export function usage(input: number, cached: number, output: number, reasoning: number): Json {
  return {
    input_tokens: input,
    input_tokens_details: { cached_tokens: cached },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: reasoning },
    total_tokens: input + output,
  }
}

const text = (text: string, more: Json = {}): Json => ({
  type: 'output_text',
  annotations: [],
  logprobs: [],
  text,
  ...more,
})
const message = (content: Json[], status = 'completed'): Json => ({
  id: 'msg_0969b02502f499e700697055b7750c81',
  type: 'message',
  status,
  content,
  role: 'assistant',
})
const call = (id: string, name: string, args: string): Json => ({
  id: `fc_${id}`,
  type: 'function_call',
  status: 'completed',
  arguments: args,
  call_id: `call_${id}`,
  name,
})
const thought = (summary: string[], more: Json = {}): Json => ({
  id: 'rs_045fb12aa0dfc2ea0069170733badc81',
  type: 'reasoning',
  summary: summary.map(text => ({ type: 'summary_text', text })),
  ...more,
})
const token = (token: string, logprob: number): Json => ({ token, bytes: [...Buffer.from(token)], logprob })

export const answers: Record<string, Json> = {
  'a text in many alphabets': { ...base, output: [message([text('Grüße vom Leuchtturm 🌊, 灯台\u2028!')])] },
  'thoughts in two parts, sealed, then parallel calls': {
    ...base,
    output: [
      thought(['**Looking**\n\nfor ships', '**Counting** them'], { encrypted_content: 'gAAAAABpF' }),
      call('abc', 'find', '{"place":"Ålesund"}'),
      call('def', 'count', ''),
    ],
  },
  'a thought that is kept there, then a text': {
    ...base,
    output: [thought([]), message([text('Three.')])],
  },
  'a thought in the open (vLLM)': {
    ...base,
    output: [
      thought([], { content: [{ type: 'reasoning_text', text: 'One, two.' }] }),
      message([text('Two.')]),
    ],
  },
  'a refusal': { ...base, output: [message([{ type: 'refusal', refusal: 'I cannot help with that.' }])] },
  'an answer cut by its cap': {
    ...base,
    status: 'incomplete',
    incomplete_details: { reason: 'max_output_tokens' },
    output: [message([text('Once upon a')], 'incomplete')],
  },
  'an answer cut by a filter before it began': {
    ...base,
    status: 'incomplete',
    incomplete_details: { reason: 'content_filter' },
    output: [],
  },
  'a cap that thinking used up': {
    ...base,
    status: 'incomplete',
    incomplete_details: { reason: 'max_output_tokens' },
    output: [thought([])],
  },
  'a search of the web, and what it found': {
    ...base,
    output: [
      {
        id: 'ws_67ccf18f64008190a39b619f4c8455ef',
        type: 'web_search_call',
        status: 'completed',
        action: {
          type: 'search',
          query: 'lighthouses',
          sources: [{ type: 'url', url: 'https://a.example/' }],
        },
      },
      message([
        text('Lit since 1862.', {
          annotations: [
            { type: 'url_citation', start_index: 0, end_index: 15, url: 'https://a.example/', title: 'A' },
            { type: 'file_citation', index: 14, file_id: 'file-1', filename: 'light.pdf' },
          ],
        }),
        text('And dark since 1990.'),
      ]),
    ],
  },
  'a tool that takes free text': {
    ...base,
    output: [
      {
        id: 'ctc_1',
        type: 'custom_tool_call',
        status: 'completed',
        call_id: 'call_1',
        name: 'shell',
        input: 'ls -l\n"x"',
      },
    ],
  },
  'probabilities of tokens': {
    ...base,
    output: [
      message([
        text('Hi you', {
          logprobs: [
            { ...token('Hi', -0.1), top_logprobs: [token('Hi', -0.1), token('Ho', -2)] },
            { ...token(' you', -0.5), top_logprobs: [] },
          ],
        }),
      ]),
    ],
  },
  'a picture': {
    ...base,
    output: [
      {
        id: 'ig_1',
        type: 'image_generation_call',
        status: 'completed',
        output_format: 'webp',
        result: 'UklGRg==',
      },
    ],
  },
  'an item and a part of tomorrow': {
    ...base,
    output: [
      { id: 'x_1', type: 'hologram', status: 'completed', light: 7 },
      message([text('See'), { type: 'output_hologram', light: 8 }, text('there')]),
    ],
  },
}

/** Which events a server leaves out, or says in another way. */
export interface Manner {
  deltas?: false
  parts?: false
  done?: false
  items?: false
}

/** The events of a stream whose whole is `response`. */
export function eventsOf(response: Json, manner: Manner = {}): Json[] {
  const events: Json[] = []
  const add = (type: string, fields: Json): void => {
    if (manner.deltas === false && /delta$|annotation\.added$/.test(type)) return
    const unknown = manner.deltas !== false && JSON.stringify(fields.part ?? '').includes('light')
    if (manner.parts === false && !unknown && /_part\.|(text|refusal|arguments|input)\.done$/.test(type))
      return
    if (manner.done === false && type === 'response.output_item.done') return
    if (manner.items === false && 'output_index' in fields) return
    events.push({ type, sequence_number: events.length, ...fields })
  }
  const begun = {
    ...response,
    status: 'in_progress',
    completed_at: null,
    incomplete_details: null,
    service_tier: 'auto',
    output: [],
    usage: null,
  }
  add('response.created', { response: begun })
  add('response.in_progress', { response: begun })
  for (const [output_index, item] of (response.output as Json[]).entries()) {
    const hollow = { summary: [], content: [], arguments: '', input: '', result: null, action: undefined }
    const kept = Object.fromEntries(Object.entries(hollow).filter(([name]) => name in item))
    const { encrypted_content: _late, ...first } = { ...item, ...kept, status: 'in_progress' } as Json
    add('response.output_item.added', { output_index, item: first })
    addInner(item, (type, fields) => add(type, { item_id: item.id, output_index, ...fields }))
    add('response.output_item.done', { output_index, item })
  }
  add(`response.${String(response.status)}`, { response })
  return events
}

type Add = (type: string, fields: Json) => void

function addInner(item: Json, add: Add): void {
  for (const [summary_index, part] of list(item.summary).entries()) {
    add('response.reasoning_summary_part.added', { summary_index, part: { ...part, text: '' } })
    for (const delta of pieces(part.text))
      add('response.reasoning_summary_text.delta', { summary_index, delta })
    add('response.reasoning_summary_text.done', { summary_index, text: part.text })
    add('response.reasoning_summary_part.done', { summary_index, part })
  }
  for (const [content_index, part] of list(item.content).entries())
    addContent(part, (type, fields) => add(type, { content_index, ...fields }))
  if (item.type === 'function_call') {
    for (const delta of pieces(item.arguments)) add('response.function_call_arguments.delta', { delta })
    add('response.function_call_arguments.done', { arguments: item.arguments })
  }
  if (item.type === 'custom_tool_call') {
    for (const delta of pieces(item.input)) add('response.custom_tool_call_input.delta', { delta })
    add('response.custom_tool_call_input.done', { input: item.input })
  }
  if (item.type === 'web_search_call') {
    add('response.web_search_call.in_progress', {})
    add('response.web_search_call.searching', {})
    add('response.web_search_call.completed', {})
  }
}

function addContent(part: Json, add: Add): void {
  const logprobs = list(part.logprobs)
  const hollow = part.type === 'refusal' ? { refusal: '' } : { annotations: [], logprobs: [], text: '' }
  add('response.content_part.added', { part: 'light' in part ? part : { type: part.type, ...hollow } })
  const texts =
    logprobs.length > 0 ? logprobs.map(({ token }) => String(token)) : pieces(part.text ?? part.refusal)
  const word = part.type === 'refusal' ? 'refusal' : String(part.type)
  for (const [index, delta] of texts.entries())
    add(`response.${word}.delta`, { delta, logprobs: logprobs.slice(index, index + 1) })
  for (const [annotation_index, annotation] of list(part.annotations).entries())
    add('response.output_text.annotation.added', { annotation_index, annotation })
  if (word === 'refusal') add('response.refusal.done', { refusal: part.refusal })
  else if (!('light' in part)) add(`response.${word}.done`, { text: part.text, logprobs })
  add('response.content_part.done', { part })
}

function list(value: unknown): Json[] {
  return Array.isArray(value) ? (value as Json[]) : []
}

function pieces(text: unknown): string[] {
  return typeof text === 'string' ? (text.match(/.{1,4}/gsu) ?? []) : []
}

export function bytesOf(events: readonly Json[]): Buffer {
  return Buffer.from(events.map(event => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join(''))
}
