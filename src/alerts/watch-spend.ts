import { formatUsd } from '#exchange'
import { isoTime } from '#platform'
import type { Alert } from './alert.ts'
import { shown } from './amount.ts'
import { baselineOf, isFar } from './spend-baseline.ts'

/** What calls of one feature cost over some time; also of those that name no feature. */
export interface SpendRow {
  organization: string
  project: string
  feature: string | null
  costPicoUsd: bigint
}

/** Sums over [from, to), in milliseconds since the epoch. */
export type ReadSpend = (fromMs: number, toMs: number) => Promise<readonly SpendRow[]>

export interface SpendRules {
  factor: number
  floorPicoUsd: bigint
}

const hourMs = 3_600_000
const dayMs = 24 * hourMs
const daysBack = [1, 2, 3, 4, 5, 6, 7]
const weeksBack = [7, 14, 21, 28]
/** So many alerts of one hour, the largest changes first; more are no news of single features. */
const mostOfAnHour = 20

/** Where money is spent: an organization, one of its projects, or a feature of that; the names of it, widest first. */
type Place = readonly string[]

interface Change {
  place: Place
  direction: 'rise' | 'fall'
  spent: bigint
  usual: bigint
}

/**
 * Compares the hour from `fromMs` with the same hour of the last seven days and of the last four weeks, place by
 * place. What differs must be far from both, as far as they are known, so that a Monday is not held against a Sunday.
 */
export async function findChanges(read: ReadSpend, fromMs: number, rules: SpendRules): Promise<Alert[]> {
  const now = sumByPlace(await read(fromMs, fromMs + hourMs))
  const past = new Map<number, Map<string, Sum>>()
  for (const days of new Set([...daysBack, ...weeksBack])) {
    const atMs = fromMs - days * dayMs
    past.set(days, sumByPlace(await read(atMs, atMs + hourMs)))
  }
  const places = new Map(
    [now, ...past.values()].flatMap(sums => [...sums].map(([key, { place }]) => [key, place])),
  )
  const changes = [...places].flatMap(([key, place]) => {
    const change = compare({ key, place, spent: now.get(key)?.picoUsd ?? 0n }, past, rules)
    return change ? [change] : []
  })
  return widest(changes)
    .toSorted((a, b) => Number(sizeOf(b) - sizeOf(a)))
    .slice(0, mostOfAnHour)
    .map(change => describe(change, { fromMs, within: changes }))
}

interface Sum {
  place: Place
  picoUsd: bigint
}

function sumByPlace(rows: readonly SpendRow[]): Map<string, Sum> {
  const sums = new Map<string, Sum>()
  for (const { organization, project, feature, costPicoUsd } of rows) {
    const names = feature === null ? [organization, project] : [organization, project, feature]
    for (const depth of names.keys()) {
      const place = names.slice(0, depth + 1)
      const key = JSON.stringify(place)
      const sum = sums.get(key) ?? { place, picoUsd: 0n }
      sum.picoUsd += costPicoUsd
      sums.set(key, sum)
    }
  }
  return sums
}

function compare(
  { key, place, spent }: { key: string; place: Place; spent: bigint },
  past: ReadonlyMap<number, ReadonlyMap<string, Sum>>,
  { factor, floorPicoUsd }: SpendRules,
): Change | undefined {
  const known = [...past].filter(([, sums]) => sums.has(key)).map(([days]) => days)
  const oldest = Math.max(0, ...known)
  // Before it was first seen, its spend was not low: it was not there.
  const samples = (back: readonly number[]): number[] =>
    back.filter(days => days <= oldest).map(days => Number(past.get(days)?.get(key)?.picoUsd ?? 0n))
  const [days, weeks] = [baselineOf(samples(daysBack)), baselineOf(samples(weeksBack))]
  if (!days) return undefined
  const limits = { factor, floor: Number(floorPicoUsd) }
  const direction = isFar(Number(spent), days, limits)
  if (!direction || (weeks && isFar(Number(spent), weeks, limits) !== direction)) return undefined
  return { place, direction, spent, usual: BigInt(Math.round((weeks ?? days).median)) }
}

/** Of a change that is seen at several depths, the widest: its parts stand in the detail. */
function widest(changes: readonly Change[]): Change[] {
  return changes.filter(change => !changes.some(other => other !== change && isWithin(change, other)))
}

function isWithin(inner: Change, outer: Change): boolean {
  return (
    inner.direction === outer.direction &&
    inner.place.length > outer.place.length &&
    outer.place.every((name, depth) => inner.place[depth] === name)
  )
}

function sizeOf({ spent, usual }: Change): bigint {
  return spent > usual ? spent - usual : usual - spent
}

function describe(change: Change, { fromMs, within }: { fromMs: number; within: readonly Change[] }): Alert {
  const { place, direction, spent, usual } = change
  const [organization, project, feature] = place
  const hour = isoTime(fromMs).slice(0, 13)
  const parts = within
    .filter(part => isWithin(part, change))
    .toSorted((a, b) => Number(sizeOf(b) - sizeOf(a)))
    .slice(0, 5)
    .map(part => ({
      of: part.place.slice(1).join('/'),
      spent_usd: formatUsd(part.spent),
      usual_usd: formatUsd(part.usual),
    }))
  const verb = direction === 'rise' ? 'spent far more than usual' : 'spent far less than usual'
  return {
    kind: 'spend_change',
    key: `spend_change/${place.join('/')}/${hour}`,
    severity: direction === 'rise' ? 'warning' : 'info',
    title: `${place.join('/')} ${verb} in the hour from ${hour.replace('T', ' ')}:00 UTC: ${shown(spent, 'usd')}, usually ${shown(usual, 'usd')}.`,
    organization,
    detail: {
      organization,
      ...(project !== undefined && { project }),
      ...(feature !== undefined && { feature }),
      direction,
      spent_usd: formatUsd(spent),
      usual_usd: formatUsd(usual),
      hour_starts_at: isoTime(fromMs),
      ...(parts.length > 0 && { parts }),
    },
    endsAtMs: fromMs + 3 * hourMs,
  }
}
