import { Fault, type FaultCode, type FaultDetail } from './fault.ts'

/** An expected outcome as a value: either what was asked for, or why not, in words for the caller. */
export type Decision<T> = { ok: true; value: T } | Refusal

export interface Refusal {
  ok: false
  code: FaultCode
  message: string
  detail?: FaultDetail
}

export function allow<T>(value: T): Decision<T> {
  return { ok: true, value }
}

export function refuse(code: FaultCode, message: string, detail?: FaultDetail): Refusal {
  return detail ? { ok: false, code, message, detail } : { ok: false, code, message }
}

/** The value of a decision; a refusal leaves the way of the call as a `Fault`. */
export function accept<T>(decision: Decision<T>): T {
  if (decision.ok) return decision.value
  throw new Fault(decision.code, decision.message, decision.detail)
}
