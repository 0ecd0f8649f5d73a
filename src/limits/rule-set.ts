import type { RuleDimension, RuleSubject, Target } from '#exchange'
import { isExact } from './glob.ts'
import { anyFits, concerns, type Reading, readRule, subjectOf, valueIn } from './match.ts'
import { isSoft, type Rule } from './rule.ts'

/** A rule that concerns a call, and whose counter it is. */
export interface Concern {
  rule: Rule
  subject: string
}

/** All budgets and limits at one time. */
export interface RuleSet {
  /** In the order in which `of` gives them. */
  readonly rules: readonly Rule[]
  /** Whether any of them depends on where a call goes. */
  readonly dependsOnTarget: boolean
  /** Whether any of them can change a call that it lets through, or refuse one without counting it. */
  readonly eases: boolean
  /** Whether what any of them changes depends on where the call goes. */
  readonly easesByTarget: boolean
  find(id: string): Rule | undefined
  /**
   * The rules that concern a call, each with its subject; a rule `per: tag` once for each tag. Without a target those
   * that do not depend on it. Names in `call` must be bounded (`boundedName`).
   */
  of(call: RuleSubject, target?: Target): Concern[]
  /** Those alone that depend on the target. */
  ofTarget(call: RuleSubject, target: Target): Concern[]
  /** The first rule that wants to know the user of a call which names none. */
  demandsUser(call: RuleSubject): Rule | undefined
}

/** Where a rule asks for a value of these, it is found by that value; the rarest values first. */
const indexed = ['user', 'key', 'project', 'feature', 'organization', 'model', 'environment'] as const
type Indexed = (typeof indexed)[number]

interface Index {
  byValue: ReadonlyMap<Indexed, ReadonlyMap<string, readonly Reading[]>>
  others: readonly Reading[]
}

export function ruleSet(rules: readonly Rule[]): RuleSet {
  const readings = rules.map(readRule)
  const everywhere = buildIndex(readings.filter(({ rule }) => !rule.dependsOnTarget))
  const byTarget = buildIndex(readings.filter(({ rule }) => rule.dependsOnTarget))
  const demanding = readings.filter(({ rule }) => rule.requiresUser)
  const byId = new Map(rules.map(rule => [rule.id, rule]))
  const places = new Map(rules.map((rule, place) => [rule, place]))
  const inOrder = (a: Concern, b: Concern): number => (places.get(a.rule) ?? 0) - (places.get(b.rule) ?? 0)
  const dependsOnTarget = rules.some(rule => rule.dependsOnTarget)
  return {
    rules,
    dependsOnTarget,
    eases: rules.some(rule => rule.requiresUser || isSoft(rule)),
    easesByTarget: rules.some(rule => rule.dependsOnTarget && isSoft(rule)),
    find: id => byId.get(id),
    of(call, target) {
      const found: Concern[] = []
      let isMixed = collect(everywhere, { call, target, found })
      if (target && dependsOnTarget) isMixed = collect(byTarget, { call, target, found }) || isMixed
      return isMixed || dependsOnTarget ? found.sort(inOrder) : found
    },
    ofTarget(call, target) {
      const found: Concern[] = []
      return collect(byTarget, { call, target, found }) ? found.sort(inOrder) : found
    },
    demandsUser(call) {
      if (call.user !== undefined) return undefined
      return demanding.find(reading => concerns(reading, call, undefined))?.rule
    },
  }
}

interface Search {
  call: RuleSubject
  target: Target | undefined
  found: Concern[]
}

/** Tells whether what was found may be out of order. */
function collect({ byValue, others }: Index, search: Search): boolean {
  collectFrom(others, search)
  let isMixed = false
  for (const [dimension, rules] of byValue) {
    const value = dimension === 'key' ? search.call.keyId : valueIn(dimension, search.call, undefined)
    const some = value === undefined ? undefined : rules.get(value)
    if (!some) continue
    isMixed = true
    collectFrom(some, search)
  }
  return isMixed
}

function collectFrom(rules: readonly Reading[], search: Search): void {
  const { call, target, found } = search
  for (const reading of rules) {
    if (!concerns(reading, call, target)) continue
    if (reading.isPerTag) {
      collectTags(reading, search)
      continue
    }
    const subject = subjectOf(reading, call, search)
    if (subject !== undefined) found.push({ rule: reading.rule, subject })
  }
}

/** One subject for each tag that the rule is about; a tag that is named twice is one. */
function collectTags(reading: Reading, { call, target, found }: Search): void {
  const { rule } = reading
  const { tags } = call
  for (const [i, tag] of tags.entries()) {
    if (tags.indexOf(tag) !== i || (rule.match.tag && !anyFits(rule.match.tag, tag))) continue
    const subject = subjectOf(reading, call, { target, tag })
    if (subject !== undefined) found.push({ rule, subject })
  }
}

function buildIndex(rules: readonly Reading[]): Index {
  const byValue = new Map<Indexed, Map<string, Reading[]>>()
  const others: Reading[] = []
  for (const reading of rules) {
    const dimension = indexed.find(name => isIndexable(reading.rule, name))
    if (dimension === undefined) {
      others.push(reading)
      continue
    }
    const values = byValue.get(dimension) ?? new Map<string, Reading[]>()
    byValue.set(dimension, values)
    for (const { text } of reading.rule.match[dimension] ?? []) {
      const same = values.get(text)
      if (!same) values.set(text, [reading])
      else if (!same.includes(reading)) same.push(reading)
    }
  }
  return { byValue, others }
}

/** All its values are names. Keys also go by a name that others may have: only their ids tell them apart. */
function isIndexable(rule: Rule, dimension: RuleDimension): boolean {
  const globs = rule.match[dimension]
  if (!globs?.every(isExact)) return false
  return dimension !== 'key' || globs.every(({ text }) => /^key_[0-9a-f]{32}$/.test(text))
}
