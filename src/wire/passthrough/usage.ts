import type { Bill, Family, Usage } from '#exchange'
import { readMessagesBill, readMessagesUsage } from '../anthropic-messages/usage.ts'
import { readBill } from '../bill.ts'
import { readGeminiBill, readGeminiUsage } from '../gemini/usage.ts'
import { isObject } from '../json-body.ts'
import { readOpenAiUsage, readResponsesUsage } from '../openai/usage.ts'
import { isCount } from '../token-count.ts'

type Json = Readonly<Record<string, unknown>>

/** What an answer (or an event) of any address says was used; undefined where it does not, or not in tokens. */
export function readPassedUsage(family: Family, json: Json): Usage | undefined {
  if (family === 'gemini') return readGeminiUsage(json.usageMetadata)
  if (family === 'anthropic') return readMessagesUsage(json.usage)
  return (isObject(json.usage) ? readOpenAi(json.usage) : undefined) ?? countImages(json.data)
}

/** Pictures that are sold by the piece come without a count of tokens. */
function countImages(data: unknown): Usage | undefined {
  if (!Array.isArray(data) || data.length === 0) return undefined
  const isImage = (item: unknown): boolean =>
    isObject(item) && (typeof item.b64_json === 'string' || typeof item.url === 'string')
  return data.every(isImage) ? { images: data.length } : undefined
}

/** What the provider says of its charge, at any address. */
export function readPassedBill(family: Family, json: Json): Bill | undefined {
  if (family === 'gemini') return readGeminiBill(json.usageMetadata)
  if (family === 'anthropic') return readMessagesBill(json.usage)
  return readBill(json.usage, json.service_tier)
}

/** Images and transcriptions report in the words of Responses, most others in those of chat, rerankers a total. */
function readOpenAi(report: Json): Usage | undefined {
  if (report.prompt_tokens !== undefined) return readOpenAiUsage(report)
  if (report.input_tokens === undefined) return readOpenAiUsage({ prompt_tokens: report.total_tokens })
  // Transcriptions call the details by another name (openai-openapi, `TranscriptTextUsageTokens`).
  const details = [report.input_tokens_details, report.input_token_details].find(isObject)
  const usage = readResponsesUsage({ ...report, input_tokens_details: details })
  return usage && splitImages(usage, { input: details, output: report.output_tokens_details })
}

/** Image tokens as kinds of their own, where they are told apart (openai-openapi, `ImageGenUsage`). */
function splitImages(usage: Usage, details: { input: unknown; output: unknown }): Usage {
  const imageInput = Math.min(imageTokens(details.input), usage.input ?? 0)
  const imageOutput = Math.min(imageTokens(details.output), usage.output ?? 0)
  const split = {
    ...usage,
    input: (usage.input ?? 0) - imageInput,
    imageInput,
    output: (usage.output ?? 0) - imageOutput,
    imageOutput,
  }
  return Object.fromEntries(Object.entries(split).filter(([, tokens]) => tokens > 0))
}

function imageTokens(details: unknown): number {
  const count = isObject(details) ? details.image_tokens : undefined
  return isCount(count) ? count : 0
}
