import type { Draw } from './draw.ts'
import type { UserPlan } from './scenario.ts'

/** Budgets and limits of a scenario. */
export interface MoneyPlan {
  /** As the configuration has them. */
  budgets: Record<string, unknown>[]
  rateLimits: Record<string, unknown>[]
  /** What a reload makes of each amount that a budget of money allows. */
  editedBy: number
}

/** How many budgets, and how many limits. */
const mixes: readonly [readonly [number, number], ...(readonly [number, number])[]] = [
  [1, 0],
  [2, 0],
  [1, 1],
  [2, 2],
  [0, 1],
  [0, 2],
]

/** As many as money has. */
const digits = 12

export function drawMoney(draw: Draw, providers: readonly { name: string }[]): MoneyPlan | undefined {
  if (draw.happens(0.5)) return undefined
  const plan: MoneyPlan = { budgets: [], rateLimits: [], editedBy: draw.pick([1, 1, 0.5, 2]) }
  const [budgets, limits] = draw.pick(mixes)
  for (let n = 1; n <= budgets; n += 1)
    plan.budgets.push({ name: `budget ${n}`, ...drawBudget(draw, providers) })
  for (let n = 1; n <= limits; n += 1)
    plan.rateLimits.push({ name: `limit ${n}`, ...drawLimit(draw, providers) })
  return plan
}

/** What a user says that budgets look at, and how much of an answer is asked for. */
export function endow(user: Omit<UserPlan, 'n'>, draw: Draw): Omit<UserPlan, 'n'> {
  return {
    ...user,
    name: draw.pick(['ann', 'ben', undefined]),
    cap: draw.pick([undefined, 8, 64, 1_000, 1_000, 8_000]),
    confirms: draw.happens(0.5),
  }
}

/**
 * A call of a scenario costs about a hundred millionths of a dollar and forty tokens; held for it are a few thousandths
 * where it has a cap, and most of a dollar where it has none.
 */
function drawBudget(draw: Draw, providers: readonly { name: string }[]): Record<string, unknown> {
  const isMoney = draw.happens(0.75)
  const most = isMoney
    ? { limit: dollars(spread(draw, 0.000_3, 0.03)) }
    : { tokens: Math.round(spread(draw, 200, 20_000)) }
  const every = draw.pick(['total', 'total', 'hour', 'minute'])
  return {
    ...most,
    ...drawScope(draw, providers),
    every,
    ...(every !== 'total' && draw.happens(0.4) && { rolling: true }),
    ...(draw.happens(0.1) && { hard: false }),
    ...(draw.happens(0.3) && { soft: drawSoft(draw) }),
  }
}

function drawSoft(draw: Draw): Record<string, unknown>[] {
  const steps: readonly [unknown, ...unknown[]] = [
    'alert',
    'confirm',
    { use: 'fast' },
    { class: 'batch' },
    { output: 8 },
  ]
  return [draw.between(30, 70), draw.between(70, 100)].map(share => ({
    at: `${share}%`,
    // biome-ignore lint/suspicious/noThenProperty: the configuration's word
    then: draw.pick(steps),
  }))
}

function drawLimit(draw: Draw, providers: readonly { name: string }[]): Record<string, unknown> {
  const scope = drawScope(draw, providers)
  const every = draw.pick(['1s', '10s', '1m', '5m'])
  switch (draw.pick(['requests', 'tokens', 'concurrent', 'several'])) {
    case 'requests':
      return { ...scope, every, requests: draw.between(1, 12) }
    case 'tokens':
      return {
        ...scope,
        every,
        [draw.pick(['tokens', 'input_tokens', 'output_tokens'])]: Math.round(spread(draw, 200, 20_000)),
      }
    case 'concurrent':
      return { ...scope, concurrent: draw.between(1, 8) }
    default:
      return {
        ...scope,
        every,
        requests: draw.between(4, 20),
        tokens: Math.round(spread(draw, 1_000, 50_000)),
        concurrent: draw.between(2, 8),
      }
  }
}

function drawScope(draw: Draw, providers: readonly { name: string }[]): Record<string, unknown> {
  const name = providers[draw.below(providers.length)]?.name ?? ''
  const scopes: readonly [Record<string, unknown>, ...Record<string, unknown>[]] = [
    {},
    { per: 'organization' },
    { per: 'organization' },
    { match: { organization: 'acme' } },
    { per: 'user' },
    { per: 'provider' },
    { match: { provider: name } },
    { per: ['organization', 'model'] },
  ]
  return draw.pick(scopes)
}

/** From `least` to `most`, with as many below ten times the least as above a tenth of the most. */
function spread(draw: Draw, least: number, most: number): number {
  return least * (most / least) ** draw.random()
}

/** A decimal, as money is written. */
export function dollars(amount: number): string {
  return amount.toFixed(digits)
}
