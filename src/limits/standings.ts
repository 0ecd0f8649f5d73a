import type { LimitStanding } from '#exchange'
import type { Take } from './reservation.ts'
import type { Rule } from './rule.ts'
import type { Counted } from './store.ts'

const kinds: ReadonlySet<string> = new Set<LimitStanding['kind']>([
  'requests',
  'tokens',
  'input_tokens',
  'output_tokens',
])

/** How the limits stand that the caller may see: of each kind the one that leaves least. */
export function standingsOf(
  takes: readonly Take[],
  counted: readonly Counted[],
  nowMs: number,
): LimitStanding[] {
  const standings: LimitStanding[] = []
  for (let n = 0; n < takes.length; n += 1) {
    const [take, stand] = [takes[n], counted[n]]
    if (!take || !stand || !isTold(take.rule) || take.line.most === undefined) continue
    const standing = standingOf(take.rule, { most: take.line.most, ...stand }, nowMs)
    const known = standings.findIndex(({ kind }) => kind === standing.kind)
    if (known === -1) standings.push(standing)
    else if (standing.left < (standings[known]?.left ?? 0)) standings[known] = standing
  }
  return standings
}

function isTold(rule: Rule): rule is Rule & { unit: LimitStanding['kind'] } {
  return rule.kind === 'limit' && rule.visible && kinds.has(rule.unit)
}

function standingOf(
  { unit, window }: Rule & { unit: LimitStanding['kind'] },
  { most, spent, held }: Counted & { most: bigint },
  nowMs: number,
): LimitStanding {
  const left = most - spent - held
  return {
    kind: unit,
    most: Number(most),
    left: left < 0n ? 0 : Number(left),
    resetMs: window.rolling?.windowMs ?? Math.max(0, window.at(nowMs).endMs - nowMs),
  }
}
