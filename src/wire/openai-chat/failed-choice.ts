import type { ProviderError } from '#exchange'
import { isObject } from '../json-body.ts'
import { readOpenAiError } from '../openai/error.ts'
import { readFinish } from './finish.ts'

/**
 * That the provider failed in the middle, told in a choice: by an error of its own (OpenRouter,
 * https://openrouter.ai/docs/api/reference/overview, `NonStreamingChoice`), or in the place of a finish reason
 * (`error`; DeepSeek's `insufficient_system_resource`). Callers know no such reason, and would take what there is for
 * the whole.
 */
export function readFailedChoice(choices: readonly unknown[]): ProviderError | undefined {
  for (const choice of choices) {
    if (!isObject(choice)) continue
    const word = choice.finish_reason
    if (choice.error) return readOpenAiError(choice)
    if (typeof word === 'string' && readFinish(word).reason === 'error')
      return { code: word, type: undefined, param: undefined, message: undefined }
  }
  return undefined
}
