import type { RaisedAlert } from './alert.ts'

/** How an attempt to deliver came out. Nothing in `error` is secret. */
export type Delivery =
  | { ok: true }
  /** `gone`: the receiver wants nothing more. `waitMs`: it asks to be left alone for so long. */
  | { ok: false; error: string; gone?: boolean; waitMs?: number | undefined }

/** An alert as it is told; a test is none that is on record. */
export type Told = Omit<RaisedAlert, 'kind'> & { kind: RaisedAlert['kind'] | 'test' }

/** Who hears of alerts. */
export interface Destination {
  readonly name: string
  readonly type: string
  wants(alert: Pick<RaisedAlert, 'kind' | 'severity' | 'organization'>): boolean
  /** Never throws for what the receiver does. */
  send(alert: Told): Promise<Delivery>
  /** Gives up what is under way. */
  close(): Promise<void>
}
