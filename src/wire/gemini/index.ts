import type { ChatDialect } from '../dialect.ts'
import { modelPath, modelRoutes, servesMethods } from './address.ts'
import { readGeminiError, renderGeminiError, renderGeminiErrorEvent } from './error.ts'
import { geminiFields } from './fields.ts'
import { parseGeminiRequest } from './parse-request.ts'
import { readGeminiAnswer, readGeminiFacts } from './read-answer.ts'
import { GeminiReader } from './reader.ts'
import { renderGeminiAnswer } from './render-answer.ts'
import { renderGeminiRequest } from './render-request.ts'
import { wantsEvents } from './stream-form.ts'
import { geminiTakes } from './takes.ts'
import { GeminiStreamTap } from './tap.ts'
import { GeminiWriter } from './writer.ts'

export { geminiCountTokens } from './count-tokens.ts'

/** Google's `generateContent` (ai.google.dev/api/generate-content), of the Gemini API and of Vertex AI. */
export const gemini: ChatDialect = {
  operation: 'chat',
  routes: modelRoutes,
  serves: servesMethods('generateContent', 'streamGenerateContent'),
  path: ({ model, stream }) => modelPath(model, stream ? 'streamGenerateContent?alt=sse' : 'generateContent'),
  streamContentType: request => (wantsEvents(request) ? 'text/event-stream' : 'application/json'),
  parseRequest: parseGeminiRequest,
  readFacts: readGeminiFacts,
  createStreamTap: options => new GeminiStreamTap(options),
  readError: readGeminiError,
  renderError: renderGeminiError,
  renderErrorEvent: renderGeminiErrorEvent,
  fields: geminiFields,
  takes: geminiTakes,
  renderRequest: renderGeminiRequest,
  readAnswer: readGeminiAnswer,
  createReader: options => new GeminiReader(options),
  renderAnswer: renderGeminiAnswer,
  createWriter: context => new GeminiWriter(context),
}
