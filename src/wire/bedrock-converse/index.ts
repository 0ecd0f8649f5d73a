import type { ChatProvider } from '../dialect.ts'
import { readConverseError } from './error.ts'
import { readConverseAnswer } from './read-answer.ts'
import { ConverseReader } from './reader.ts'
import { renderConverseRequest } from './render-request.ts'
import { converseTakes } from './takes.ts'

/** Amazon Bedrock's Converse (API reference, `Converse` and `ConverseStream`), which providers speak and no caller. */
export const bedrockConverse: ChatProvider = {
  operation: 'chat',
  // A model may be named by an ARN, with slashes and colons in it.
  path: ({ model, stream }) => `/model/${encodeURIComponent(model)}/converse${stream ? '-stream' : ''}`,
  providerStreamType: 'application/vnd.amazon.eventstream',
  readError: readConverseError,
  takes: converseTakes,
  renderRequest: renderConverseRequest,
  readAnswer: readConverseAnswer,
  createReader: () => new ConverseReader(),
}
