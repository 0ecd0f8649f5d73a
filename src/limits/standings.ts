import type { LimitStanding } from '#exchange'
import type { Take } from './reservation.ts'
import type { Counted } from './store.ts'

const kinds: readonly LimitStanding['kind'][] = ['requests', 'tokens', 'input_tokens', 'output_tokens']

/** How the limits stand that the caller may see: of each kind the one with the smallest share left. */
export function standingsOf(
  takes: readonly Take[],
  counted: readonly Counted[],
  nowMs: number,
): LimitStanding[] {
  const tightest = new Map<string, LimitStanding>()
  for (const [n, { rule, line }] of takes.entries()) {
    const kind = kinds.find(one => one === rule.unit)
    const stand = counted[n]
    if (!kind || !stand || rule.kind !== 'limit' || !rule.visible || line.most === undefined) continue
    const free = line.most - stand.spent - stand.held
    const standing = {
      kind,
      most: Number(line.most),
      left: Math.max(0, Number(free)),
      resetMs: rule.window.rolling?.windowMs ?? Math.max(0, rule.window.at(nowMs).endMs - nowMs),
    }
    const known = tightest.get(kind)
    if (!known || share(standing) < share(known)) tightest.set(kind, standing)
  }
  return [...tightest.values()]
}

function share({ left, most }: LimitStanding): number {
  return most === 0 ? 0 : left / most
}
