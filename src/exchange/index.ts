export type { Answer, AnswerSink, AnswerStream, StreamAnswer, WholeAnswer } from './answer.ts'
export { assert } from './assert.ts'
export type {
  AnswerWatch,
  Asked,
  AskedOutput,
  Attempt,
  AttemptReason,
  AttemptStatus,
  Call,
  CallClass,
  Caller,
  CallerDialect,
  CallStatus,
  Conversation,
  Dialect,
  FailureClass,
  Family,
  IncomingRequest,
  Operation,
  Passthrough,
  Plan,
  PlannedTarget,
  SkipReason,
  Target,
  Timeouts,
  Unsupported,
} from './call.ts'
export { familyOf, targetName } from './call.ts'
export type {
  AnswerPart,
  AudioPart,
  CacheMark,
  ChatRequest,
  Citation,
  Effort,
  Extra,
  FilePart,
  ImagePart,
  MediaSource,
  Message,
  OpaquePart,
  OutputFormat,
  Part,
  Reasoning,
  ReasoningPart,
  RefusalPart,
  Signature,
  TextPart,
  Tool,
  ToolCallPart,
  ToolChoice,
  ToolResultPart,
  UserPart,
} from './chat.ts'
export { efforts } from './chat.ts'
export type {
  ChatAnswer,
  ChatEvent,
  Choice,
  Finish,
  PartStart,
  ProviderError,
  TokenLogprob,
} from './chat-answer.ts'
export type { Decision, Refusal } from './decision.ts'
export { accept, allow, refuse } from './decision.ts'
export type { EmbeddingsAnswer, EmbeddingsRequest } from './embeddings.ts'
export type { FaultCode, FaultDetail } from './fault.ts'
export { Fault, faults, toFault } from './fault.ts'
export type { Counts, Cover, Hold } from './hold.ts'
export type { LimitStanding } from './limit-standing.ts'
export { ownProject } from './own-project.ts'
export type { Requirement, Route, RouteInput } from './route.ts'
export { StreamedAnswer } from './route.ts'
export type { RuleDimension, RuleSubject } from './rule-subject.ts'
export { boundedName } from './rule-subject.ts'
export type { Presence, Trip } from './trip.ts'
export type { Bill, UnitKind, Usage, UsageKind, UsageSource } from './usage.ts'
export { totalInput, totalOutput, unitKinds, usageKinds } from './usage.ts'
export { formatUsd, parseUsd } from './usd.ts'
