import type { CallerDialect } from '#exchange'
import type { Draw } from './draw.ts'
import { dollars, drawMoney, endow, type MoneyPlan } from './money-plan.ts'
import { drawWeather, type ProviderWeather } from './weather.ts'

/** A provider of the simulation: what it can do, and what happens to it. */
export interface ProviderPlan extends ProviderWeather {
  name: string
  origin: string
  /** As the configuration calls it; undefined: the built-in simulator's own record, which speaks all of them. */
  dialect: 'openai' | 'anthropic' | undefined
  roundTripMs: number
  connections: number
  /** Calls under way at once, where its owner limits them. */
  concurrency: number | undefined
  /** Script of every answer. */
  script: string
}

/** One user, with an SDK, who wants one thing. */
export interface UserPlan {
  n: number
  atMs: number
  organization: string
  class: 'interactive' | 'batch'
  dialect: Extract<CallerDialect, 'openai-chat' | 'anthropic-messages'>
  model: string
  stream: boolean
  wantsUsage: boolean
  /** Told to the gateway, and kept to. */
  patienceMs: number | undefined
  /** Leaves after so long, whatever has come. */
  leavesAfterMs: number | undefined
  /** Until a full buffer has been read. 0: at once; undefined: never. */
  readMs: number | undefined
  /** Of the product's own end user. */
  name?: string | undefined
  /** Most tokens that it asks for; undefined: as many as there are, where its dialect allows that. */
  cap?: number | undefined
  /** Says that it wants to spend what a budget's owner wants to be asked about. */
  confirms?: boolean
}

/** What happens to Sluice itself. */
export type Incident = { atMs: number; kind: 'reload' | 'drain' | 'kill' } | StoreOutage

interface StoreOutage {
  atMs: number
  kind: 'store-away'
  forMs: number
}

export interface Scenario {
  providers: ProviderPlan[]
  users: UserPlan[]
  incidents: Incident[]
  /** From here on the weather is fair and nothing fails. */
  clearMs: number
  /** From here on everybody must be served. */
  judgedMs: number
  endMs: number
  breaker: { failures: number; cooldownMs: number; longestCooldownMs: number }
  timeouts: { connectMs: number; firstTokenMs: number; idleMs: number; totalMs: number }
  retries: number
  hedges: boolean
  /** Undefined: nothing limits what is spent. */
  money: MoneyPlan | undefined
}

const minuteMs = 60_000
/** A credential that was refused is tried again after at most five minutes (`standing.ts`). */
const longestAccountCooldownMs = 300_000

/** `purse` draws what concerns money, so that scenarios without it are the same whatever is drawn there. */
export function drawScenario(draw: Draw, purse: Draw): Scenario {
  const clearMs = draw.between(4, 10) * minuteMs
  const providers = drawProviders(draw, clearMs)
  const timeouts = {
    connectMs: draw.between(500, 3_000),
    firstTokenMs: draw.between(3_000, 15_000),
    idleMs: draw.between(2_000, 10_000),
    totalMs: draw.between(20_000, 60_000),
  }
  const longestCooldownMs = draw.between(10_000, 30_000)
  const hasAccounts = providers.some(({ losesAccount }) => losesAccount)
  const judgedMs =
    clearMs + timeouts.totalMs + (hasAccounts ? longestAccountCooldownMs : longestCooldownMs) + 30_000
  const endMs = judgedMs + 2 * minuteMs
  const money = drawMoney(purse, providers)
  const coming = [...drawUsers(draw, { clearMs, endMs }), ...drawRush(draw, providers, clearMs)]
  const users = money ? coming.map(user => endow(user, purse)) : coming
  users.sort((a, b) => a.atMs - b.atMs)
  return {
    providers,
    users: users.map((user, n) => ({ ...user, n })),
    incidents: [
      ...drawIncidents(draw, clearMs),
      {
        ...drawFairIncident(
          draw,
          users.filter(({ atMs }) => atMs >= judgedMs),
        ),
        ...(money && { kind: 'reload' }), // where one process comes after the other, a restart is felt
      },
    ],
    clearMs,
    judgedMs,
    endMs,
    breaker: { failures: draw.between(2, 6), cooldownMs: draw.between(1_000, 6_000), longestCooldownMs },
    timeouts,
    retries: draw.between(0, 3),
    hedges: draw.happens(0.4),
    money,
  }
}

function drawProviders(draw: Draw, clearMs: number): ProviderPlan[] {
  const count = draw.between(1, 3)
  return ['alpha', 'beta', 'gamma'].slice(0, count).map(name => ({
    name,
    origin: `http://${name}.test`,
    dialect: draw.pick([undefined, undefined, 'openai', 'anthropic']),
    roundTripMs: draw.between(2, 80),
    connections: draw.happens(0.2) ? draw.between(4, 8) : 64,
    concurrency: draw.happens(0.3) ? draw.between(4, 10) : undefined,
    script: `ttft=${draw.between(20, 600)}ms&pace=${draw.between(5, 120)}ms&tokens=${draw.between(4, 30)}`,
    ...drawWeather(draw, clearMs),
  }))
}

type Coming = Omit<UserPlan, 'n'>

function drawUsers(draw: Draw, { clearMs, endMs }: { clearMs: number; endMs: number }): Coming[] {
  const usual = Array.from({ length: draw.between(40, 90) }, () => draw.below(endMs))
  const spikes = Array.from({ length: draw.between(0, 2) }, () => drawSpike(draw, clearMs)).flat()
  return [...usual, ...spikes].map(atMs => drawUser(draw, atMs))
}

/** Now and then one organization comes with very many at once, just when nobody can serve them. */
function drawRush(draw: Draw, providers: readonly ProviderPlan[], clearMs: number): Coming[] {
  if (!draw.happens(0.2)) return []
  const atMs = draw.below(clearMs - 20_000)
  const failure = draw.pick(['503', '500', '429'])
  for (const { weather } of providers) weather.push(`fail=${failure}&at=${atMs}ms&until=${atMs + 15_000}ms`)
  return Array.from({ length: draw.between(30, 60) }, () => ({
    ...drawUser(draw, atMs + draw.below(500)),
    organization: 'acme',
  }))
}

/** Many at once, so that the foul part has overload too. */
function drawSpike(draw: Draw, beforeMs: number): number[] {
  const [atMs, lengthMs] = [draw.below(beforeMs), draw.pick([50, 1_000, 5_000])]
  return Array.from({ length: draw.between(10, 30) }, () => atMs + draw.below(lengthMs))
}

function drawUser(draw: Draw, atMs: number): Coming {
  const stream = draw.happens(0.7)
  return {
    atMs,
    organization: draw.pick(['acme', 'acme', 'bolt', 'cord']),
    class: draw.happens(0.25) ? 'batch' : 'interactive',
    dialect: draw.pick(['openai-chat', 'anthropic-messages']),
    model: draw.pick(['smart', 'smart', 'fast']),
    stream,
    wantsUsage: draw.happens(0.5),
    patienceMs: draw.happens(0.2) ? draw.between(1_000, 30_000) : undefined,
    leavesAfterMs: draw.happens(0.12) ? draw.between(0, 8_000) : undefined,
    readMs: stream && draw.happens(0.15) ? draw.pick([5, 50, 500, 5_000, undefined]) : 0,
  }
}

function drawIncidents(draw: Draw, beforeMs: number): Incident[] {
  const incidents = Array.from({ length: draw.between(0, 3) }, (): Incident => {
    const atMs = draw.below(beforeMs)
    const kind = draw.pick(['reload', 'drain', 'kill', 'store-away'])
    return kind === 'store-away' ? { atMs, kind, forMs: draw.between(500, 20_000) } : { atMs, kind }
  })
  return incidents.sort((a, b) => a.atMs - b.atMs)
}

/** What must harm nobody, just when somebody is being served. */
function drawFairIncident(draw: Draw, users: readonly Coming[]): Incident {
  const user = users[draw.below(users.length)]
  return { atMs: (user?.atMs ?? 0) + draw.between(20, 500), kind: draw.pick(['reload', 'drain', 'drain']) }
}

/** The configuration as its owner would write it; `isEdited`: with a small change, as a reload has it. */
export function configText(scenario: Scenario, isEdited: boolean): string {
  const { providers, breaker, timeouts, retries, hedges } = scenario
  const targets = providers.map(({ name }) => `${name}/sim-1`)
  const hedge = hedges ? { hedge: { share: 0.5 } } : {}
  return JSON.stringify({
    providers: Object.fromEntries(
      providers.map(({ name, origin, dialect, connections, concurrency }) => [
        name,
        {
          ...(dialect === undefined ? { vendor: 'sim' } : { dialect }),
          base_url: `${origin}/v1`,
          connections,
          ...(concurrency !== undefined && { limits: { concurrency } }),
          retries,
          timeouts: {
            connect: ms(timeouts.connectMs),
            first_token: ms(timeouts.firstTokenMs),
            idle: ms(timeouts.idleMs),
            total: ms(timeouts.totalMs),
          },
          breaker: {
            failures: breaker.failures + (isEdited ? 1 : 0),
            cooldown: ms(breaker.cooldownMs),
            longest_cooldown: ms(breaker.longestCooldownMs),
          },
        },
      ]),
    ),
    models: {
      smart: { targets, ...hedge },
      fast: { balance: targets.map(use => ({ use, weight: 1 })), by: 'least_loaded' },
    },
    prices: Object.fromEntries(targets.map(target => [target, price])),
    ...(scenario.money && moneySections(scenario.money, isEdited)),
  })
}

function moneySections({ budgets, rateLimits, editedBy }: MoneyPlan, isEdited: boolean): object {
  const changed = budgets.map(budget => {
    const { limit } = budget
    return typeof limit === 'string' ? { ...budget, limit: dollars(Number(limit) * editedBy) } : budget
  })
  return { budgets: isEdited ? changed : budgets, rate_limits: rateLimits }
}

/** US dollars per million tokens. */
const price = { input: '2', cached_input: '1', output: '6' } as const

function ms(count: number): string {
  return `${count}ms`
}
