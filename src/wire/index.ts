export type { FieldChanges } from './change-fields.ts'
export { changeFields, fieldBytes } from './change-fields.ts'
export type { DialectFates, FieldFate } from './describe.ts'
export { describeTranslation } from './describe.ts'
export type {
  AnswerContext,
  DialectModule,
  Quirk,
  StreamFacts,
  StreamTap,
} from './dialect.ts'
export { estimateOutputTokens } from './dialect.ts'
export { dialects, providerDialects } from './dialects.ts'
export type { Heartbeat, Tail } from './heartbeat.ts'
export { heartbeatOf, tailAfter } from './heartbeat.ts'
export { limitHeader, limitHeaders } from './limit-headers.ts'
export type { Passage, PassageOptions } from './passage.ts'
export { openPassage } from './passage.ts'
export { parsePassthrough } from './passthrough/index.ts'
export { quirks } from './quirks.ts'
export type { ThoughtMemory, Thoughts } from './thoughts.ts'
