import type { Route } from '#exchange'
import type { Clock, Database, Log } from '#platform'
import { Rollup, repeat } from '#platform'
import { createCompanion, type LedgerCompanion } from './ledger-companion.ts'
import type { ChargeOf } from './ledger-entry.ts'
import { type FeatureSpend, hourlySpend } from './ledger-hours.ts'
import { mend } from './ledger-mend.ts'
import {
  type CallsInLedger,
  callsInLedger,
  type Spent,
  type SpentQuestion,
  spentOfEntries,
  spentSince,
} from './ledger-spent.ts'
import { costRollups } from './rollup-costs.ts'
import { costRoutes } from './routes-costs.ts'
import { ledgerRoutes } from './routes-ledger.ts'
import { organizationRoutes } from './routes-organization.ts'

export interface LedgerOptions {
  database: Database
  clock: Clock
  log: Log
  /** What a tenant is charged for a cost; absent: the cost. */
  chargeOf?: ChargeOf
  /** Told of corrections once they are in the ledger, so that counters can follow. */
  onCorrected?(spent: readonly Spent[]): void
  /** Most users that the sums of an hour tell apart in an organization; absent: 10,000. */
  usersPerHour?: number
  /** The embedded database has nobody else who vacuums. */
  vacuums?: boolean
}

export interface Ledger {
  /** For the statement that commits calls. */
  companion: LedgerCompanion
  /** What is counted since a time, and what is held for attempts under way: counters are made from it. */
  spentSince(question: SpentQuestion): AsyncIterable<Spent>
  /** What it has of single calls, by their ids. */
  calls(ids: readonly string[]): Promise<CallsInLedger>
  /** Costs of whole hours by feature, for who compares them. */
  hourlySpend(fromMs: number, toMs: number): Promise<FeatureSpend[]>
  /** Adds what waits to the sums by hour and day. */
  catchUp(): Promise<void>
  readonly counts: LedgerCounts
  /** The ledger and what it comes to, over HTTP. `flush` commits what this process has recorded. */
  routes(flush: () => Promise<void>): Route[]
  start(): void
  stop(): Promise<void>
}

/** Since the start. */
export interface LedgerCounts {
  /** Entries that were there already with other amounts. */
  clashes: number
  /** Entries that set right what had been posted by a hold. */
  adjusted: number
  /** Names that stand as `…other` in the sums. */
  folded: number
}

/** What the index by time has not seen yet is read whole; a server's autovacuum sees to it. */
async function summarizeHolds(database: Database): Promise<void> {
  await database.query({ text: `select brin_summarize_new_values('ledger_by_hold')`, timeoutMs: 30_000 })
}

const rollupEveryMs = 5_000
const mendEveryMs = 15_000

export function createLedger(options: LedgerOptions): Ledger {
  const { database, clock, log, chargeOf = (cost: bigint) => cost, onCorrected } = options
  const spec = costRollups(options.usersPerHour)
  const rollup = new Rollup(database, spec, { vacuums: options.vacuums ?? false })
  const counts = { clashes: 0, adjusted: 0 }
  const stops: (() => Promise<void>)[] = []
  let clashed: string[] = []
  let clashing: Promise<void> | undefined

  const setRight = async (only?: readonly string[]): Promise<void> => {
    const { adjusted, clashes } = await mend(database, { chargeOf, log }, only)
    counts.adjusted += adjusted.length
    counts.clashes += clashes
    if (adjusted.length > 0) onCorrected?.(await spentOfEntries(database, adjusted))
  }
  /** Calls some of whose entries were there: repeated, or declared lost meanwhile. What fails here is mended later. */
  const look = async (): Promise<void> => {
    while (clashed.length > 0) {
      const ids = clashed
      clashed = []
      await setRight(ids).catch(cause => log.warn({ err: cause }, 'the ledger could not be compared'))
    }
    clashing = undefined
  }
  const addUp = async (): Promise<void> => {
    const added = await rollup.advance()
    if (added > 0 && options.vacuums) await summarizeHolds(database)
  }
  const upkeep = (everyMs: number, work: () => Promise<unknown>): void => {
    stops.push(repeat(options, { waitMs: everyMs, failed: 'upkeep of the ledger failed' }, work))
  }

  return {
    companion: createCompanion({
      chargeOf,
      onClash(calls) {
        clashed.push(...calls.map(({ id }) => id))
        clashing ??= look()
      },
    }),
    spentSince: question => spentSince(database, spec, question),
    calls: ids => callsInLedger(database, ids),
    hourlySpend: (fromMs, toMs) => hourlySpend(database, { fromMs, toMs }),
    async catchUp() {
      await rollup.catchUp()
    },
    get counts() {
      return { ...counts, folded: rollup.folded }
    },
    routes(flush) {
      const onAdjusted = async (seq: number): Promise<void> => {
        try {
          onCorrected?.(await spentOfEntries(database, [seq]))
        } catch (cause) {
          log.error({ err: cause, seq }, 'counters were not told of an adjustment')
        }
      }
      return [
        ...ledgerRoutes({ database, chargeOf, flush, onAdjusted }),
        ...costRoutes({ database, spec, flush, clock }),
        ...organizationRoutes({ database, spec, flush, clock }),
      ]
    },
    start() {
      upkeep(rollupEveryMs, () => addUp())
      upkeep(mendEveryMs, () => setRight())
    },
    async stop() {
      await Promise.all(stops.map(stop => stop()))
      await clashing
    },
  }
}
