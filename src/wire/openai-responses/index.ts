import type { ChatDialect, CountDialect } from '../dialect.ts'
import { readOpenAiError, renderOpenAiError, renderOpenAiErrorEvent } from '../openai/error.ts'
import { continueAnswer } from './continued.ts'
import { renderErrorEvent } from './error-event.ts'
import { responsesFields } from './fields.ts'
import { readInputTokens, readInputTokensFacts, renderInputTokens } from './input-tokens.ts'
import { parseCountRequest, parseResponsesRequest } from './parse-request.ts'
import { readResponse, readResponsesFacts } from './read-answer.ts'
import { ResponsesReader } from './reader.ts'
import { renderPrompt, renderResponsesRequest } from './render-request.ts'
import { responsesTakes } from './takes.ts'
import { ResponsesStreamTap } from './tap.ts'
import { ResponsesWriter, renderResponse } from './writer.ts'

/** OpenAI Responses (openai-openapi, `/responses`; openresponses.org), without its stored side. */
export const openAiResponses: ChatDialect = {
  operation: 'chat',
  routes: ['/v1/responses'],
  path: () => '/responses',
  parseRequest: parseResponsesRequest,
  readFacts: readResponsesFacts,
  createStreamTap: options => new ResponsesStreamTap(options),
  passOn: continueAnswer,
  readError: readOpenAiError,
  renderError: renderOpenAiError,
  renderErrorEvent,
  fields: responsesFields,
  takes: responsesTakes,
  renderRequest: renderResponsesRequest,
  readAnswer: readResponse,
  createReader: () => new ResponsesReader(),
  renderAnswer: renderResponse,
  createWriter: context => new ResponsesWriter(context),
}

/** Counts the input tokens of a response that is not made (openai-openapi, `/responses/input_tokens`). */
export const openAiInputTokens: CountDialect = {
  operation: 'count-tokens',
  routes: ['/v1/responses/input_tokens'],
  path: () => '/responses/input_tokens',
  parseRequest: parseCountRequest,
  readFacts: readInputTokensFacts,
  readError: readOpenAiError,
  renderError: renderOpenAiError,
  renderErrorEvent: renderOpenAiErrorEvent,
  renderRequest: renderPrompt,
  readAnswer: readInputTokens,
  renderAnswer: renderInputTokens,
}
