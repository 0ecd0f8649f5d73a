import type { CallerDialect, Dialect } from '#exchange'
import { anthropicCountTokens, anthropicMessages } from './anthropic-messages/index.ts'
import { bedrockConverse } from './bedrock-converse/index.ts'
import type { ChatProvider, DialectModule } from './dialect.ts'
import { gemini, geminiCountTokens } from './gemini/index.ts'
import { geminiEmbeddings } from './gemini-embeddings/index.ts'
import { openAiChat } from './openai-chat/index.ts'
import { openAiEmbeddings } from './openai-embeddings/index.ts'
import { openAiInputTokens, openAiResponses } from './openai-responses/index.ts'

/** Every wire format that callers speak, by name. A new one is a folder, its name in `CallerDialect`, and a line here. */
export const dialects = {
  'anthropic-messages': anthropicMessages,
  'anthropic-count-tokens': anthropicCountTokens,
  gemini,
  'gemini-count-tokens': geminiCountTokens,
  'gemini-embeddings': geminiEmbeddings,
  'openai-chat': openAiChat,
  'openai-embeddings': openAiEmbeddings,
  'openai-input-tokens': openAiInputTokens,
  'openai-responses': openAiResponses,
} as unknown as Readonly<Record<CallerDialect, DialectModule>>

/** Every wire format that providers speak. */
export const providerDialects = {
  ...dialects,
  'bedrock-converse': bedrockConverse,
} as unknown as Readonly<Record<Dialect, DialectModule | ChatProvider>>
