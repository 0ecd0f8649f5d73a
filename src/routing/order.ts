import type { PlannedTarget, Target } from '#exchange'
import type { Chance } from '#platform'

/** How a target does, as far as this process has seen. */
export interface Load {
  /** Calls under way. */
  underWay: number
  /** Until its streams began of late; undefined: nothing is known. */
  firstTokenMs: number | undefined
}

export interface Weighted {
  target: PlannedTarget
  weight?: number
}

export interface Ordering {
  by: 'weight' | 'least_loaded' | 'fastest'
  loadOf(target: Target): Load
  chance: Chance
}

/** Now and then another one is asked first, or nobody would ever learn that it has become the best. */
const explored = 0.05

/** Targets in the order in which a call tries them. Those without weights keep the order they are written in. */
export function orderTargets(targets: readonly Weighted[], ordering: Ordering): PlannedTarget[] {
  const open = targets.filter(({ weight }) => weight !== 0)
  if (targets.every(({ weight }) => weight === undefined)) return targets.map(({ target }) => target)
  const rest = targets.filter(({ weight }) => weight === 0).map(({ target }) => target)
  switch (ordering.by) {
    case 'least_loaded':
      return [...byLoad(open, ordering), ...rest]
    case 'fastest':
      return [...bySpeed(open, ordering), ...rest]
    default:
      return [...drawn(open, ordering.chance), ...rest]
  }
}

/** Each draw takes one of what is left, by weight. */
function drawn(targets: readonly Weighted[], chance: Chance): PlannedTarget[] {
  const left = [...targets]
  const order: PlannedTarget[] = []
  while (left.length > 1) {
    let draw = chance.random() * left.reduce((sum, { weight = 1 }) => sum + weight, 0)
    const at = left.findIndex(({ weight = 1 }) => {
      draw -= weight
      return draw < 0
    })
    for (const { target } of left.splice(Math.max(0, at), 1)) order.push(target)
  }
  return [...order, ...left.map(({ target }) => target)]
}

function byLoad(targets: readonly Weighted[], { loadOf, chance }: Ordering): PlannedTarget[] {
  return sorted(targets, chance, ({ target, weight = 1 }) => (loadOf(target).underWay + 1) / weight)
}

/** Who is not known yet is tried first. */
function bySpeed(targets: readonly Weighted[], { loadOf, chance }: Ordering): PlannedTarget[] {
  const order = sorted(targets, chance, ({ target }) => loadOf(target).firstTokenMs ?? 0)
  if (order.length < 2 || chance.random() >= explored) return order
  const at = 1 + Math.floor(chance.random() * (order.length - 1))
  return [...order.slice(at, at + 1), ...order.toSpliced(at, 1)]
}

/** The smallest first; equals in an order by chance. */
function sorted(
  targets: readonly Weighted[],
  chance: Chance,
  measure: (one: Weighted) => number,
): PlannedTarget[] {
  return targets
    .map(one => ({ target: one.target, size: measure(one), tie: chance.random() }))
    .sort((a, b) => a.size - b.size || a.tie - b.tie)
    .map(({ target }) => target)
}
