import { type Fault, faults, type ProviderError } from '#exchange'

/** An error in the OpenAI shape: all four keys are always there (openai-openapi, `Error`). */
export function renderOpenAiError(fault: Fault): { error: Record<string, string | null> } {
  return {
    error: {
      message: fault.message,
      type: faults[fault.code].type,
      param: fault.detail.param ?? null,
      code: fault.code,
    },
  }
}

/**
 * An error in the middle of a stream. Both official SDKs throw on an event whose data has a truthy `error`; the
 * end mark follows so that clients which wait for it do not hang.
 */
export function renderOpenAiErrorEvent(fault: Fault): Buffer {
  return Buffer.from(`data: ${JSON.stringify(renderOpenAiError(fault))}\n\ndata: [DONE]\n\n`)
}

/**
 * Reads `{error: {code, type, …}}`; also the same without its frame (Mistral, vLLM), the bare `error` string and the
 * number codes that some providers send. Where Azure has no type, the code of its `innererror` stands in for it; where
 * OpenRouter's has the moderated input among its `metadata`, the name of that.
 */
export function readOpenAiError(body: unknown): ProviderError | undefined {
  if (typeof body !== 'object' || body === null) return undefined
  if ('object' in body && body.object === 'error') return readOpenAiError({ error: { ...body } })
  if (!('error' in body) || !body.error) return undefined
  const error: object = typeof body.error === 'object' ? body.error : {}
  const message = typeof body.error === 'string' ? body.error : wordOf(error, 'message')
  const type = wordOf(error, 'type') ?? wordOf(Reflect.get(error, 'innererror'), 'code') ?? moderation(error)
  return { code: wordOf(error, 'code'), type, param: wordOf(error, 'param'), message }
}

function wordOf(object: unknown, name: string): string | undefined {
  const value: unknown = typeof object === 'object' && object !== null ? Reflect.get(object, name) : undefined
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined
}

/** https://openrouter.ai/docs/api/reference/errors-and-debugging, moderation errors. */
function moderation(error: object): string | undefined {
  const metadata: unknown = Reflect.get(error, 'metadata')
  return wordOf(metadata, 'flagged_input') === undefined ? undefined : 'flagged_input'
}
