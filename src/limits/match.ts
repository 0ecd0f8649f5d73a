import { type RuleDimension, type RuleSubject, type Target, targetName } from '#exchange'
import { fits, type Glob } from './glob.ts'
import type { Match, Rule } from './rule.ts'

/** Dimensions that tell nothing without the organization: user `u1` of two of them are two. */
const belongToOrganization: ReadonlySet<RuleDimension> = new Set([
  'project',
  'key',
  'user',
  'feature',
  'tag',
  'environment',
])

/** Whether each counter of a rule is of one organization. */
export function isOfOneOrganization(per: readonly RuleDimension[], match: Match): boolean {
  const { organization } = match
  if (organization?.length === 1 && organization[0]?.parts.length === 1) return true
  return per.some(dimension => dimension === 'organization' || belongToOrganization.has(dimension))
}

/** Whether a rule concerns a call; `target` is asked for only where the rule depends on it. */
export function concerns(rule: Rule, call: RuleSubject, target: Target | undefined): boolean {
  for (const dimension in rule.match) {
    const globs = rule.match[dimension as RuleDimension]
    if (globs && !matchesDimension(globs, dimension as RuleDimension, { call, target })) return false
  }
  return true
}

interface Subject {
  call: RuleSubject
  target: Target | undefined
}

function matchesDimension(
  globs: readonly Glob[],
  dimension: RuleDimension,
  { call, target }: Subject,
): boolean {
  if (dimension === 'tag') return call.tags.some(tag => anyFits(globs, tag))
  if (dimension === 'key' && anyFits(globs, call.keyName)) return true
  const value = valueIn(dimension, call, target)
  return value !== undefined && anyFits(globs, value)
}

export function anyFits(globs: readonly Glob[], name: string): boolean {
  for (const glob of globs) if (fits(glob, name)) return true
  return false
}

/** What a call says of itself in one dimension; of tags there is no one value. */
export function valueIn(
  dimension: RuleDimension,
  call: RuleSubject,
  target: Target | undefined,
): string | undefined {
  switch (dimension) {
    case 'key':
      return call.keyId
    case 'provider':
      return target?.provider
    case 'target':
      return target && targetName(target)
    case 'tag':
      return undefined
    default:
      return call[dimension]
  }
}

/**
 * Whose counter it is, as text: the values in the order of `per`, after the organization where they belong to one.
 * `/` and `%` in values are escaped, so that no two subjects come out the same. Undefined where the call lacks one.
 */
export function subjectOf(rule: Rule, { call, target, tag }: Subject & { tag?: string }): string | undefined {
  let subject = ''
  let isOwned = false
  for (const dimension of rule.per) {
    const value = dimension === 'tag' ? tag : valueIn(dimension, call, target)
    if (value === undefined) return undefined
    isOwned ||= belongToOrganization.has(dimension)
    if (dimension !== 'organization') subject += `/${dimension}/${escaped(value)}`
    else isOwned = true
  }
  if (isOwned) return escaped(call.organization) + subject
  return subject === '' ? 'all' : subject.slice(1)
}

function escaped(value: string): string {
  if (!value.includes('/') && !value.includes('%')) return value
  return value.replaceAll('%', '%25').replaceAll('/', '%2F')
}

/** How subjects of a rule are written, for people: `ORGANIZATION/user/USER`. */
export function subjectForm({ per }: Rule): string {
  const isOwned = per.some(dimension => dimension === 'organization' || belongToOrganization.has(dimension))
  const rest = per.filter(dimension => dimension !== 'organization')
  const form = [
    ...(isOwned ? ['ORGANIZATION'] : []),
    ...rest.map(dimension => `${dimension}/${dimension.toUpperCase()}`),
  ]
  return form.join('/') || 'all'
}

/** Whether a text is a subject that the rule can have. */
export function isSubjectOf(rule: Rule, subject: string): boolean {
  const form = subjectForm(rule).split('/')
  const parts = subject.split('/')
  return (
    parts.length === form.length &&
    parts.every((part, i) => part !== '' && (isPlaceholder(form[i] ?? '') || part === form[i]))
  )
}

function isPlaceholder(part: string): boolean {
  return part === part.toUpperCase()
}
