import type { ChatRequest } from './chat.ts'
import type { Decision } from './decision.ts'
import type { EmbeddingsRequest } from './embeddings.ts'
import type { Counts, Hold } from './hold.ts'
import type { Bill, Usage, UsageSource } from './usage.ts'

/** Wire formats that callers can speak; one module in `wire/` each. Providers speak them too. */
export type CallerDialect =
  | 'openai-chat'
  | 'openai-responses'
  | 'openai-input-tokens'
  | 'openai-embeddings'
  | 'anthropic-messages'
  | 'anthropic-count-tokens'
  | 'gemini'
  | 'gemini-count-tokens'
  | 'gemini-embeddings'

/** All wire formats: some only providers speak. */
export type Dialect = CallerDialect | 'bedrock-converse'

/** What a call is about, whatever dialect it is said in. */
export type Operation = 'chat' | 'embeddings' | 'count-tokens' | 'passthrough'

/** Wire formats that belong together: whoever speaks one of a family has the rest of its addresses too. */
export type Family = 'openai' | 'anthropic' | 'gemini'

export type CallClass = 'interactive' | 'batch'

/** Who is calling, as told by the credential alone. */
export interface Caller {
  organization: string
  project: string
  keyId: string
  keyName: string
  /** `admin` may use our own API; `key` may make calls. An admin may make calls too. */
  role: 'admin' | 'key'
  /** Model names or patterns (`openai/*`) the key may use; absent: all. */
  models?: readonly string[]
  /** May use what a provider serves beyond what is served here; an admin may in any case. */
  passthrough?: boolean
}

/** A request as its dialect understood it: the few fields we act on, and the body as it came. */
export interface Asked {
  operation: Operation
  dialect: CallerDialect
  /** The name the caller used: an alias or `provider/model`. Empty where a request that is passed through names none. */
  model: string
  stream: boolean
  /** Whether the caller asked for a usage report at the end of the stream. */
  wantsUsage: boolean
  /** The end user, by the dialect's own field. */
  user?: string
  /** The product's feature, by the dialect's own metadata. */
  feature?: string
  /** What the call is for, by the dialect's own metadata: as it came. */
  tags?: readonly string[]
  environment?: string
  /** The dialect's own wish for the slow and cheap lane. */
  batch?: boolean
  /** The service tier that it asks for, by the name that prices have it by; absent: it does not ask for any. */
  tier?: string
  /** Input tokens by a cheap count, used only where the provider does not say. */
  estimatedInputTokens: number
  /** No more input tokens than this can be billed, by a bound that costs nothing; 0 where counting is all that is asked. */
  inputBound: number
  /**
   * The same by what is in the request, closer and dearer; `model` is the target's own name, where it is known, by
   * which pictures are bounded. Never more than `inputBound`.
   */
  countInputBound(model?: string): number
  /** How much of an answer is asked for. Undefined where the operation gives no tokens: embeddings, counts. */
  output: AskedOutput | undefined
  /**
   * What makes the provider read more than stands in the request, and more than anyone can bound: `tools[0]
   * (web_search)`, by the caller's own names.
   */
  boundless: string | undefined
  /** The same request with that cap on the output tokens of a choice; its thinking is made to fit below. */
  withOutputCap(tokens: number): Asked
  /** As it came, for a dialect that repeats it in the answer. */
  incoming: IncomingRequest
  /**
   * The request for a provider of the same dialect: the caller's bytes with single values exchanged. `quirks` are
   * the vendor's ways by name.
   */
  renderFor(model: string, quirks: ReadonlySet<string>): Buffer
  /** What is asked, for a provider of another dialect; of a chat, or a count of its tokens. */
  toChat?(): Decision<ChatRequest>
  /** The same of embeddings. */
  toEmbeddings?(): Decision<EmbeddingsRequest>
  /** Present where the address is not served here, and the request goes to a provider as it is. */
  passthrough?: Passthrough
  /** Present where the dialect keeps conversations. */
  conversation?: Conversation
}

/** How much of an answer is asked for, in tokens. */
export interface AskedOutput {
  /** Most of one choice, thinking included; undefined where the caller sets no bound, or none that counts as one. */
  cap: number | undefined
  choices: number
  /** Of the cap, how much is for thinking; undefined where the caller does not say. */
  thinking: number | undefined
}

/** A request to an address that is not served here. */
export interface Passthrough {
  family: Family
  method: string
  /** As it came, without its query: `/v1/images/generations`. */
  path: string
  /** As it came, without credentials; empty where there is none. */
  query: string
  /** The provider that the caller named. */
  provider: string | undefined
}

/** What it takes to go on with a conversation that is kept, and to keep this answer of it. */
export interface Conversation {
  /** The response that this request goes on from. */
  previous: string | undefined
  /** Whether the answer is to be kept. */
  store: boolean
  /** This request's own input as items (a text becomes a message), each with an id; `hex` makes those that lack one. */
  inputItems(hex: string): unknown[]
  /** The same request with earlier items (inputs and outputs, oldest first) before its own, going on from nothing. */
  after(history: readonly unknown[]): Asked
  /** Watches the bytes that go to the caller. */
  watch(): AnswerWatch
}

export interface AnswerWatch {
  hear(bytes: Buffer): void
  /** The answer once it stands whole, by the stream's last event or as one body; else undefined. */
  answer(): Record<string, unknown> | undefined
}

/** A request as it reached us. */
export interface IncomingRequest {
  body: Buffer
  /** What the `*` at the end of a route stands for, decoded; empty where there is none. */
  rest: string
  query: Readonly<Record<string, string | undefined>>
}

/** One request to us. */
export interface Call {
  /** `call_` and 32 hex digits; sorts by time. */
  id: string
  /** `req_` and the same digits. */
  requestId: string
  startedAtMs: number
  dialect: CallerDialect
  caller: Caller
  asked: Decision<Asked>
  /** As it came. */
  body: Buffer
  user: string | undefined
  feature: string | undefined
  /** At most 8, each once, of at most 64 plain characters. */
  tags: readonly string[]
  /** At most 64 plain characters. */
  environment: string | undefined
  /** Tags and environments that were given and are not kept: too many, too long or not plain. */
  attributionDropped: number
  class: CallClass
  /** The caller's own word on what to do with what a provider cannot take. */
  unsupported: Unsupported | undefined
  /** How long the caller itself waits, from `startedAtMs`: for the whole answer, or for a stream to begin. */
  patienceMs: number | undefined
  /** The caller's headers; a provider's record says which of them it is shown. */
  headers: Readonly<Record<string, string | string[] | undefined>>
}

/** A place a call can go: `provider/model`. */
export interface Target {
  provider: string
  model: string
}

/** What to do with what a provider cannot take; absent: refuse what changes the meaning, drop what is a hint. */
export type Unsupported = 'error' | 'drop'

/** A target of a plan, with what the plan says of it. */
export interface PlannedTarget extends Target {
  /** It takes no longer input than this. Absent: unknown. */
  contextTokens?: number | undefined
  /** Not what was asked for, but better than nothing: the caller is told. */
  degraded?: 'fallback' | 'degrade' | undefined
}

/** Where a call may go, in order of preference, and how long it may take. */
export interface Plan {
  targets: readonly PlannedTarget[]
  timeouts: Timeouts
  /** Most further attempts once every target has been tried. */
  retries: number
  /** What a provider's filter stopped may be asked of the next target. */
  failOverBlocked?: boolean | undefined
  /** Asks the next target too when a stream takes unusually long to begin. */
  hedge?: { afterMs: number | undefined; share: number } | undefined
  /** What a caller is told to wait when no target could serve it, where nobody knows better. */
  tryAgainMs?: number | undefined
  /** The owner's word; a caller's comes first. */
  unsupported?: Unsupported | undefined
}

/** Time limits in milliseconds. */
export interface Timeouts {
  /** Until the provider's socket is open and the request is being written. */
  connectMs: number
  /** Streams: from there to the first content. */
  firstTokenMs: number
  /** Streams: between two pieces. */
  idleMs: number
  /** The whole call. */
  totalMs: number
}

/**
 * How an attempt fails, as far as it decides what is done about it; the letters are those of docs/failures.md.
 * `providers/decide.ts` has the table.
 */
export type FailureClass =
  | 'not_sent' // A
  | 'rate_limited' // B
  | 'overloaded' // B
  | 'account' // C
  | 'forbidden' // C, of this target alone
  | 'bad_request' // D
  | 'not_served' // D, of this target alone
  | 'context_too_long' // E
  | 'content_blocked' // F
  | 'outcome_unknown' // G
  | 'broken_before_content' // H
  | 'broken_after_content' // I
  | 'malformed' // J

/** Why a target was passed over. */
export type SkipReason =
  | 'breaker_open'
  | 'credential_refused'
  | 'rate_limited'
  | 'busy'
  | 'context_too_small'
  | 'over_budget'

/** `refused`: by us, before any provider was asked. `unknown`: the process that made it died. */
export type CallStatus = 'running' | 'succeeded' | 'failed' | 'cancelled' | 'refused' | 'unknown'

export type AttemptStatus = 'running' | 'succeeded' | 'failed' | 'cancelled' | 'unknown'

/** Why an attempt is made beside the first: another target has failed, this one is tried again, or one is slow to begin. */
export type AttemptReason = 'fail_over' | 'retry' | 'hedge'

/** One request to a provider, as it goes on record. */
export interface Attempt {
  n: number
  target: Target
  /** Absent: it is the first. */
  reason?: AttemptReason
  startedAtMs: number
  endedAtMs?: number
  status: AttemptStatus
  httpStatus?: number
  code?: string
  /** What its failure means for what can be done about it. */
  failure?: FailureClass
  /** It was asked beside another one that began its answer sooner, and was given up. */
  lostRace?: boolean
  /** The provider's own request id, to quote in a ticket. */
  providerRequestId?: string
  firstTokenMs?: number
  /** Events and parts of its stream that nobody here knows: they were passed over. */
  skippedEvents?: number
  usage?: Usage
  usageSource?: UsageSource
  /** What the provider says of its charge beside that. */
  bill?: Bill
  costPicoUsd?: bigint
  /** What the same tokens would have cost more without the provider's prompt cache; absent: nothing was cached. */
  cacheSavedPicoUsd?: bigint
  /** Its stream was cut while its reader was behind: more of it was made than was seen. */
  behind?: boolean
  /** What was held for it, where anything limits the call; and what budgets count of it, once it is over. */
  hold?: Hold
  counts?: Counts
  /** `provider/model@date` of the price used, or `unpriced`. */
  price?: string
}

/** `provider/model`; the provider alone where no model was named. */
export function targetName(target: Target): string {
  return target.model === '' ? target.provider : `${target.provider}/${target.model}`
}

/** The family of a dialect; undefined for a dialect that stands alone. */
export function familyOf(dialect: Dialect): Family | undefined {
  return (['openai', 'anthropic', 'gemini'] as const).find(
    family => dialect === family || dialect.startsWith(`${family}-`),
  )
}
