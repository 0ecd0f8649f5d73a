import { type FaultCode, type Refusal, refuse } from '#exchange'
import { describeAmount } from './describe.ts'
import type { Take } from './reservation.ts'
import { mostOf, type Rule } from './rule.ts'
import type { Counted, LimitStoreAway, Refused } from './store.ts'

/** A counter that is in the way of a call. */
export interface Blocking {
  take: Take
  counted: Counted
  /** When time alone makes room, in milliseconds from now. */
  opensInMs: number | undefined
  nowMs: number
}

/** No time is exact where others go on in the meantime. */
const heldAgainMs = 1_000

/** What only this target has is used up, so that another one may take the call. */
export function refuseHere(blocking: Blocking): Refusal {
  const refusal = refuseSpent(blocking)
  return { ...refusal, detail: { ...refusal.detail, ours: false, elsewhere: true } }
}

/** What is spent leaves too little. */
export function refuseSpent(blocking: Blocking): Refusal {
  const { take, opensInMs } = blocking
  const { rule } = take
  const code: FaultCode = rule.kind === 'budget' ? 'budget_exceeded' : 'rate_limited'
  return refuse(code, `${sentence(blocking)} ${remedy(blocking)}`, {
    retryAfterMs: opensInMs ?? (rule.unit === 'concurrent' ? heldAgainMs : undefined),
    hopeless: isBeyond(take),
    ours: true,
  })
}

/** It would fit, were it not for what calls under way hold. */
export function refuseHeld(blocking: Blocking): Refusal {
  const code: FaultCode = blocking.take.rule.kind === 'budget' ? 'budget_held' : 'rate_limited'
  const message = `${sentence(blocking)} Calls under way hold what is left, most of them more than they will need: try again in a moment.`
  return refuse(code, message, { retryAfterMs: heldAgainMs, ours: true })
}

/** What it would cost is not known, and a budget counts it. */
export function refuseUnpriced(rule: Rule, why: string, target: string): Refusal {
  const what = rule.visible ? `the budget \`${rule.name}\`` : 'a budget of this server'
  return refuse(
    'unpriced_call',
    `The cost of this call cannot be bounded, and ${what} is a hard limit: ${why}. Its operator can set a price for \`${target}\` under \`prices\`, or \`unpriced: allow\` on the budget.`,
    { ours: true },
  )
}

/** Nobody knows what the counters stand at. */
export function refuseAway(away: LimitStoreAway): Refusal {
  return refuse(
    'store_unavailable',
    'The store that counts budgets and limits cannot be reached, so it is not known whether this call may be made; nothing was sent to a provider. Try again in a moment.',
    { retryAfterMs: 1_000, ours: true, internal: String(away.cause ?? away) },
  )
}

function sentence({ take, counted, nowMs }: Blocking): string {
  const { rule, subject, line } = take
  if (!rule.visible) return `A ${rule.kind === 'budget' ? 'budget' : 'limit'} of this server is used up.`
  const most = mostOf(rule, subject, nowMs)
  const left = most - counted.spent - counted.held
  const amount = (value: bigint): string => describeAmount(rule.unit, value < 0n ? 0n : value)
  const held = counted.held > 0n ? ` and ${amount(counted.held)} held by calls under way` : ''
  if (rule.unit === 'concurrent')
    return `The limit \`${rule.name}\` allows ${amount(most)} under way at once, and there are as many.`
  return `The ${rule.kind} \`${rule.name}\` has ${amount(left)} left of ${amount(most)} (${amount(counted.spent)} spent${held}), and this call may take ${amount(line.amount)}.`
}

/** Whether a call may take more than there is even when nothing else counts. */
function isBeyond({ line }: Take): boolean {
  return line.most !== undefined && line.amount > line.most
}

function remedy({ take, opensInMs, nowMs }: Blocking): string {
  const { rule } = take
  if (rule.unit === 'concurrent') return 'Try again when one of them has ended.'
  const { endMs } = rule.window.at(nowMs)
  if (rule.window.rolling === undefined && Number.isFinite(endMs))
    return `It renews at ${new Date(endMs).toISOString()}.`
  if (opensInMs !== undefined) return `There is room again in ${Math.ceil(opensInMs / 1_000)} s.`
  if (!rule.window.rolling) return 'It does not renew: its owner can raise it.'
  return isBeyond(take)
    ? 'It is more than the limit ever allows at once: ask for less.'
    : 'Calls under way have taken the rest: try again in a moment.'
}

export function blockingOf(
  { takes, nowMs }: { takes: readonly Take[]; nowMs: number },
  refused: Refused,
  take: Take | undefined = takes[refused.line],
): Blocking {
  const n = take ? takes.indexOf(take) : -1
  const counted = refused.counted[n]
  if (!take || !counted) throw new Error('assertion failed: a refusal names one of the lines')
  const isFirst = n === refused.line
  const { rule } = take
  const { endMs } = rule.window.at(nowMs)
  const renewsInMs = rule.window.rolling === undefined && Number.isFinite(endMs) ? endMs - nowMs : undefined
  return {
    take,
    counted,
    opensInMs:
      (isFirst ? refused.opensInMs : undefined) ?? (rule.unit === 'concurrent' ? undefined : renewsInMs),
    nowMs,
  }
}
