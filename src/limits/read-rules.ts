import { createHash } from 'node:crypto'
import { boundedName, parseUsd, type RuleDimension } from '#exchange'
import type { BudgetConfig, RateLimitConfig } from './config.ts'
import { type Glob, readGlob } from './glob.ts'
import { isOfOneOrganization } from './match.ts'
import type { Increase, Match, Rule, SoftAction, SoftStep, Threshold, Unit } from './rule.ts'
import { calendarWindow, nowWindow, periodMs, rollingWindow, type Window } from './window.ts'

/** Where a definition is from. */
export interface Origin {
  origin: Rule['origin']
  entryId: string
  /** What a rule allows more for a time, by its id. */
  increasesOf(ruleId: string): readonly Increase[]
}

/** The quantities of a rate limit; each is a limit of its own. */
const limitUnits = ['requests', 'tokens', 'input_tokens', 'output_tokens', 'concurrent'] as const

/** The rule of a budget that has been checked. */
export function readBudget(config: BudgetConfig, { increasesOf, ...origin }: Origin): Rule {
  const unit: Unit = config.limit === undefined ? 'tokens' : 'usd'
  const most = config.limit === undefined ? BigInt(config.tokens ?? 0) : parseUsd(config.limit)
  const { when_store_is_away: away } = config
  return createRule(config, {
    ...origin,
    id: origin.entryId,
    increases: increasesOf(origin.entryId),
    name: budgetName(config),
    kind: 'budget',
    unit,
    most,
    window: budgetWindow(config),
    hard: config.hard,
    soft: readSoft(config, unit),
    unpriced: config.unpriced,
    whenStoreIsAway: away?.open === undefined ? 'closed' : { open: readAmount(away.open, unit) },
  })
}

/** The rules of an entry of rate limits that has been checked, one for each quantity. */
export function readRateLimit(config: RateLimitConfig, { increasesOf, ...origin }: Origin): Rule[] {
  const units = limitUnits.filter(unit => config[unit] !== undefined)
  return units.map(unit => {
    const most = BigInt(config[unit] ?? 0)
    const id = `${origin.entryId}_${unit}`
    return createRule(config, {
      ...origin,
      id,
      increases: increasesOf(id),
      name: units.length === 1 ? rateLimitName(config) : `${rateLimitName(config)} (${words[unit]})`,
      kind: 'limit',
      unit,
      most,
      window: unit === 'concurrent' ? nowWindow : rollingWindow(config.every),
      hard: true,
      soft: [],
      unpriced: 'allow',
      whenStoreIsAway: config.when_store_is_away === 'closed' ? 'closed' : { open: most },
    })
  })
}

type Own = Omit<Rule, 'counterId' | 'per' | 'match' | 'requiresUser' | 'visible' | 'dependsOnTarget'>

function createRule({ per, match: asked = {}, require }: BudgetConfig | RateLimitConfig, own: Own): Rule {
  const match = readMatch(asked)
  const counted = [own.id, own.unit, per, asked, own.window.name]
  const ofTarget = (dimension: string): boolean => dimension === 'provider' || dimension === 'target'
  return Object.freeze({
    ...own,
    counterId: digest(counted).slice(0, 20),
    per,
    match,
    requiresUser: require,
    visible: isOfOneOrganization(per, match),
    dependsOnTarget: [...per, ...Object.keys(match)].some(ofTarget),
  })
}

/** The id of an entry of the configuration: the same for as long as it has the same name. */
export function configuredId(kind: Rule['kind'], name: string): string {
  return `${kind}_${digest(['configuration', kind, name]).slice(0, 32)}`
}

function digest(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex')
}

function readMatch(asked: Readonly<Record<string, readonly string[] | undefined>>): Match {
  const match: Partial<Record<RuleDimension, readonly Glob[]>> = {}
  for (const [dimension, texts] of Object.entries(asked)) {
    // A name that is too long, or has control characters, stands on record and in calls in its bounded form.
    if (texts)
      match[dimension as RuleDimension] = texts.map(text =>
        readGlob(text.includes('*') ? text : boundedName(text)),
      )
  }
  return match
}

function budgetWindow({ every, rolling, time_zone: zone }: BudgetConfig): Window {
  return rolling && every !== 'total' ? rollingWindow(periodMs[every]) : calendarWindow(every, zone)
}

function readSoft(config: BudgetConfig, unit: Unit): SoftStep[] {
  const steps = config.soft.map(({ at, then }) => ({ at: readThreshold(at, unit), action: readAction(then) }))
  // A budget that refuses nobody and says nothing would be none.
  const isIdle = !config.hard && steps.length === 0
  return isIdle ? [{ at: { ppm: 1_000_000n }, action: { kind: 'alert' } }] : steps
}

export function readThreshold(text: string, unit: Unit): Threshold {
  if (!text.endsWith('%')) return { amount: readAmount(text, unit) }
  const [whole = '0', fraction = ''] = text.slice(0, -1).split('.')
  return { ppm: BigInt(whole) * 10_000n + BigInt(fraction.padEnd(4, '0')) }
}

/** As the configuration has read it: an exact decimal, with `$` before it where it was written as money. */
export function readAmount(text: string, unit: Unit): bigint {
  return unit === 'usd' ? parseUsd(text.replace('$', '')) : BigInt(text)
}

function readAction(then: BudgetConfig['soft'][number]['then']): SoftAction {
  if (then.use !== undefined) return { kind: 'use', model: then.use }
  if (then.class !== undefined) return { kind: 'batch' }
  if (then.output !== undefined) return { kind: 'output', tokens: then.output }
  return { kind: then.do ?? 'alert' }
}

const words = {
  requests: 'requests',
  tokens: 'tokens',
  input_tokens: 'input tokens',
  output_tokens: 'output tokens',
  concurrent: 'calls under way',
}

/** What a budget is called: by its owner, or by what it counts. */
export function budgetName(config: BudgetConfig): string {
  if (config.name !== undefined) return config.name
  const { every, rolling, time_zone: zone } = config
  const time = every === 'total' ? 'in total' : `${rolling ? 'in a rolling' : 'every'} ${every}`
  const place = zone === 'UTC' || every === 'total' || rolling ? '' : ` (${zone})`
  return `${config.limit === undefined ? 'tokens' : 'money'}${whose(config)} ${time}${place}`
}

export function rateLimitName(config: RateLimitConfig): string {
  if (config.name !== undefined) return config.name
  const units = limitUnits.filter(unit => config[unit] !== undefined).map(unit => words[unit])
  const isTimed = units.some(unit => unit !== words.concurrent)
  return `${units.join(', ')}${whose(config)}${isTimed ? ` every ${shortMs(config.every)}` : ''}`
}

function whose({ per, match = {} }: BudgetConfig | RateLimitConfig): string {
  const asked = Object.entries(match).map(
    ([dimension, names]) => `${dimension} ${[names].flat().join(' or ')}`,
  )
  return `${per.length > 0 ? ` per ${per.join(' and ')}` : ''}${asked.length > 0 ? ` of ${asked.join(', ')}` : ''}`
}

function shortMs(ms: number): string {
  const [unit, size] = (
    [
      ['d', 86_400_000],
      ['h', 3_600_000],
      ['m', 60_000],
      ['s', 1_000],
    ] as const
  ).find(([, length]) => ms % length === 0) ?? ['ms', 1]
  return `${ms / size}${unit}`
}
