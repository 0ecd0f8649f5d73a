import type { Database } from '#platform'
import type { Companion } from './companion.ts'

/** Attempts that become durable together. */
export interface IntentGroup {
  groupNo: number
  /** JSON array of call rows with a single attempt each. */
  attempts: string
}

/**
 * Where attempts are on record from before they are made until their call's row is committed. Two engines: a file
 * beside the embedded database (`intents.file.ts`), a table on a server that other processes share
 * (`intents.table.ts`). Whatever a dead process left ends in `call_intents`, and from there in `calls`.
 */
export interface IntentLog {
  /** How long attempts may gather for one write, when several calls are under way. */
  readonly gatherMs: number
  /** Resolves when the group outlives this process. Rejects when that cannot be said of it. */
  append(group: IntentGroup): Promise<void>
  /** The calls of these groups are all in `calls`. */
  forget(groups: readonly number[]): void
  /** Takes what dead processes left into `calls`, and says how many calls that were. At each start, and now and then. */
  recover(): Promise<number>
  /** Makes calls under way visible in `call_intents`, for readers. */
  publish(): Promise<void>
  close(): Promise<void>
}

export interface IntentLogOptions {
  database: Database
  /** UUID of this process. */
  instance: string
  /** Written with the calls that a recovery finds. */
  companion?: Companion | undefined
}
