import type { Draw } from './draw.ts'
import type { Road } from './virtual-network.ts'

export interface Spell {
  fromMs: number
  untilMs: number
  road: Exclude<Road, 'open'>
}

export interface ProviderWeather {
  /** Lines as the simulator's `PUT /weather` takes them. */
  weather: string[]
  roads: Spell[]
  /** Its account is refused for a while. */
  losesAccount: boolean
}

/** Failures that come with an error status. */
const refusals = [
  '500',
  '502',
  '503',
  '529',
  '504',
  '429',
  'slow-down',
  '408',
  '409',
  '400',
  'context',
] as const
const accounts = ['401', '403', 'quota', 'credit'] as const
/** Failures of an answer that began, or of one that is none. */
const breaks = [
  ...([
    'reset',
    'hang',
    'slow',
    'slow-body',
    'stall',
    'cut',
    'eof',
    'no-done',
    'early-done',
    'endless',
  ] as const),
  ...(['truncated-json', 'bad-event', 'bad-framing', 'disorder', 'double-usage', 'stream-error'] as const),
  ...(['bare-error', 'wrong-type', 'not-streamed', 'html', 'empty', 'garbage', 'redirect'] as const),
] as const
const waits = ['', '&retry_after=0', '&retry_after=2', '&retry_after=30', '&retry_after=3600'] as const
const shapes = ['split=1', 'split=7', 'eol=crlf', 'unknown=1', 'wide=1', 'cached=3', 'reasoning=9'] as const

/** Outages, brown-outs, storms of refusals, and what the network does; all of it over by `clearMs`. */
export function drawWeather(draw: Draw, clearMs: number): ProviderWeather {
  const span = (): { fromMs: number; untilMs: number } => {
    const fromMs = draw.below(clearMs - 1_000)
    return { fromMs, untilMs: Math.min(clearMs, fromMs + draw.between(1_000, 180_000)) }
  }
  const losesAccount = draw.happens(0.15)
  const spells = Array.from({ length: draw.between(1, 5) }, () => drawSpell(draw))
  if (losesAccount) spells.push(`fail=${draw.pick(accounts)}`)
  const roads = Array.from({ length: draw.between(0, 2) }, (): Spell => {
    const road = draw.pick(['refused', 'silent', 'resets', 'half-open'])
    return { ...span(), road }
  })
  const timed = spells.map(script => {
    const { fromMs, untilMs } = span()
    return `${script}&at=${fromMs}ms&until=${untilMs}ms`
  })
  return {
    weather: [draw.happens(0.3) ? draw.pick(shapes) : '', ...timed].filter(line => line !== ''),
    roads,
    losesAccount,
  }
}

function drawSpell(draw: Draw): string {
  const rate = draw.happens(0.4) ? '' : `&rate=0.${draw.between(1, 9)}`
  switch (draw.pick(['refuse', 'break', 'break', 'slow', 'limit'])) {
    case 'refuse':
      return `fail=${draw.pick(refusals)}${rate}${draw.pick(waits)}`
    case 'slow':
      return `ttft=${draw.between(1, 20)}s&pace=${draw.between(100, 3_000)}ms`
    case 'limit':
      return draw.pick([
        `limit=${draw.between(5, 60)}`,
        `concurrency=${draw.between(1, 4)}`,
        `slots=${draw.between(1, 4)}`,
      ])
    default:
      return `fail=${draw.pick(breaks)}${rate}${draw.pick(['', '&after=0', '&after=1', '&after=3'])}${draw.pick(['', '&for=4s', '&ping=1s', '&nousage=1'])}`
  }
}

/** What the way to a provider is at a moment. */
export function roadAt(roads: readonly Spell[], ms: number): Road {
  return roads.find(({ fromMs, untilMs }) => ms >= fromMs && ms < untilMs)?.road ?? 'open'
}
