import type { Finish, ProviderError } from '#exchange'
import { isObject } from '../json-body.ts'
import { readOpenAiError } from '../openai/error.ts'

type Json = Readonly<Record<string, unknown>>

/** Why a response ended: its status, and of an incomplete one the reason. */
export function readFinish(response: Json, hasCalls: boolean): Finish {
  const { status } = response
  if (status === 'incomplete') return readIncomplete(response.incomplete_details)
  const failed = readFailedResponse(response)
  if (failed) return { reason: 'error', ...(failed.code !== undefined && { raw: failed.code }) }
  return {
    reason: hasCalls ? 'tool-calls' : 'stop',
    ...(typeof status === 'string' && { raw: status }),
  }
}

/** What went wrong with a response that has failed, or was cancelled, which is no answer. */
export function readFailedResponse(response: Json): ProviderError | undefined {
  const { status } = response
  if (status !== 'failed' && status !== 'cancelled') return undefined
  const error = readOpenAiError(response)
  return { type: undefined, param: undefined, message: undefined, ...error, code: error?.code ?? status }
}

function readIncomplete(details: unknown): Finish {
  const raw = isObject(details) && typeof details.reason === 'string' ? details.reason : 'incomplete'
  if (raw === 'content_filter') return { reason: 'content-filter', raw }
  return { reason: raw === 'steered' ? 'stop' : 'length', raw }
}

/** What a caller is told: the event that ends the stream, the status, and why it is not complete. */
export function renderFinish({ reason }: Finish): {
  status: 'completed' | 'incomplete' | 'failed'
  incomplete: 'max_output_tokens' | 'content_filter' | undefined
} {
  if (reason === 'length') return { status: 'incomplete', incomplete: 'max_output_tokens' }
  if (reason === 'content-filter') return { status: 'incomplete', incomplete: 'content_filter' }
  return { status: reason === 'error' ? 'failed' : 'completed', incomplete: undefined }
}
