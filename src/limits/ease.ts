import {
  type Asked,
  allow,
  type Call,
  type CallClass,
  type Decision,
  type Plan,
  type Refusal,
  type RuleSubject,
  refuse,
} from '#exchange'
import { counterOf } from './counter.ts'
import { headerName, isSoft, mostOf, type Rule, type SoftAction, thresholdOf } from './rule.ts'
import type { Concern, RuleSet } from './rule-set.ts'
import type { Counted, LimitStore, Soon } from './store.ts'

/** A call as soft budgets let it go on. */
export interface Eased {
  asked: Asked
  /** The model that answers instead of the one that was asked for. */
  model: string
  class: CallClass
  /** What was changed, and because of which budget; in the words of `x-sluice-degraded`. */
  degraded: readonly string[]
  /** Where it goes, if that was asked and is still so. */
  plan?: Plan | undefined
}

interface Easing {
  call: Call
  asked: Asked
  subject: RuleSubject
  /** Where it would go, if any step depends on that. */
  plan: Plan | undefined
}

/** The header with which a caller says that it wants to spend what a budget's owner wants to be asked about. */
const confirmation = 'x-sluice-confirm'

/** Takes the soft steps that are due. Refuses with `confirmation_required`. */
export function ease(
  { rules, store, nowMs }: { rules: RuleSet; store: LimitStore; nowMs: number },
  easing: Easing,
): Soon<Decision<Eased>> {
  const { call, asked, subject, plan } = easing
  const soft = rules.of(subject, plan?.targets[0]).filter(({ rule }) => isSoft(rule))
  if (soft.length === 0) return allow({ asked, model: asked.model, class: call.class, degraded: [], plan })
  const counted = store.read(
    soft.map(concern => counterOf(concern, nowMs)),
    nowMs,
  )
  const done = (all: readonly Counted[]): Decision<Eased> => apply(due(soft, all, nowMs), easing)
  return counted instanceof Promise ? counted.then(done) : done(counted)
}

interface Due {
  rule: Rule
  action: SoftAction
}

/** Of each rule the furthest step of every kind that its counter has come to. */
function due(concerns: readonly Concern[], counted: readonly Counted[], nowMs: number): Due[] {
  return concerns.flatMap(({ rule, subject }, n) => {
    const { spent, held } = counted[n] ?? { spent: 0n, held: 0n }
    const most = mostOf(rule, subject, nowMs)
    const reached = rule.soft
      .map(({ at, action }) => ({ action, from: thresholdOf({ at, action }, most) }))
      .filter(({ from }) => spent + held >= from)
      .sort((a, b) => (a.from < b.from ? -1 : 1))
    const latest = new Map(reached.map(({ action }) => [action.kind, action]))
    return [...latest.values()].map(action => ({ rule, action }))
  })
}

function apply(steps: readonly Due[], { call, asked, plan }: Easing): Decision<Eased> {
  const eased = { asked, model: asked.model, class: call.class, degraded: [] as string[] }
  for (const { rule, action } of steps) {
    const because = `because=${headerName(rule)}`
    switch (action.kind) {
      case 'use':
        if (eased.model === action.model || !isInterchangeable(asked)) break
        eased.model = action.model
        eased.degraded.push(`budget; use=${action.model}; ${because}`)
        break
      case 'batch':
        if (eased.class === 'batch') break
        eased.class = 'batch'
        eased.degraded.push(`budget; class=batch; ${because}`)
        break
      case 'output': {
        const cap = eased.asked.output?.cap ?? Number.POSITIVE_INFINITY
        if (!asked.output || cap <= action.tokens) break
        eased.asked = eased.asked.withOutputCap(action.tokens)
        eased.degraded.push(`budget; output_cap=${action.tokens}; ${because}`)
        break
      }
      case 'confirm':
        if (call.headers[confirmation] !== 'true') return unconfirmed(rule)
        break
      case 'alert':
        break
    }
  }
  const isAsPlanned = eased.model === asked.model && eased.class === call.class
  return allow(isAsPlanned ? { ...eased, plan } : eased)
}

/** Vectors of another model cannot be compared with those that the caller has, and so many tokens are of one model. */
function isInterchangeable({ operation }: Asked): boolean {
  return operation === 'chat'
}

function unconfirmed(rule: Rule): Refusal {
  const name = rule.visible ? `The budget \`${rule.name}\`` : 'A budget of this server'
  return refuse(
    'confirmation_required',
    `${name} is nearly used up, and its owner wants calls to be confirmed from here on: send the header \`${confirmation}: true\` to make this one all the same.`,
  )
}
