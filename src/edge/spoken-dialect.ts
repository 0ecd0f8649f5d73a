import type { IncomingHttpHeaders } from 'node:http'
import type { CallerDialect } from '#exchange'

/**
 * Which dialect a caller speaks who is not (or not yet) on the way of a call: in its shape an error is told and the
 * models are listed. Three SDKs share `/v1/models`; only their headers tell them apart.
 */
export function spokenDialect(url: string, headers: IncomingHttpHeaders): CallerDialect {
  if (/^\/(sluice\/|v1\/(chat|responses|embeddings)\b)/.test(url)) return 'openai-chat'
  if (/^\/(upload\/v1|v1beta|v1alpha)/.test(url) || /^\/v1\/models\/[^?]*:\w+/.test(url)) return 'gemini'
  if (/^\/v1\/messages(\/|\?|$)/.test(url) || headers['anthropic-version'] !== undefined)
    return 'anthropic-messages'
  // Each of these is how one vendor's SDK sends its key, and no other's.
  if (headers['x-goog-api-key'] !== undefined) return 'gemini'
  return headers['x-api-key'] === undefined ? 'openai-chat' : 'anthropic-messages'
}
