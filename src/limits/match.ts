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
  return hasOwner(per)
}

/** What of a rule every call is held against, laid out for that. */
export interface Reading {
  readonly rule: Rule
  readonly asks: readonly { dimension: RuleDimension; globs: readonly Glob[] }[]
  /** What a subject is made of after its organization, each with what stands before it. */
  readonly parts: readonly { dimension: RuleDimension; before: string }[]
  readonly isOwned: boolean
  readonly isPerTag: boolean
}

export function readRule(rule: Rule): Reading {
  const { per, match } = rule
  const asks = Object.entries(match).map(([dimension, globs]) => ({
    dimension: dimension as RuleDimension,
    globs,
  }))
  const isOwned = hasOwner(per)
  const parts = per
    .filter(dimension => dimension !== 'organization')
    .map((dimension, i) => ({ dimension, before: `${isOwned || i > 0 ? '/' : ''}${dimension}/` }))
  return { rule, asks, parts, isOwned, isPerTag: per.includes('tag') }
}

function hasOwner(per: readonly RuleDimension[]): boolean {
  return per.some(dimension => dimension === 'organization' || belongToOrganization.has(dimension))
}

/** Whether a rule concerns a call; a rule that depends on the target needs one. */
export function concerns({ asks }: Reading, call: RuleSubject, target: Target | undefined): boolean {
  for (const { dimension, globs } of asks) {
    if (dimension === 'tag') {
      if (!call.tags.some(tag => anyFits(globs, tag))) return false
      continue
    }
    if (dimension === 'key' && anyFits(globs, call.keyName)) continue
    const value = valueIn(dimension, call, target)
    if (value === undefined || !anyFits(globs, value)) return false
  }
  return true
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
export function subjectOf(
  { parts, isOwned }: Reading,
  call: RuleSubject,
  where: { target: Target | undefined; tag?: string },
): string | undefined {
  let subject = isOwned ? escaped(call.organization) : ''
  for (const { dimension, before } of parts) {
    const value = dimension === 'tag' ? where.tag : valueIn(dimension, call, where.target)
    if (value === undefined) return undefined
    subject += before + escaped(value)
  }
  return subject === '' ? 'all' : subject
}

function escaped(value: string): string {
  if (!value.includes('/') && !value.includes('%')) return value
  return value.replaceAll('%', '%25').replaceAll('/', '%2F')
}

/** How subjects of a rule are written, for people: `ORGANIZATION/user/USER`. */
export function subjectForm({ per }: Rule): string {
  const rest = per.filter(dimension => dimension !== 'organization')
  const form = [
    ...(hasOwner(per) ? ['ORGANIZATION'] : []),
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
