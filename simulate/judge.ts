import { targetName } from '#exchange'
import type { Config } from '../src/roles/config.ts'
import type { Disk, RecordedCall } from './disk.ts'
import { judgeBill } from './judge-bill.ts'
import { judgeMoney } from './judge-money.ts'
import type { LawBook } from './laws.ts'
import type { Opened } from './ledger.ts'
import type { Scenario } from './scenario.ts'
import type { SluiceProcess } from './sluice-process.ts'
import { readText } from './text.ts'
import type { Trial } from './user.ts'
import type { Place, Shipment } from './virtual-network.ts'

/** All that is known once a world has ended. */
export interface Evidence {
  book: LawBook
  scenario: Scenario
  trials: readonly Trial[]
  /** Whether each user got what was wanted. */
  served: ReadonlyMap<number, boolean>
  processes: readonly SluiceProcess[]
  places: readonly Place[]
  disk: Disk
  /** Each form that the configuration had. */
  configs: readonly Config[]
}

/** What an attempt or an end may be late by, when the store takes its time. */
const storeSlackMs = 1_500
const boundMs = 250

export function judge(evidence: Evidence): void {
  const { book, processes, disk } = evidence
  const opened = new Map(processes.flatMap(({ ledger }) => [...ledger.opened]))
  const shipments = new Map(processes.flatMap(({ network }) => network.shipments).map(one => [one.tag, one]))
  const attempts = byCall(opened.values())
  for (const trial of evidence.trials) {
    const own = attempts.get(trial.number) ?? []
    judgeAttempts(trial, own, evidence)
    judgeSending(trial, own, { shipments, evidence })
    judgeEnd(trial, evidence)
    judgeText(trial, own, { shipments, evidence })
    judgeRecord(trial, own, { shipments, evidence })
  }
  judgeRetries(evidence)
  judgeMoney(evidence, judgeBill(evidence, opened, shipments))
  judgeGoodput(evidence)
  book.check(disk.open === 0, 'nothing is left over', () => `${disk.open} groups of intents are left behind`)
  for (const { underWay, isDead, instance, till } of processes) {
    book.check(
      isDead || underWay === 0,
      'nothing is left over',
      () => `${underWay} calls under way in ${instance}`,
    )
    if (!isDead) till.judgeHolds()
  }
}

/** By the call's number. One that could not be put on record was never made, so their own numbers may have gaps. */
function byCall(opened: Iterable<Opened>): ReadonlyMap<number, Opened[]> {
  const calls = new Map<number, Opened[]>()
  for (const one of opened) {
    const number = Number.parseInt(one.tag, 10)
    const own = calls.get(number)
    if (own) own.push(one)
    else calls.set(number, [one])
  }
  return calls
}

function judgeAttempts({ number, process }: Trial, own: Opened[], { book }: Evidence): void {
  const plan = own[0]?.plan
  if (!plan) return
  const most = plan.targets.length + plan.retries + (plan.hedge ? 1 : 0)
  book.check(
    own.length <= most,
    'attempts are bounded',
    () => `call ${number}: ${own.length}, at most ${most}`,
  )
  for (const { tag, attempt } of own)
    book.check(
      process.isDead || attempt.status !== 'running',
      'nothing is left over',
      () => `attempt ${tag} never ended`,
    )
}

function judgeSending(
  { user, number, startedMs, call }: Trial,
  own: Opened[],
  { shipments, evidence }: { shipments: ReadonlyMap<string, Shipment>; evidence: Evidence },
): void {
  const { book, scenario } = evidence
  const limitMs = Math.min(scenario.timeouts.totalMs, user.patienceMs ?? Number.POSITIVE_INFINITY)
  for (const { tag, attempt } of own) {
    const sentAtMs = shipments.get(tag)?.sentAtMs
    if (sentAtMs === undefined) continue
    const afterMs = attempt.startedAtMs - call.startedAtMs
    const sentAfterMs = sentAtMs - call.startedAtMs
    book.check(
      afterMs <= limitMs && sentAfterMs <= limitMs + storeSlackMs,
      'no attempt after the deadline',
      () =>
        `call ${number} (from ${startedMs} ms): attempt ${tag} after ${afterMs} ms, sent after ${sentAfterMs}`,
    )
  }
}

function judgeEnd({ user, number, process, reader, startedMs, doneMs }: Trial, evidence: Evidence): void {
  const { book, scenario } = evidence
  if (doneMs === undefined) {
    book.check(process.isDead, 'a call ends', () => `call ${number} never ended`)
    return
  }
  const { ends, misplaced } = reader
  book.check(ends.length === 1, 'one ending', () => `call ${number} was told ${ends.join(', ') || 'nothing'}`)
  book.check(misplaced.length === 0, 'one ending', () => `call ${number} was given ${misplaced.join(', ')}`)
  const tookMs = doneMs - startedMs
  const mostMs = scenario.timeouts.totalMs + boundMs + storeSlackMs
  book.check(
    tookMs <= mostMs,
    'a call ends',
    () => `call ${number} took ${Math.round(tookMs)} ms of ${mostMs}`,
  )
  if (user.patienceMs === undefined) return
  const beganMs = (reader.beganAtMs ?? reader.endedAtMs ?? doneMs) - startedMs
  book.check(
    beganMs <= user.patienceMs + boundMs + storeSlackMs,
    'a call ends',
    () => `call ${number} began after ${Math.round(beganMs)} ms, and its caller waits ${user.patienceMs}`,
  )
}

function judgeText(
  { number, reader }: Trial,
  own: Opened[],
  { shipments, evidence }: { shipments: ReadonlyMap<string, Shipment>; evidence: Evidence },
): void {
  const text = readText(reader.text)
  if (text === '') return
  const said = own.map(({ tag }) => readText(Buffer.concat(shipments.get(tag)?.written ?? []).toString()))
  evidence.book.check(
    said.some(one => one.startsWith(text)),
    'no text twice',
    () => `call ${number} read ${JSON.stringify(text)}, but was answered ${JSON.stringify(said)}`,
  )
}

function judgeRecord(
  trial: Trial,
  own: Opened[],
  { shipments, evidence }: { shipments: ReadonlyMap<string, Shipment>; evidence: Evidence },
): void {
  const { book, disk } = evidence
  const { number, call, doneMs, reader, process } = trial
  const row = disk.calls.get(call.id.slice('call_'.length))
  if (process.isDead && own.length === 0) return // it cost nothing, and died before its end was written
  book.check(row !== undefined, 'every call is on record', () => `call ${number} (${call.id}) is not`)
  if (!row) return
  const known = new Set(row.attempts.map(({ n }) => n))
  book.check(
    own.every(({ tag, attempt }) => known.has(attempt.n) || !shipments.has(tag)),
    'every call is on record',
    () => `call ${number} made ${own.length} attempts, and on record are ${[...known].join(', ') || 'none'}`,
  )
  if (doneMs === undefined) return
  const status = statusOf(trial, row)
  book.check(
    status,
    'record and caller agree',
    () => `call ${number} is ${row.status} (${row.code}); its caller saw ${reader.outcome}`,
  )
}

/** Whether the record can be what its caller saw. */
function statusOf({ reader }: Trial, { status, code }: RecordedCall): boolean {
  switch (reader.outcome) {
    case 'gone':
      return status !== 'unknown' && status !== 'running'
    case 'failed':
      return ['failed', 'refused', 'cancelled'].includes(status) && code === reader.fault?.code
    default:
      return status === 'succeeded'
  }
}

/** Each retry was granted. */
function judgeRetries({ book, processes }: Evidence): void {
  for (const { ledger, retries } of processes) {
    const seen = new Set<string>()
    let made = 0
    for (const { call, attempt } of ledger.opened.values()) {
      const key = `${call.id} ${targetName(attempt.target)}`
      if (seen.has(key)) made += 1
      seen.add(key)
    }
    book.check(
      made <= retries.granted,
      'retries stay in their budget',
      () => `${made} retries were made, ${retries.granted} granted`,
    )
  }
}

/** Refusals for want of money or of room in a limit; whether they are right is judged where they are made. */
const forMoney: ReadonlySet<string> = new Set([
  ...['budget_exceeded', 'budget_held', 'rate_limited', 'confirmation_required'],
])

/** Who comes once the weather has cleared is served, whatever there was before. */
function judgeGoodput({ book, scenario, served, trials }: Evidence): void {
  const { users, judgedMs, endMs } = scenario
  const ordinary = users.filter(
    ({ leavesAfterMs, patienceMs, readMs }) =>
      leavesAfterMs === undefined && patienceMs === undefined && readMs === 0,
  )
  for (const { n, atMs } of ordinary) {
    if (atMs < judgedMs || atMs >= endMs) continue
    const faults = trials.filter(({ user }) => user.n === n).map(({ reader }) => reader.fault?.code)
    const isRefused = scenario.money !== undefined && faults.some(code => code && forMoney.has(code))
    if (!isRefused)
      book.check(
        served.get(n) === true,
        scenario.money ? 'who can pay is served' : 'goodput comes back',
        () => `user ${n} at ${atMs} ms was not served (${faults}), in fair weather since ${scenario.clearMs}`,
      )
    book.check(
      !faults.includes('shutting_down'),
      'a rolling restart fails nobody',
      () => `user ${n} at ${atMs} ms was cut off by a drain`,
    )
  }
}
