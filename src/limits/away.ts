import type { RuleSubject, Target } from '#exchange'
import type { Rule } from './rule.ts'
import { type RuleSet, ruleSet } from './rule-set.ts'

/** The rules while the store of counters is away: what each process may let through by itself. */
export class AwayRules {
  #of: RuleSet | undefined
  #away: RuleSet = ruleSet([])

  /** Undefined: a rule that concerns the call wants it refused meanwhile. */
  for(rules: RuleSet, subject: RuleSubject, targets: readonly Target[]): RuleSet | undefined {
    if (rules !== this.#of) {
      this.#of = rules
      this.#away = ruleSet(rules.rules.map(allowance))
    }
    const isClosed = targets.some(target =>
      rules.of(subject, target).some(({ rule }) => rule.hard && rule.whenStoreIsAway === 'closed'),
    )
    return isClosed ? undefined : this.#away
  }
}

function allowance(rule: Rule): Rule {
  const { whenStoreIsAway: away } = rule
  return away === 'closed' ? rule : { ...rule, most: away.open, increases: [] }
}
