import type { Dialect } from './call.ts'

/**
 * A request for the next turn of a conversation, in the words of no dialect. It is made only for a provider that
 * speaks another dialect than the caller; between two of the same, bytes go through. What a dialect can say and
 * this cannot stands in `extras` or in an opaque part, so that nothing is lost without a word.
 */
export interface ChatRequest {
  messages: readonly Message[]
  tools: readonly Tool[]
  toolChoice?: ToolChoice
  /** Absent: the provider's own way. */
  parallelToolCalls?: boolean
  format?: OutputFormat
  verbosity?: 'low' | 'medium' | 'high'
  reasoning?: Reasoning
  /** Most output tokens, reasoning included. */
  maxOutputTokens?: number
  /** 0 to 2. */
  temperature?: number
  topP?: number
  topK?: number
  seed?: number
  /** -2 to 2. */
  frequencyPenalty?: number
  /** -2 to 2. */
  presencePenalty?: number
  stop?: readonly string[]
  /** How many answers are wanted; absent: one. */
  choices?: number
  logprobs?: { /** Alternatives for each token, 0 to 20. */ top: number }
  logitBias?: Readonly<Record<string, number>>
  /** In OpenAI's words: auto, default, flex, priority, scale. */
  serviceTier?: string
  user?: string
  metadata?: Readonly<Record<string, string>>
  /** OpenAI's hint on which calls share a prompt. */
  promptCacheKey?: string
  /** Anthropic's mark for the whole request: the longest prefix that can be cached is. */
  cache?: CacheMark
  /** Fields of the caller's dialect that have no word here. */
  extras: readonly Extra[]
}

export interface Extra {
  /** As the caller wrote it, with the path where it is nested: `web_search_options`, `generationConfig.mediaResolution`. */
  field: string
  value: unknown
  /** `meaning`: another answer without it. `hint`: the same answer, at another price or speed. */
  weight: 'meaning' | 'hint'
}

/**
 * Turns in order. A tool's result is a part of the user's turn, as Anthropic and Gemini have it; a dialect that gives
 * it a message of its own takes it apart, and puts neighbours together. `system` and `developer` may stand anywhere.
 */
export type Message =
  | { role: 'system' | 'developer'; parts: readonly (TextPart | OpaquePart)[]; name?: string }
  | { role: 'user'; parts: readonly UserPart[]; name?: string }
  | { role: 'assistant'; parts: readonly AnswerPart[]; name?: string }

export type UserPart = TextPart | ImagePart | FilePart | AudioPart | ToolResultPart | OpaquePart

/** What a model says. */
export type AnswerPart =
  | TextPart
  | ReasoningPart
  | ToolCallPart
  | RefusalPart
  | ImagePart
  | AudioPart
  | OpaquePart

export type Part = UserPart | AnswerPart

export interface TextPart {
  type: 'text'
  text: string
  cache?: CacheMark
  citations?: readonly Citation[]
  /** Gemini signs texts too. */
  signature?: Signature
}

export interface ImagePart {
  type: 'image'
  source: MediaSource
  detail?: 'auto' | 'low' | 'high' | 'original'
  cache?: CacheMark
  /** Gemini signs the images it makes. */
  signature?: Signature
}

/** A document: PDF, plain text, whatever else the provider reads. */
export interface FilePart {
  type: 'file'
  source: MediaSource
  filename?: string
  /** Anthropic's: told to the model, not cited. */
  context?: string
  /** Whether the answer shall cite from it. */
  cite?: boolean
  cache?: CacheMark
}

export interface AudioPart {
  type: 'audio'
  source: MediaSource
  /** Of an answer: what is said. */
  transcript?: string
}

export type MediaSource =
  | { kind: 'data'; mediaType: string; base64: string }
  | { kind: 'url'; url: string; mediaType?: string }
  /** Plain text given in place. */
  | { kind: 'text'; text: string; mediaType?: string }
  /** A file kept at a provider of that dialect. */
  | { kind: 'id'; id: string; dialect: Dialect }

export interface ToolCallPart {
  type: 'tool-call'
  /** The caller's and provider's own; made up, and stable, where the dialect has none. */
  id: string
  name: string
  /** JSON text, as the model wrote it; for a custom tool, any text. */
  arguments: string
  custom?: boolean
  signature?: Signature
  cache?: CacheMark
}

export interface ToolResultPart {
  type: 'tool-result'
  callId: string
  /** Of the tool, where the dialect says it; `linkToolResults` fills it in from the call. */
  name?: string
  parts: readonly (TextPart | ImagePart | FilePart | OpaquePart)[]
  isError?: boolean
  custom?: boolean
  cache?: CacheMark
}

/** A model's thinking: the text as far as it is shown, and the seal under which the provider takes it back. */
export interface ReasoningPart {
  type: 'reasoning'
  text: string
  signature?: Signature
}

/** Means something only to a provider of the dialect that made it; never sent to another. */
export interface Signature {
  dialect: Dialect
  /** `seal`: over a text that stands beside it. `sealed`: the thinking itself, unreadable. `reference`: its id there. */
  kind: 'seal' | 'sealed' | 'reference'
  value: string
}

export interface RefusalPart {
  type: 'refusal'
  text: string
}

/** What one dialect can say and no other: kept whole, in its place. */
export interface OpaquePart {
  type: 'opaque'
  dialect: Dialect
  value: unknown
}

export interface CacheMark {
  /** Absent: the provider's default of five minutes. */
  ttl?: '5m' | '1h'
}

/** Where a text comes from. */
export interface Citation {
  kind: 'url' | 'file'
  url?: string
  title?: string
  /** The words that are cited. */
  quote?: string
  fileId?: string
  filename?: string
  /** Which of the request's documents, from 0. */
  documentIndex?: number
  /** The part of the text that it stands for, in characters (UTF-16), where that is known. */
  start?: number
  end?: number
  /** As the provider said it, for a caller of the same dialect. */
  raw?: { dialect: Dialect; value: unknown }
}

export type Tool =
  | {
      type: 'function'
      name: string
      description?: string
      /** JSON Schema of the arguments, whole; absent: none are taken. */
      schema?: Readonly<Record<string, unknown>>
      strict?: boolean
      cache?: CacheMark
    }
  /** `format` as Responses have it: `{type: 'grammar', syntax, definition}`. */
  | { type: 'custom'; name: string; description?: string; format?: unknown }
  /** Run by the provider: web search, code, files. Only its own dialect knows what it is. */
  | { type: 'hosted'; dialect: Dialect; name: string; value: unknown }

export type ToolChoice =
  | { type: 'auto' | 'none' | 'required' }
  | { type: 'tool'; name: string }
  | { type: 'allowed'; mode: 'auto' | 'required'; names: readonly string[] }

export type OutputFormat =
  | { type: 'json' }
  | {
      type: 'json-schema'
      name?: string
      description?: string
      schema: Readonly<Record<string, unknown>>
      strict?: boolean
    }

export const efforts = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'] as const
export type Effort = (typeof efforts)[number]

export interface Reasoning {
  /** `none`: do not think. */
  effort?: Effort
  /** Tokens for thinking; Anthropic's and older Gemini's measure. */
  budgetTokens?: number
  /** The model decides for itself how much. */
  adaptive?: boolean
  /** Whether the thinking is shown, and how long: absent is the provider's default. */
  show?: 'none' | 'auto' | 'concise' | 'detailed'
}
