import type { ChatRequest, Effort, Message } from '#exchange'
import { type ModelTraits, modelTraits } from './models.ts'

export interface ThinkingPlan {
  /** The request's `thinking`. */
  thinking?: { type: string; budget_tokens?: number; display?: string }
  /** The request's `output_config.effort`. */
  effort?: string
  /** Thinking was asked for and is not to be had, because… */
  without?:
    | 'a tool is forced'
    | 'the last turn lacks its signed thinking'
    | 'no room'
    | 'the model does not think'
}

/** The smallest budget that Anthropic takes. */
const leastBudget = 1024

/** A budget in place of an effort: at most these tokens, and at most that share of the whole answer. */
const budgets: Readonly<Record<Exclude<Effort, 'none'>, { tokens: number; share: number }>> = {
  minimal: { tokens: 1024, share: 0.2 },
  low: { tokens: 4096, share: 0.3 },
  medium: { tokens: 10_240, share: 0.5 },
  high: { tokens: 24_576, share: 0.8 },
  xhigh: { tokens: 32_768, share: 0.9 },
  max: { tokens: 128_000, share: 0.95 },
}

/** Whether and how a model is told to think. Tools that are forced and sampling exclude it, in all but a few models. */
export function planThinking(request: ChatRequest, model: string): ThinkingPlan {
  const { reasoning } = request
  const traits = modelTraits(model)
  if (!reasoning) return {}
  if (reasoning.effort === 'none' && reasoning.budgetTokens === undefined) return planNone(traits)
  if (reasoning.effort === undefined && reasoning.budgetTokens === undefined && !reasoning.adaptive) return {}
  const effort = effortFor(reasoning, traits)
  if (traits.thinking === 'none') return { ...effort, without: 'the model does not think' }
  if (isForced(request)) return { ...effort, without: 'a tool is forced' }
  const manual =
    traits.thinking === 'budget' || (traits.thinking === 'either' && reasoning.budgetTokens !== undefined)
  const display = reasoning.show && { display: reasoning.show === 'none' ? 'omitted' : 'summarized' }
  if (!manual) return { thinking: { type: 'adaptive', ...display }, ...effort }
  // Only with a budget does Anthropic insist that a turn which called tools begins with its own thinking.
  if (lacksThinking(request.messages))
    return { ...effort, without: 'the last turn lacks its signed thinking' }
  const budget = budgetFor(request, traits)
  if (budget === undefined) return { ...effort, without: 'no room' }
  return { thinking: { type: 'enabled', budget_tokens: budget, ...display }, ...effort }
}

export function isThinking({ thinking }: ThinkingPlan): boolean {
  return thinking?.type === 'enabled' || thinking?.type === 'adaptive'
}

function planNone(traits: ModelTraits): ThinkingPlan {
  if (traits.notThinking === 'omit') return {}
  return traits.notThinking === 'low-effort' ? { effort: 'low' } : { thinking: { type: traits.notThinking } }
}

export function isForced({ toolChoice }: ChatRequest): boolean {
  if (toolChoice?.type === 'allowed') return toolChoice.mode === 'required'
  return toolChoice?.type === 'required' || toolChoice?.type === 'tool'
}

/** The nearest word that the model takes, from below; of a budget, where it takes no budgets. */
function effortFor(
  reasoning: NonNullable<ChatRequest['reasoning']>,
  traits: ModelTraits,
): { effort?: string } {
  const { effort, budgetTokens } = reasoning
  const wanted =
    effort ??
    (budgetTokens !== undefined && traits.thinking === 'adaptive' ? effortOf(budgetTokens) : undefined)
  if (wanted === undefined || wanted === 'none') return {}
  const ladder = Object.keys(budgets) as Effort[]
  const taken = ladder.slice(0, ladder.indexOf(wanted) + 1).findLast(word => traits.efforts.includes(word))
  const nearest = taken ?? traits.efforts[0]
  return nearest === undefined ? {} : { effort: nearest }
}

function effortOf(budgetTokens: number): Effort {
  const words = Object.entries(budgets) as [Effort, { tokens: number }][]
  return words.find(([, { tokens }]) => budgetTokens <= tokens)?.[0] ?? 'max'
}

/** Less than the whole answer may have; undefined where that leaves less than the smallest budget. */
function budgetFor({ reasoning, maxOutputTokens }: ChatRequest, traits: ModelTraits): number | undefined {
  const most = boundOf(maxOutputTokens, traits)
  if (most <= leastBudget) return undefined
  if (reasoning?.budgetTokens !== undefined)
    return Math.min(Math.max(reasoning.budgetTokens, leastBudget), most - 1)
  const effort = reasoning?.effort ?? 'medium'
  const { tokens, share } = budgets[effort === 'none' ? 'minimal' : effort]
  return Math.max(Math.min(tokens, Math.floor(most * share)), leastBudget)
}

/** The request's `max_tokens`, which Anthropic wants always and, of its own models, never above their bound. */
export function boundOf(maxOutputTokens: number | undefined, traits: ModelTraits): number {
  if (maxOutputTokens === undefined) return traits.maxOutputTokens
  return traits.claude ? Math.min(maxOutputTokens, traits.maxOutputTokens) : maxOutputTokens
}

/** Whether the assistant's turn that is being gone on with called tools and does not begin with signed thinking. */
function lacksThinking(messages: readonly Message[]): boolean {
  const last = messages.findLastIndex(
    ({ role, parts }) => role === 'user' && !parts.some(({ type }) => type === 'tool-result'),
  )
  const turn = messages.slice(last + 1).filter(({ role }) => role === 'assistant')
  if (!turn.some(({ parts }) => parts.some(({ type }) => type === 'tool-call'))) return false
  const first = turn[0]?.parts[0]
  return !(first?.type === 'reasoning' && first.signature?.dialect === 'anthropic-messages')
}
