import type {
  Asked,
  Bill,
  ChatAnswer,
  ChatEvent,
  ChatRequest,
  Decision,
  EmbeddingsAnswer,
  EmbeddingsRequest,
  Fault,
  IncomingRequest,
  ProviderError,
  Usage,
} from '#exchange'
import type { FeatureName, Taking } from './features.ts'

/**
 * A wire format, used at both edges: what a caller says and hears, what a provider is told and answers. Between two
 * of the same, bytes are relayed and only read in passing; between two that differ, everything goes through the
 * nouns of `exchange` (`ChatRequest`, `ChatAnswer`, `ChatEvent`).
 */
export type DialectModule = ChatDialect | EmbeddingsDialect | CountDialect

/** What it takes to ask a provider of a dialect. */
interface ProviderHalf {
  /** Under a provider's base URL; a vendor may have its own. */
  path(ask: PathAsk): string
  /** Headers that a request of this dialect carries beside its credential. */
  headers?: Readonly<Record<string, string>>
  /** What of a provider's error can be relied on; undefined when the body is not an error of this dialect. */
  readError(body: unknown): ProviderError | undefined
}

/** What it takes to answer a caller of a dialect. */
interface CallerHalf {
  /** Where callers reach it, all by POST; a `*` at the end takes the rest of the path. */
  routes: readonly string[]
  /** Of modules that share a route: whether the rest of the path, decoded, is this one's. Absent: all of it is. */
  serves?(rest: string): boolean
  parseRequest(request: IncomingRequest): Decision<Asked>
  /** What a whole answer says of itself; undefined when the body is not an answer of this dialect. */
  readFacts(body: Buffer): AnswerFacts | undefined
  /** A relayed whole answer as its caller must see it; absent: as it is. */
  passOn?(body: Buffer, request: IncomingRequest): Buffer
  /** The JSON body of an error answer. */
  renderError(fault: Fault, requestId: string): unknown
  /** What ends a stream that has begun and cannot be finished; `request` for a dialect whose streams differ by it. */
  renderErrorEvent(fault: Fault, requestId: string, request?: IncomingRequest): Buffer
}

interface AnyDialect extends ProviderHalf, CallerHalf {}

export interface PathAsk {
  model: string
  stream: boolean
  /** The caller's own request, where it goes through as it is: its dialect may have several methods. */
  relayed?: IncomingRequest
}

export interface ChatProvider extends ProviderHalf {
  operation: 'chat'
  /** Content type of a provider's streams, and what it is asked to accept; absent: `text/event-stream`. */
  providerStreamType?: string
  /** What a provider of this dialect can be told. */
  takes: Readonly<Record<FeatureName, Taking>>
  /** The body for a provider. It is only given what `takes` allows. */
  renderRequest(request: ChatRequest, target: RenderTarget): Record<string, unknown>
  /** Unknown parts are kept as opaque ones. */
  readAnswer(json: Record<string, unknown>, options: ReaderOptions): ChatAnswer | undefined
  createReader(options: ReaderOptions): EventReader
}

interface ChatCaller extends CallerHalf {
  /** Of the stream that a caller is given; absent: `text/event-stream`. */
  streamContentType?(request: IncomingRequest): string
  /** Reads a relayed stream in passing. */
  createStreamTap(options: StreamTapOptions): StreamTap
  /** Every field that a request of this dialect can have, for the table in the docs and for the refusal of others. */
  fields: readonly FieldRecord[]
  renderAnswer(answer: ChatAnswer, context: AnswerContext): unknown
  createWriter(context: AnswerContext): EventWriter
}

export interface ChatDialect extends ChatProvider, ChatCaller {}

export interface EmbeddingsDialect extends AnyDialect {
  operation: 'embeddings'
  /** What a provider of this dialect cannot be told; all of it hints. */
  lacks?: readonly ('taskType' | 'title' | 'user')[]
  renderRequest(request: EmbeddingsRequest, target: RenderTarget): Decision<Record<string, unknown>>
  readAnswer(json: Record<string, unknown>): EmbeddingsAnswer | undefined
  renderAnswer(answer: EmbeddingsAnswer, context: AnswerContext): unknown
}

/** Counts the tokens of a request that is not made. */
export interface CountDialect extends AnyDialect {
  operation: 'count-tokens'
  /** The dialect whose requests it counts. */
  renderRequest(request: ChatRequest, target: RenderTarget): Record<string, unknown>
  readAnswer(json: Record<string, unknown>): number | undefined
  renderAnswer(inputTokens: number): unknown
}

/** Where a request goes: the model's name there, and what its vendor does in its own way. */
export interface RenderTarget {
  model: string
  stream: boolean
  quirks: ReadonlySet<Quirk>
}

/** Ways of single vendors, by name. What each does stands in `quirks.ts`, with the answer that needs it. */
export type Quirk = keyof typeof import('./quirks.ts').quirks

/** What it takes to write an answer in the caller's dialect. */
export interface AnswerContext {
  /** 32 hex digits that ids are made of. */
  hex: string
  createdAtMs: number
  /** The provider's name of the model, where its answer does not say another. */
  model: string
  /** Input tokens by a cheap count, for a dialect that reports them before they are known. */
  estimatedInputTokens: number
  /** Whether the caller asked for a usage report at the end of the stream. */
  showUsage: boolean
  /** The caller's own request, which some dialects repeat in the answer. */
  request: IncomingRequest
}

export interface ReaderOptions {
  /** 32 hex digits, to make ids of where the provider gives none. */
  hex: string
  /** The provider's; absent: none. */
  quirks?: ReadonlySet<Quirk>
}

/** Reads a provider's stream. The same events come out wherever the bytes are split. */
export interface EventReader {
  /** Never throws: what is no event of this dialect comes as `malformed`. Unknown events and parts are passed over. */
  push(chunk: Buffer): ChatEvent[]
  /** The provider has closed the stream; an event that lacks only its last line end still counts. */
  finish(): ChatEvent[]
  /** Events and parts that were passed over because nothing is known of them. */
  readonly skipped: number
  /** The usage that was told last is final, though the end has not come. Absent: it never is before. */
  readonly counted?: boolean
}

/** Writes a stream for a caller. An event may give no bytes. */
export interface EventWriter {
  write(event: ChatEvent): string
  /** Ends a stream that cannot be finished, where the dialect says then how far it came; else `renderErrorEvent` does. */
  fail?(fault: Fault): string
}

/** A field of a dialect's request: what it is called there, and what it means to others. */
export interface FieldRecord {
  /** With its path where it is nested: `thinking.budget_tokens`, `messages[].content[].cache_control`. */
  field: string
  /**
   * The feature it asks for; `plain` is carried to every dialect as it is; `meaning` and `hint` have no word in
   * `ChatRequest` and stand in its `extras`.
   */
  feature: FeatureName | 'plain' | 'meaning' | 'hint'
}

export interface AnswerFacts {
  usage: Usage | undefined
  bill?: Bill | undefined
  model: string | undefined
  /** The provider failed, and says so inside of an answer. */
  failed?: ProviderError | undefined
  /** It is of the right form, and has nothing in it: not even why. */
  isEmpty?: boolean
}

export interface StreamTapOptions {
  showUsage: boolean
  /** The provider's; absent: none. */
  quirks?: ReadonlySet<Quirk>
  /** The caller's own request, for a dialect whose streams differ by it. */
  request?: IncomingRequest
}

/**
 * Reads a stream in passing. `push` gives the bytes that go on to the caller: whole events, without the usage report
 * where the caller did not ask for it. Throws a `RangeError` on an event that is too large.
 */
export interface StreamTap {
  readonly facts: StreamFacts
  push(chunk: Buffer): Buffer
  /** The provider has closed the stream: an event that lacks only its empty line still counts. */
  finish(): Buffer
  /** How the stream ends for its caller when it cannot be finished; absent: as the dialect ends any. */
  fail?(fault: Fault): Buffer | undefined
}

/** What a stream has shown so far. */
export interface StreamFacts {
  /** The counts so far, as the provider told them. */
  usage: Usage | undefined
  /** What the provider says of its charge beside them. */
  bill: Bill | undefined
  /** They are final, though the end mark may not have come. */
  counted: boolean
  /** Pieces of content, and their characters. */
  pieces: number
  characters: number
  /** Events that say something, content or not; what only keeps a connection alive is none: a ping, a piece of nothing. */
  progress: number
  /** Events and parts that were passed over because nothing is known of them; a relay passes them on. */
  skipped: number
  /** The dialect's end mark has come. */
  ended: boolean
  error: ProviderError | undefined
  /** An event that is not of the format has come: what stood before it counts, nothing after it does. */
  malformed: unknown
}

/** An error of which nothing can be read but that it is one. */
export const noWords: ProviderError = {
  code: undefined,
  type: undefined,
  param: undefined,
  message: undefined,
}

export function emptyFacts(): StreamFacts {
  return {
    usage: undefined,
    bill: undefined,
    counted: false,
    pieces: 0,
    characters: 0,
    progress: 0,
    skipped: 0,
    ended: false,
    error: undefined,
    malformed: undefined,
  }
}

/**
 * Output tokens of a stream whose provider never said: one for each piece, as providers send them, unless the
 * pieces are long; then a token for every four characters.
 */
export function estimateOutputTokens({ pieces, characters }: StreamFacts): number {
  return characters <= pieces * 12 ? pieces : Math.ceil(characters / 4)
}
