import { Counter, type Registry } from 'prom-client'

/** What the ledger and the sums over it count, since the start. */
export interface LedgerGauges {
  ledger(): { clashes: number; adjusted: number }
  /** Users and other names that usage and costs do not tell apart. */
  foldedNames(): number
}

export function registerTotals(registry: Registry, { ledger, foldedNames }: LedgerGauges): void {
  const register = (name: string, help: string, read: () => number): void => {
    new Counter({
      name,
      help,
      registers: [registry],
      collect() {
        this.reset()
        this.inc(read())
      },
    })
  }
  register(
    'sluice_ledger_clashes_total',
    'Attempts that the ledger had already, with other amounts: what was there first stays.',
    () => ledger().clashes,
  )
  register(
    'sluice_ledger_adjusted_total',
    'Attempts that had been posted by what was held for them, and whose true end came after all.',
    () => ledger().adjusted,
  )
  register(
    'sluice_names_folded_total',
    'Times that a user or another name from callers went into `…other` in usage or costs, because an hour had too many.',
    foldedNames,
  )
}
