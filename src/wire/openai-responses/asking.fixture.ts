import assert from 'node:assert/strict'
import { type Asked, accept, type ChatRequest, type Decision, type Refusal } from '#exchange'
import { openAiResponses } from './index.ts'

export type Json = Record<string, unknown>

/** A provider's model that does not think. */
export const target = { model: 'gpt-4.1', stream: false, quirks: new Set<never>() }

export function parse(
  request: Json | string,
  module = openAiResponses as { parseRequest: typeof openAiResponses.parseRequest },
): Decision<Asked> {
  const body = Buffer.from(typeof request === 'string' ? request : JSON.stringify(request))
  return module.parseRequest({ body, rest: '', query: {} })
}

export function chatOf(request: Json): ChatRequest {
  const asked = accept(parse({ model: 'smart', ...request }))
  return accept(asked.toChat?.() ?? assert.fail('cannot be read'))
}

export function refusalOf(request: Json): Refusal {
  const asked = parse({ model: 'smart', input: 'Hi', ...request })
  const said = asked.ok ? (asked.value.toChat?.() ?? assert.fail('cannot be read')) : asked
  return said.ok ? assert.fail('was taken') : said
}

export function itemsSent(asked: Asked): unknown {
  return (JSON.parse(asked.renderFor('gpt', new Set()).toString()) as Json).input
}
