import { type Fault, faults } from '#exchange'

/**
 * An error inside a stream, in both forms at once: nested as OpenAI sends it and Open Responses has it, flat as
 * OpenAI's own description says (openai-openapi, `ResponseErrorEvent`). Both official SDKs throw on it.
 */
export function renderErrorFields(fault: Fault): Record<string, unknown> {
  const { code, message } = fault
  const param = fault.detail.param ?? null
  return { code, message, param, error: { type: faults[code].type, code, message, param } }
}

/** Without its number, which only the writer of the stream knows; a wrong one would mislead who resumes by it. */
export function renderErrorEvent(fault: Fault): Buffer {
  const json = JSON.stringify({ type: 'error', ...renderErrorFields(fault) })
  return Buffer.from(`event: error\ndata: ${json}\n\ndata: [DONE]\n\n`)
}
