import { type Check, nearest } from '#platform'
import type { BudgetConfig, RateLimitConfig } from './config.ts'
import { fits, readGlob } from './glob.ts'
import { budgetName, rateLimitName, readAmount, readThreshold } from './read-rules.ts'
import { createZone } from './zone.ts'

/** What rules may name, of the configuration they stand beside. */
export interface KnownNames {
  /** May end in `*`. */
  models: readonly string[]
  providers: readonly string[]
}

/** Says what is wrong with one entry: where in it, what, and what to do. */
export type Report = (path: readonly (string | number)[], message: string, hint?: string) => void

interface Checked {
  budgets: readonly BudgetConfig[]
  rate_limits: readonly RateLimitConfig[]
  models: Readonly<Record<string, unknown>>
  providers: Readonly<Record<string, unknown>>
}

export const checkRules: Check<Checked> = ({ budgets, rate_limits, models, providers }, report) => {
  const known = { models: Object.keys(models), providers: Object.keys(providers) }
  for (const [i, budget] of budgets.entries())
    checkBudget(budget, known, (path, ...words) => report(['budgets', i, ...path], ...words))
  for (const [i, limit] of rate_limits.entries())
    checkRateLimit(limit, (path, ...words) => report(['rate_limits', i, ...path], ...words))
  checkNames(budgets.map(budgetName), (i, ...words) =>
    report(['budgets', i, ...nameOf(budgets[i])], ...words),
  )
  checkNames(rate_limits.map(rateLimitName), (i, ...words) =>
    report(['rate_limits', i, ...nameOf(rate_limits[i])], ...words),
  )
}

function nameOf(entry: { name?: string } | undefined): string[] {
  return entry?.name === undefined ? [] : ['name']
}

function checkNames(
  names: readonly string[],
  report: (i: number, message: string, hint: string) => void,
): void {
  for (const [i, name] of names.entries()) {
    if (names.indexOf(name) !== i)
      report(i, `There is one named \`${name}\` already.`, 'Give each a `name` of its own.')
  }
}

export function checkBudget(config: BudgetConfig, known: KnownNames, report: Report): void {
  checkShared(config, report)
  const { limit, tokens, every, rolling, time_zone: zone } = config
  if ((limit === undefined) === (tokens === undefined))
    report([], 'A budget needs either `limit` (money) or `tokens`, one of the two.')
  if (rolling && every === 'total')
    report(
      ['rolling'],
      'What counts in total has no window to roll.',
      'Leave out `rolling`, or name a period.',
    )
  checkZone(zone, report)
  const unit = limit === undefined ? 'tokens' : 'usd'
  checkAway(config, unit, report)
  for (const [i, step] of config.soft.entries())
    checkStep(step, {
      config,
      unit,
      known,
      report: (path, ...words) => report(['soft', i, ...path], ...words),
    })
}

function checkZone(zone: string, report: Report): void {
  try {
    createZone(zone)
  } catch {
    const zones = Intl.supportedValuesOf('timeZone')
    const near = nearest(zone, zones) ?? zones.find(name => name.endsWith(`/${zone.replaceAll(' ', '_')}`))
    const hint = near ? `Did you mean \`${near}\`?` : 'Write it as `Europe/Berlin`.'
    report(['time_zone'], `There is no time zone \`${zone.slice(0, 100)}\`.`, hint)
  }
}

type MoneyOrTokens = 'usd' | 'tokens'

function checkAway({ when_store_is_away: away }: BudgetConfig, unit: MoneyOrTokens, report: Report): void {
  if (away?.open === undefined) return
  if (away.do !== undefined)
    report(['when_store_is_away'], 'Write either `closed` or `open`, one of the two.')
  checkAmount(away.open, unit, words => report(['when_store_is_away', 'open'], ...words))
}

/** Whether an amount is in the unit of its budget. */
function checkAmount(text: string, unit: MoneyOrTokens, report: (words: [string, string]) => void): boolean {
  if (unit === 'tokens' && (text.startsWith('$') || text.includes('.'))) {
    report([
      'This is money, and the budget is of tokens.',
      'Write how many tokens, such as 10k, or a share, such as 80%.',
    ])
    return false
  }
  return true
}

interface Step {
  config: BudgetConfig
  unit: MoneyOrTokens
  known: KnownNames
  report: Report
}

function checkStep({ at, then }: BudgetConfig['soft'][number], { config, unit, known, report }: Step): void {
  const actions = Object.keys(then)
  if (actions.length !== 1)
    report(['then'], 'A step does one thing: `alert`, `confirm`, or a map with `use`, `class` or `output`.')
  if (then.use !== undefined) checkUse(then.use, known, report)
  const isShare = at.endsWith('%')
  if (!isShare && !checkAmount(at, unit, words => report(['at'], ...words))) return
  if (config.hard && isBeyond(config, at, unit))
    report(
      ['at'],
      'This is never reached: the budget refuses calls at 100%.',
      'Write less, or `hard: false` for the budget.',
    )
}

function isBeyond(config: BudgetConfig, at: string, unit: MoneyOrTokens): boolean {
  const threshold = readThreshold(at, unit)
  if ('ppm' in threshold) return threshold.ppm > 1_000_000n
  const most = config.limit ?? config.tokens
  return most !== undefined && threshold.amount > readAmount(String(most), unit)
}

function checkUse(model: string, { models, providers }: KnownNames, report: Report): void {
  if (isKnownModel(model, { models, providers })) return
  const near = nearest(model, models)
  const hint = near
    ? `Did you mean \`${near}\`?`
    : `Configured models: ${models.slice(0, 20).join(', ') || 'none'}; or write \`provider/model\`.`
  report(['then', 'use'], `There is no model \`${model.slice(0, 100)}\`.`, hint)
}

function isKnownModel(model: string, { models, providers }: KnownNames): boolean {
  return (
    models.some(name => fits(readGlob(name), model)) ||
    providers.some(provider => model.startsWith(`${provider}/`) && model.length > provider.length + 1)
  )
}

export function checkRateLimit(config: RateLimitConfig, report: Report): void {
  checkShared(config, report)
  const { requests, tokens, input_tokens, output_tokens, concurrent } = config
  if ([requests, tokens, input_tokens, output_tokens, concurrent].every(most => most === undefined))
    report([], 'Say what is limited: `requests`, `tokens`, `input_tokens`, `output_tokens` or `concurrent`.')
}

function checkShared({ per, match, require }: BudgetConfig | RateLimitConfig, report: Report): void {
  if (require && !per.includes('user'))
    report(['require'], 'This is about users, and counts none apart.', 'Write `per: user`.')
  if (require && match?.user)
    report(
      ['require'],
      '`match.user` leaves out the calls that name no user, which this would refuse.',
      'Leave out one of the two.',
    )
  for (const [i, name] of (match?.class ?? []).entries()) {
    if (!['interactive', 'batch'].some(word => fits(readGlob(name), word)))
      report(
        ['match', 'class', i],
        `There is no class \`${name.slice(0, 100)}\`: it is \`interactive\` or \`batch\`.`,
      )
  }
}

/** What is not wrong, but most likely not meant: rules about models and providers that nothing configured has. */
export function doubtsOf({ budgets, rate_limits, models, providers }: Checked): string[] {
  const known = { models: Object.keys(models), providers: Object.keys(providers) }
  return [
    ...budgets.flatMap(config => doubts(config, { at: `budget \`${budgetName(config)}\``, known })),
    ...rate_limits.flatMap(config =>
      doubts(config, { at: `rate limit \`${rateLimitName(config)}\``, known }),
    ),
  ]
}

function doubts(
  { match = {} }: BudgetConfig | RateLimitConfig,
  { at, known }: { at: string; known: KnownNames },
): string[] {
  const { models, providers } = known
  const isProvider = (text: string): boolean => providers.some(name => fits(readGlob(text), name))
  const beforeSlash = (text: string): string =>
    text.slice(0, text.includes('/') ? text.indexOf('/') : undefined)
  const stray = [
    ...(match.provider ?? []).filter(text => !isProvider(text)).map(text => ['provider', text]),
    ...(match.target ?? []).filter(text => !isProvider(beforeSlash(text))).map(text => ['target', text]),
    ...(match.model ?? [])
      .filter(text => !isKnownModel(text, known) && !models.some(name => fits(readGlob(text), name)))
      .filter(text => !text.includes('*') || !isProvider(beforeSlash(text)))
      .map(text => ['model', text]),
  ]
  return stray.map(([kind, text]) => `${at}: nothing that is configured is a ${kind} \`${text}\``)
}
