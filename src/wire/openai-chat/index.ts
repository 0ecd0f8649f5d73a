import type { ChatDialect } from '../dialect.ts'
import { readOpenAiError, renderOpenAiError, renderOpenAiErrorEvent } from '../openai/error.ts'
import { chatFields } from './fields.ts'
import { parseChatRequest } from './parse-request.ts'
import { readChatAnswer, readChatFacts } from './read-answer.ts'
import { ChatReader } from './reader.ts'
import { renderChatAnswer } from './render-answer.ts'
import { renderChatRequest } from './render-request.ts'
import { mendAnswer } from './repairs.ts'
import { chatTakes } from './takes.ts'
import { ChatStreamTap } from './tap.ts'
import { ChatWriter } from './writer.ts'

/** OpenAI Chat Completions (openai-openapi, `/chat/completions`), which most vendors speak. */
export const openAiChat: ChatDialect = {
  operation: 'chat',
  routes: ['/v1/chat/completions'],
  path: () => '/chat/completions',
  parseRequest: parseChatRequest,
  readFacts: readChatFacts,
  passOn: body => mendAnswer(body) ?? body,
  createStreamTap: options => new ChatStreamTap(options),
  readError: readOpenAiError,
  renderError: renderOpenAiError,
  renderErrorEvent: renderOpenAiErrorEvent,
  fields: chatFields,
  takes: chatTakes,
  renderRequest: renderChatRequest,
  readAnswer: readChatAnswer,
  createReader: options => new ChatReader(options),
  renderAnswer: renderChatAnswer,
  createWriter: context => new ChatWriter(context),
}
