import type { CallRow } from './record.ts'

/**
 * What is written in the same statement as calls, so that neither is ever there without the other: the ledger. It is
 * handed in as SQL, since this domain knows no ledger, and the statement is one.
 */
export interface Companion {
  /**
   * CTEs, of which `posted` has a row for each row that was written. May read `ended`: the calls, with the columns of
   * their table, and `no`, counted from 1. Its parameters begin with `$<first>`.
   */
  ofEnded(first: number): string
  /** The values of those parameters; `wrote` is told how many rows `posted` had, once they are committed. */
  prepare(calls: readonly CallRow[]): { values: readonly unknown[]; wrote(posted: number): void }
  /**
   * CTEs likewise, for attempts of processes that have died. May read `lost`: a row for each, with the columns of a
   * call and this one attempt in `attempts`.
   */
  readonly ofLost: string
}
