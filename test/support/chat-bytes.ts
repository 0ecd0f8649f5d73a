/** Chat Completions as a provider writes them, for upstreams whose bytes matter. */

export interface Chunk {
  choices: unknown[]
  usage?: unknown
}

const frame = { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1_773_446_400, model: 'm' }

export const usage = { prompt_tokens: 11, completion_tokens: 3, total_tokens: 14 }

/** One server-sent event. */
export const event = (chunk: Chunk): string => `data: ${JSON.stringify({ ...frame, ...chunk })}\n\n`

export const roleEvent = event({
  choices: [{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null }],
})
export const textEvent = (content: string): string =>
  event({ choices: [{ index: 0, delta: { content }, finish_reason: null }] })
export const finishEvent = event({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] })
export const usageEvent = event({ choices: [], usage })
export const doneEvent = 'data: [DONE]\n\n'

/** A whole answer, with the white space and the spellings of nobody's JSON printer. */
export const wholeAnswer = `{ "id":"chatcmpl-1","object" : "chat.completion","created":1.773446400e9,"model":"m",
  "choices":[{"index":0,"message":{"role":"assistant","content":"caf\\u00e9 \\ud83c\\udf0a"},"finish_reason":"stop"}],
  "usage":${JSON.stringify(usage)},"x_big":12345678901234567890,"x_one":1.0,"x_dup":1,"x_dup":2 }\n`

/** An error of a provider, in OpenAI's shape. */
export const errorBody = (error: Record<string, unknown>): string =>
  `${JSON.stringify({ error: { message: 'the words of the provider', type: 't', param: null, code: null, ...error } }, null, 2)}\n`

export const streamHead = {
  'content-type': 'text/event-stream; charset=utf-8',
  'x-request-id': 'req_upstream_1',
}
