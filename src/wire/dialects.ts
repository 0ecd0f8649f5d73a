import type { Dialect } from '#exchange'
import { anthropicCountTokens, anthropicMessages } from './anthropic-messages/index.ts'
import type { DialectModule } from './dialect.ts'
import { openAiChat } from './openai-chat/index.ts'
import { openAiEmbeddings } from './openai-embeddings/index.ts'

/** Every wire format, by name. A new one is a folder, its name in `Dialect`, and a line here. */
export const dialects = {
  'anthropic-messages': anthropicMessages,
  'anthropic-count-tokens': anthropicCountTokens,
  'openai-chat': openAiChat,
  'openai-embeddings': openAiEmbeddings,
} as unknown as Readonly<Record<Dialect, DialectModule>>
