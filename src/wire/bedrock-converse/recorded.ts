import { EventStreamCodec } from '@smithy/eventstream-codec'

export type Json = Record<string, unknown>

const codec = new EventStreamCodec(
  bytes => Buffer.from(bytes as Uint8Array).toString(),
  text => Buffer.from(text),
)

/** A frame as Bedrock sends it, encoded by AWS's own codec; events are padded there to hide their length. */
export function frame(type: string, event: unknown, headers: Record<string, string> = {}): Buffer {
  const isRaw = typeof event === 'string' || Buffer.isBuffer(event)
  const body = isRaw ? event : JSON.stringify({ ...(event as Json), p: 'abcdefgh' })
  const all: Record<string, string> = {
    ':event-type': type,
    ':content-type': 'application/json',
    ':message-type': 'event',
    ...headers,
  }
  const typed = Object.entries(all).map(([name, value]) => [name, { type: 'string' as const, value }])
  return Buffer.from(codec.encode({ headers: Object.fromEntries(typed), body: Buffer.from(body) }))
}

export function exception(type: string, message: string): Buffer {
  return frame('', JSON.stringify({ message }), { ':message-type': 'exception', ':exception-type': type })
}

/** The stream in which a whole answer would have come. */
export function streamOf(answer: Json): Buffer[] {
  const { output, stopReason, additionalModelResponseFields, ...metadata } = answer
  const content = (output as { message: { content: Json[] } }).message.content
  return [
    frame('messageStart', { role: 'assistant' }),
    ...content.flatMap((block, contentBlockIndex) => framesOf(block, contentBlockIndex)),
    frame('messageStop', {
      stopReason,
      ...(additionalModelResponseFields !== undefined && { additionalModelResponseFields }),
    }),
    frame('metadata', metadata),
  ]
}

function framesOf(block: Json, contentBlockIndex: number): Buffer[] {
  const delta = (delta: Json): Buffer => frame('contentBlockDelta', { contentBlockIndex, delta })
  const start = (start: Json): Buffer => frame('contentBlockStart', { contentBlockIndex, start })
  const stop = frame('contentBlockStop', { contentBlockIndex })
  const { text, reasoningContent, toolUse, toolResult, citationsContent, image } = block as Record<
    string,
    Json
  >
  if (typeof text === 'string') return [...pieces(text).map(text => delta({ text })), stop]
  if (reasoningContent)
    return [...thoughts(reasoningContent).map(piece => delta({ reasoningContent: piece })), stop]
  if (toolUse) {
    const { input, ...begun } = toolUse
    const said = input === undefined || JSON.stringify(input) === '{}' ? [] : pieces(JSON.stringify(input))
    return [start({ toolUse: begun }), ...said.map(input => delta({ toolUse: { input } })), stop]
  }
  if (toolResult) {
    const { content, ...begun } = toolResult
    return [start({ toolResult: begun }), delta({ toolResult: content }), stop]
  }
  if (citationsContent) {
    const { content, citations } = citationsContent as { content: Json[]; citations: Json[] }
    return [
      ...content.map(({ text }) => delta({ text })),
      ...citations.map(citation => delta({ citation })),
      stop,
    ]
  }
  if (image)
    return [start({ image: { format: image.format } }), delta({ image: { source: image.source } }), stop]
  return [start(block), stop]
}

function thoughts({ reasoningText, redactedContent }: Json): Json[] {
  if (redactedContent !== undefined) return [{ redactedContent }]
  const { text, signature } = reasoningText as { text: string; signature?: string }
  return [...pieces(text).map(text => ({ text })), ...(signature === undefined ? [] : [{ signature }])]
}

function pieces(text: string): string[] {
  const half = Math.ceil([...text].length / 2)
  return [[...text].slice(0, half).join(''), [...text].slice(half).join('')]
}

const message = (...content: Json[]): Json => ({ message: { role: 'assistant', content } })
const usage = { inputTokens: 30, outputTokens: 628, totalTokens: 658 }
const metrics = { latencyMs: 1275 }

/** Answers as the API reference shows them. */
export const answers: Readonly<Record<string, Json>> = {
  text: { output: message({ text: 'Hällo 👋, world' }), stopReason: 'end_turn', usage, metrics },
  'parallel tools, one without arguments': {
    output: message(
      { text: 'I look.' },
      { toolUse: { toolUseId: 'tooluse_1', name: 'weather', input: { city: 'Zürich', days: [1, 2] } } },
      { toolUse: { toolUseId: 'tooluse_2', name: 'now', input: {} } },
    ),
    stopReason: 'tool_use',
    usage,
    metrics,
  },
  'thinking with its seal, and some that is sealed': {
    output: message(
      { reasoningContent: { reasoningText: { text: 'Let me see…', signature: 'EqoBCkgIARAB' } } },
      { reasoningContent: { redactedContent: 'c2VhbGVkIHRob3VnaHQ=' } },
      { reasoningContent: { reasoningText: { text: 'unsigned' } } },
      { text: 'Four.' },
    ),
    stopReason: 'end_turn',
    usage,
    metrics,
  },
  'a cited text': {
    output: message({
      citationsContent: {
        content: [{ text: 'The grass ' }, { text: 'is green.' }],
        citations: [
          {
            title: 'My Document',
            sourceContent: [{ text: 'The grass is green. ' }],
            location: { documentChar: { documentIndex: 0, start: 0, end: 20 } },
          },
          { title: 'A page', location: { web: { url: 'https://a.example/', domain: 'a.example' } } },
        ],
      },
    }),
    stopReason: 'end_turn',
    usage,
    metrics,
  },
  'a tool that the provider ran': {
    output: message(
      { toolUse: { toolUseId: 's1', name: 'search', type: 'server_tool_use', input: { q: 'x' } } },
      {
        toolResult: {
          toolUseId: 's1',
          type: 'search_result',
          status: 'success',
          content: [{ text: 'found' }],
        },
      },
      { text: 'Found.' },
    ),
    stopReason: 'end_turn',
    usage,
    metrics,
  },
  'a tool that the provider ran, and one that is to be run, both named by their type': {
    output: message(
      {
        toolUse: {
          toolUseId: 's1',
          name: 'nova_code_interpreter',
          type: 'server_tool_use',
          input: { snippet: '2+2' },
        },
      },
      {
        toolResult: {
          toolUseId: 's1',
          type: 'nova_code_interpreter_result',
          status: 'success',
          content: [{ json: { stdOut: '4', stdErr: '', exitCode: 0, isError: false } }],
        },
      },
      { toolUse: { toolUseId: 't1', name: 'answer', type: 'tool_use', input: { sum: 4 } } },
    ),
    stopReason: 'tool_use',
    usage: { ...usage, serverToolUsage: {} },
    metrics,
  },
  'an image': {
    output: message({ image: { format: 'png', source: { bytes: 'iVBORw0KGgo=' } } }),
    stopReason: 'end_turn',
    usage,
    metrics,
  },
  'a block that nobody knows': {
    output: message({ hologram: { depth: 3 } }, { text: 'There.' }),
    stopReason: 'end_turn',
    usage,
    metrics,
  },
  'the bound reached, with a cache and a tier': {
    output: message({ text: 'Once upon' }),
    stopReason: 'max_tokens',
    usage: {
      inputTokens: 4,
      outputTokens: 10,
      totalTokens: 3114,
      cacheReadInputTokens: 2000,
      cacheWriteInputTokens: 1100,
      cacheDetails: [{ ttl: '1h', inputTokens: 100 }],
    },
    metrics,
    serviceTier: { type: 'priority' },
  },
  'a stop sequence': {
    output: message({ text: 'One' }),
    stopReason: 'stop_sequence',
    additionalModelResponseFields: { stop_sequence: 'END' },
    usage,
    metrics,
  },
  'a guardrail': {
    output: message({ text: 'I cannot answer that.' }),
    stopReason: 'guardrail_intervened',
    usage,
    metrics,
    trace: { guardrail: {} },
  },
}
