import type { Effort, Reasoning } from '#exchange'
import { bare, isReasoningModel, neverReasons, rejectsSampling } from '../openai/models.ts'

/** GPT-5.1 and later: can be told not to think, and take sampling parameters then. */
function canBeToldNotToThink(model: string): boolean {
  return /^gpt-(5\.[1-9]|[6-9])/.test(bare(model)) && !neverReasons(model)
}

export function takesSampling(model: string, reasoning: Reasoning | undefined): boolean {
  return !rejectsSampling(model) || (reasoning?.effort === 'none' && canBeToldNotToThink(model))
}

/** Whether it can be asked to seal its thoughts; a model of OpenAI's that does not think refuses to be asked. */
export function sealsThoughts(model: string): boolean {
  return isReasoningModel(model) && rejectsSampling(model)
}

/** Whether it can be told not to think; a model nobody knows here does what its server says. */
export function takesNoReasoning(model: string): boolean {
  if (neverReasons(model)) return false
  return canBeToldNotToThink(model) || !isReasoningModel(model)
}

/**
 * The effort as the model knows it (developers.openai.com/api/docs/guides/reasoning): `minimal` is GPT-5's own,
 * `xhigh` came after 5.1, and o-series models know three. A budget is put as the effort that spends about as much.
 */
export function effortFor(model: string, reasoning: Reasoning | undefined): Effort | undefined {
  const wanted = reasoning?.effort ?? effortOfBudget(reasoning?.budgetTokens)
  if (wanted === undefined || !sealsThoughts(model)) return wanted
  const name = bare(model)
  if (wanted === 'minimal') return /^gpt-5(-|$)/.test(name) ? 'minimal' : 'low'
  if (wanted === 'xhigh' || wanted === 'max')
    return /^(o\d|gpt-5(-|$)|gpt-5\.1(-|$))/.test(name) && !name.includes('codex-max') ? 'high' : 'xhigh'
  return wanted
}

function effortOfBudget(tokens: number | undefined): Effort | undefined {
  if (tokens === undefined) return undefined
  if (tokens === 0) return 'none'
  return tokens <= 2_048 ? 'low' : tokens <= 12_288 ? 'medium' : 'high'
}
