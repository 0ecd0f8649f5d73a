import type { ChatRequest, Message, Part } from '#exchange'
import { mapParts, omit, someParts } from './parts.ts'

/**
 * What a request can ask for that some provider cannot take. For each: how it is told that a request uses it, how it
 * is taken out, and what is lost. Where a dialect says `no` to a feature that a request uses, the policy decides:
 * refuse the request, or go on without and say so. The table in docs/dialects.md is made from these records.
 */
export interface Feature {
  /** For the table and the error: what it is. */
  about: string
  /** `meaning`: another answer without it, so it is refused by default. `hint`: dropped by default, and named. */
  weight: 'meaning' | 'hint'
  used(request: ChatRequest): boolean
  without(request: ChatRequest): ChatRequest
}

/** Whether a provider's dialect takes a feature, and in which way where that is worth a word. */
export type Taking =
  | 'yes'
  | 'no'
  | {
      /** For the table: `as \`stop_sequences\`, at most 4`. */
      how: string
      /** Taken only if; otherwise as with `no`. */
      if?(request: ChatRequest, target: { model: string; quirks: ReadonlySet<string> }): boolean
      /** Taken, but for a part of it that is left out, which is said all the same. */
      leaves?(request: ChatRequest, target: { model: string }): boolean
      /** Images and files by URL: fetched by us, and sent as data. */
      fetch?: true
    }

export type FeatureName = keyof typeof features

export const features = {
  ...fieldFeatures({
    temperature: ['temperature', 'meaning', 'Sampling temperature'],
    top_p: ['topP', 'meaning', 'Nucleus sampling'],
    top_k: ['topK', 'meaning', 'Sampling from the k likeliest tokens'],
    seed: ['seed', 'hint', 'Seed for repeatable sampling'],
    frequency_penalty: ['frequencyPenalty', 'meaning', 'Penalty on frequent tokens'],
    presence_penalty: ['presencePenalty', 'meaning', 'Penalty on tokens that occurred'],
    logit_bias: ['logitBias', 'meaning', 'Bias on single tokens'],
    max_tokens: ['maxOutputTokens', 'meaning', 'Most output tokens'],
    verbosity: ['verbosity', 'hint', 'How long-winded the answer may be'],
    service_tier: ['serviceTier', 'hint', 'Service tier'],
    user: ['user', 'hint', 'The end user'],
    metadata: ['metadata', 'hint', 'Metadata of the caller'],
    prompt_cache_key: ['promptCacheKey', 'hint', 'Which calls share a prompt'],
    automatic_cache: ['cache', 'hint', 'Caching of the longest prefix'],
  }),
  stop: {
    about: 'Stop sequences',
    weight: 'meaning',
    used: ({ stop = [] }) => stop.length > 0,
    without: request => omit(request, 'stop'),
  },
  n: {
    about: 'Several answers at once',
    weight: 'meaning',
    used: ({ choices = 1 }) => choices > 1,
    without: request => omit(request, 'choices'),
  },
  logprobs: {
    about: 'Probabilities of tokens',
    weight: 'meaning',
    used: request => request.logprobs !== undefined,
    without: request => omit(request, 'logprobs'),
  },
  json: {
    about: 'Output that is some JSON',
    weight: 'meaning',
    used: request => request.format?.type === 'json',
    without: request => omit(request, 'format'),
  },
  json_schema: {
    about: 'Output by a JSON Schema',
    weight: 'meaning',
    used: request => request.format?.type === 'json-schema',
    without: request => omit(request, 'format'),
  },
  reasoning_effort: {
    about: 'Reasoning effort',
    weight: 'hint',
    used: ({ reasoning }) =>
      reasoning?.effort !== undefined && reasoning.effort !== 'none' && reasoning.budgetTokens === undefined,
    without: request => withReasoning(request, 'effort'),
  },
  reasoning_budget: {
    about: 'Tokens for reasoning',
    weight: 'hint',
    used: ({ reasoning }) => reasoning?.budgetTokens !== undefined,
    without: request => withReasoning(request, 'budgetTokens'),
  },
  reasoning_off: {
    about: 'No reasoning',
    weight: 'hint',
    used: ({ reasoning }) => reasoning?.effort === 'none',
    without: request => withReasoning(request, 'effort'),
  },
  reasoning_shown: {
    about: 'Whether the reasoning is shown, and at what length',
    weight: 'hint',
    used: ({ reasoning }) => reasoning?.show !== undefined,
    without: request => withReasoning(request, 'show'),
  },
  tools: {
    about: 'Functions the model may call',
    weight: 'meaning',
    used: ({ tools }) => tools.some(({ type }) => type === 'function'),
    without: request => withoutTools(request, 'function'),
  },
  strict_tools: {
    about: 'Arguments that must follow their schema',
    weight: 'hint',
    used: ({ tools }) => tools.some(tool => tool.type === 'function' && tool.strict === true),
    without: request => ({
      ...request,
      tools: request.tools.map(tool => (tool.type === 'function' ? omit(tool, 'strict') : tool)),
    }),
  },
  custom_tools: {
    about: 'Tools that take free text',
    weight: 'meaning',
    used: ({ tools }) => tools.some(({ type }) => type === 'custom'),
    without: request => withoutTools(request, 'custom'),
  },
  hosted_tools: {
    about: 'Tools that the provider runs itself',
    weight: 'meaning',
    used: ({ tools }) => tools.some(({ type }) => type === 'hosted'),
    without: request => withoutTools(request, 'hosted'),
  },
  tool_choice_required: {
    about: 'A tool must be called',
    weight: 'meaning',
    used: ({ toolChoice }) => toolChoice?.type === 'required',
    without: request => omit(request, 'toolChoice'),
  },
  tool_choice_named: {
    about: 'This tool must be called',
    weight: 'meaning',
    used: ({ toolChoice }) => toolChoice?.type === 'tool',
    without: request => omit(request, 'toolChoice'),
  },
  tool_choice_none: {
    about: 'No tool may be called',
    weight: 'meaning',
    used: ({ toolChoice, tools }) => toolChoice?.type === 'none' && tools.length > 0,
    without: request => omit(request, 'toolChoice'),
  },
  allowed_tools: {
    about: 'Only some of the tools may be called',
    weight: 'meaning',
    used: ({ toolChoice }) => toolChoice?.type === 'allowed',
    without: request => omit(request, 'toolChoice'),
  },
  parallel_tool_calls: {
    about: 'Whether several tools may be called at once',
    weight: 'hint',
    used: ({ parallelToolCalls, tools }) => parallelToolCalls !== undefined && tools.length > 0,
    without: request => omit(request, 'parallelToolCalls'),
  },
  later_system: {
    about: 'System text after the conversation has begun (without it, said as the user)',
    weight: 'hint',
    used: ({ messages }) => {
      const begun = messages.findIndex(({ role }) => role === 'user' || role === 'assistant')
      return begun !== -1 && messages.slice(begun).some(isInstruction)
    },
    without: request => ({
      ...request,
      messages: request.messages.map((message, index) =>
        (message.role === 'system' || message.role === 'developer') &&
        !request.messages.slice(0, index).every(isInstruction)
          ? { role: 'user', parts: message.parts }
          : message,
      ),
    }),
  },
  names: {
    about: 'Names of speakers',
    weight: 'hint',
    used: ({ messages }) => messages.some(({ name }) => name !== undefined),
    without: request => ({ ...request, messages: request.messages.map(message => omit(message, 'name')) }),
  },
  made_media: {
    about: 'Images and sounds that a model made in an earlier turn (without them, words that there was one)',
    weight: 'hint',
    used: ({ messages }) => messages.some(({ role, parts }) => role === 'assistant' && parts.some(isMade)),
    without: request => ({ ...request, messages: request.messages.map(withoutMade) }),
  },
  ...partFeatures({
    image_data: ['Images as data', 'meaning', part => part.type === 'image' && part.source.kind === 'data'],
    image_url: ['Images by URL', 'meaning', part => part.type === 'image' && part.source.kind === 'url'],
    image_id: [
      'Images kept at a provider',
      'meaning',
      part => part.type === 'image' && part.source.kind === 'id',
    ],
    file_data: [
      'PDF and files as data',
      'meaning',
      part => part.type === 'file' && part.source.kind === 'data',
    ],
    file_text: [
      'Files as plain text',
      'meaning',
      part => part.type === 'file' && part.source.kind === 'text',
    ],
    file_url: ['Files by URL', 'meaning', part => part.type === 'file' && part.source.kind === 'url'],
    file_id: [
      'Files kept at a provider',
      'meaning',
      part => part.type === 'file' && part.source.kind === 'id',
    ],
    audio_input: ['Audio', 'meaning', part => part.type === 'audio'],
    opaque_parts: ['Parts that only the caller’s dialect knows', 'meaning', part => part.type === 'opaque'],
  }),
  image_detail: {
    about: 'How closely an image is looked at',
    weight: 'hint',
    used: request => someParts(request, part => part.type === 'image' && part.detail !== undefined),
    without: request => mapParts(request, part => (part.type === 'image' ? omit(part, 'detail') : part)),
  },
  tool_result_media: {
    about: 'Images and files in a tool’s result',
    weight: 'meaning',
    used: request => someParts(request, part => part.type === 'tool-result' && part.parts.some(isMedia)),
    without: request =>
      mapParts(request, part =>
        part.type === 'tool-result' ? { ...part, parts: part.parts.filter(inner => !isMedia(inner)) } : part,
      ),
  },
  tool_result_error: {
    about: 'That a tool’s result is an error',
    weight: 'hint',
    used: request => someParts(request, part => part.type === 'tool-result' && part.isError === true),
    without: request =>
      mapParts(request, part => (part.type === 'tool-result' ? omit(part, 'isError') : part)),
  },
  reasoning_history: {
    about: 'Earlier reasoning, given back',
    weight: 'hint',
    used: request => someParts(request, part => part.type === 'reasoning'),
    without: request => mapParts(request, part => (part.type === 'reasoning' ? undefined : part)),
  },
  cache_control: {
    about: 'Marks of what to cache',
    weight: 'hint',
    used: request =>
      request.tools.some(tool => tool.type === 'function' && tool.cache !== undefined) ||
      someParts(request, part => 'cache' in part && part.cache !== undefined),
    without: request =>
      mapParts(
        {
          ...request,
          tools: request.tools.map(tool => (tool.type === 'function' ? omit(tool, 'cache') : tool)),
        },
        part => ('cache' in part ? omit(part, 'cache') : part),
      ),
  },
  document_citations: {
    about: 'Citations from documents',
    weight: 'meaning',
    used: request => someParts(request, part => part.type === 'file' && part.cite === true),
    without: request => mapParts(request, part => (part.type === 'file' ? omit(part, 'cite') : part)),
  },
  prefill: {
    about: 'The beginning of the answer, given by the caller',
    weight: 'meaning',
    used: ({ messages }) => messages.at(-1)?.role === 'assistant',
    without: request => ({ ...request, messages: request.messages.slice(0, -1) }),
  },
} as const satisfies Record<string, Feature>

function isInstruction(message: Message): boolean {
  return message.role === 'system' || message.role === 'developer'
}

function isMade(part: Part): boolean {
  return part.type === 'image' || part.type === 'audio'
}

/** What was said in a sound is said on. */
function withoutMade(message: Message): Message {
  if (message.role !== 'assistant') return message
  const parts = message.parts.map((part): typeof part => {
    if (part.type === 'image') return { type: 'text', text: '[an image]' }
    return part.type === 'audio' ? { type: 'text', text: part.transcript ?? '[a sound]' } : part
  })
  return { ...message, parts }
}

function isMedia(part: Part): boolean {
  return part.type === 'image' || part.type === 'file'
}

function fieldFeatures<N extends string>(
  records: Record<N, [field: keyof ChatRequest, weight: Feature['weight'], about: string]>,
): Record<N, Feature> {
  const made = Object.entries<(typeof records)[N]>(records).map(([name, [field, weight, about]]) => [
    name,
    {
      about,
      weight,
      used: (request: ChatRequest) => request[field] !== undefined,
      without: (request: ChatRequest) => omit(request, field),
    },
  ])
  return Object.fromEntries(made) as Record<N, Feature>
}

function partFeatures<N extends string>(
  records: Record<N, [about: string, weight: Feature['weight'], is: (part: Part) => boolean]>,
): Record<N, Feature> {
  const made = Object.entries<(typeof records)[N]>(records).map(([name, [about, weight, is]]) => [
    name,
    {
      about,
      weight,
      used: (request: ChatRequest) => someParts(request, is),
      without: (request: ChatRequest) => mapParts(request, part => (is(part) ? undefined : part)),
    },
  ])
  return Object.fromEntries(made) as Record<N, Feature>
}

function withReasoning(request: ChatRequest, key: 'effort' | 'budgetTokens' | 'show'): ChatRequest {
  return request.reasoning ? { ...request, reasoning: omit(request.reasoning, key) } : request
}

function withoutTools(request: ChatRequest, type: 'function' | 'custom' | 'hosted'): ChatRequest {
  return { ...request, tools: request.tools.filter(tool => tool.type !== type) }
}
