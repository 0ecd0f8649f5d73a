import type { Dialect } from '#exchange'
import type { DialectModule } from './dialect.ts'
import { openAiChat } from './openai-chat.ts'
import { openAiEmbeddings } from './openai-embeddings.ts'

export type { DialectModule, ProviderError, StreamFacts, StreamTap } from './dialect.ts'
export { estimateOutputTokens } from './dialect.ts'
export { renderOpenAiError } from './openai-error.ts'

export const dialects: Readonly<Record<Dialect, DialectModule>> = {
  'openai-chat': openAiChat,
  'openai-embeddings': openAiEmbeddings,
}
