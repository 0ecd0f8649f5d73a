import type { ChatDialect } from '../dialect.ts'
import { readMessagesError, renderMessagesError, renderMessagesErrorEvent } from './error.ts'
import { messagesFields } from './fields.ts'
import { parseMessagesRequest } from './parse-request.ts'
import { readMessagesAnswer, readMessagesFacts } from './read-answer.ts'
import { MessagesReader } from './reader.ts'
import { renderMessagesAnswer } from './render-answer.ts'
import { renderMessagesRequest } from './render-request.ts'
import { messagesTakes } from './takes.ts'
import { MessagesStreamTap } from './tap.ts'
import { MessagesWriter } from './writer.ts'

export { anthropicCountTokens } from './count-tokens.ts'

/**
 * Anthropic Messages (API reference, `/v1/messages`), of callers in both versions of the API: 2023-06-01, and
 * 2026-10-21, which lets `system` stand among the messages and knows no sampling parameters.
 */
export const anthropicMessages: ChatDialect = {
  operation: 'chat',
  routes: ['/v1/messages'],
  path: () => '/messages',
  headers: { 'anthropic-version': '2023-06-01' },
  parseRequest: parseMessagesRequest,
  readFacts: readMessagesFacts,
  createStreamTap: () => new MessagesStreamTap(),
  readError: readMessagesError,
  renderError: renderMessagesError,
  renderErrorEvent: renderMessagesErrorEvent,
  fields: messagesFields,
  takes: messagesTakes,
  renderRequest: renderMessagesRequest,
  readAnswer: readMessagesAnswer,
  createReader: () => new MessagesReader(),
  renderAnswer: renderMessagesAnswer,
  createWriter: context => new MessagesWriter(context),
}
