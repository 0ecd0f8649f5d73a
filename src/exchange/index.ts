export type {
  Asked,
  Attempt,
  AttemptStatus,
  Call,
  CallClass,
  Caller,
  Dialect,
  Operation,
  Plan,
  Target,
  Timeouts,
} from './call.ts'
export { targetName } from './call.ts'
export type { Decision, Refusal } from './decision.ts'
export { accept, allow, refuse } from './decision.ts'
export type { FaultCode, FaultDetail } from './fault.ts'
export { Fault, faults, toFault } from './fault.ts'
export type { Requirement, Route, RouteInput } from './route.ts'
export type { Usage, UsageKind, UsageSource } from './usage.ts'
export { totalInput, totalOutput, usageKinds } from './usage.ts'
