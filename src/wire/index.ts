export type { FieldChanges } from './change-fields.ts'
export { changeFields, fieldBytes } from './change-fields.ts'
export type {
  AnswerContext,
  DialectModule,
  PathAsk,
  Quirk,
  StreamFacts,
  StreamTap,
} from './dialect.ts'
export { estimateOutputTokens } from './dialect.ts'
export { dialects } from './dialects.ts'
export type { Passage, PassageOptions } from './passage.ts'
export { openPassage } from './passage.ts'
export type { Unsupported } from './policy.ts'
