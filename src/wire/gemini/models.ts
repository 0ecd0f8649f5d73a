import type { Effort } from '#exchange'

/**
 * What is known of Gemini's models by their names (ai.google.dev/gemini-api/docs/models, /docs/thinking,
 * /docs/gemini-3). Names are open-ended and aliases (`gemini-flash-latest`) follow the newest, so a Gemini that nobody
 * knows here is taken for one of the newest generation.
 */

function bareModel(model: string): string {
  return model.slice(model.lastIndexOf('/') + 1).toLowerCase()
}

/** Generation 3 and later: seals its calls and refuses them back unsealed, takes media in function responses. */
export function isGemini3(model: string): boolean {
  const name = bareModel(model)
  return /^gemini-/.test(name) && !/^gemini-(?:[12](?:[.-]|$)|pro(?:-vision)?$|robotics-er-1)/.test(name)
}

/** How a model is told how much to think: not at all (2.0 and before, Gemma), in tokens (2.5), or by a word. */
export function thinkingMeasure(model: string): 'none' | 'budget' | 'level' {
  const name = bareModel(model)
  if (/^gemini-2\.5/.test(name) || /^gemini-3-pro-image/.test(name)) return 'budget'
  return isGemini3(name) ? 'level' : 'none'
}

/** In tokens; where the least is not 0, the thinking cannot be turned off. */
function thinkingBudgets(model: string): { least: number; most: number } {
  return /2\.5-pro|3-pro/.test(bareModel(model)) ? { least: 128, most: 32_768 } : { least: 0, most: 24_576 }
}

const budgetOf: Readonly<Record<Effort, number>> = {
  none: 0,
  minimal: 1024,
  low: 1024,
  medium: 8192,
  high: 24_576,
  xhigh: 32_768,
  max: 32_768,
}

/** Google's own OpenAI-compatible endpoint gives an effort these budgets; past `high` is the model's most. */
export function budgetForEffort(effort: Effort, model: string): number {
  return fitBudget(budgetOf[effort], model)
}

export function fitBudget(tokens: number, model: string): number {
  const { least, most } = thinkingBudgets(model)
  return Math.min(Math.max(tokens, least), most)
}

export type ThinkingLevel = 'MINIMAL' | 'LOW' | 'MEDIUM' | 'HIGH'

/** The level nearest to an effort; `none` is the least there is, since generation 3 always thinks. */
export function levelForEffort(effort: Effort, model: string): ThinkingLevel {
  if (effort === 'none' || effort === 'minimal') return leastLevel(model)
  if (effort === 'low') return 'LOW'
  if (effort === 'medium') return /^gemini-3-pro/.test(bareModel(model)) ? 'HIGH' : 'MEDIUM'
  return 'HIGH'
}

/** A budget of older requests, as a level. */
export function levelForBudget(tokens: number, model: string): ThinkingLevel {
  if (tokens <= 0) return levelForEffort('none', model)
  if (tokens <= 4096) return 'LOW'
  return levelForEffort(tokens <= 12_288 ? 'medium' : 'high', model)
}

/** Pro models, and Flash from 3.7 on, know no `MINIMAL`. */
function leastLevel(model: string): ThinkingLevel {
  const name = bareModel(model)
  if (name === 'gemini-flash-latest' || /^gemini-\d+(?:\.\d+)?-pro(?:-|$)|^gemini-pro-latest$/.test(name))
    return 'LOW'
  if (/^gemini-4-hydrogen/.test(name)) return 'LOW'
  const [, major, minor] = /^gemini-(\d+)\.(\d+)-flash(?!-lite)/.exec(name) ?? []
  if (major === undefined) return 'MINIMAL'
  return Number(major) > 3 || Number(minor) >= 7 ? 'LOW' : 'MINIMAL'
}

/** The Gemini API refuses penalties to its 2.5 models ("Penalty is not enabled for this model"). */
export function rejectsPenalties(model: string): boolean {
  return /^gemini-2\.5/.test(bareModel(model))
}
