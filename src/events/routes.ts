import type { Route } from '#exchange'
import type { Clock, Queryable } from '#platform'
import { callRoutes } from './routes.calls.ts'
import { usageRoutes } from './routes.usage.ts'

export interface EventRoutesOptions {
  database: Queryable
  /** Commits what this process has recorded, so that a call is found right after its answer. */
  flush(): Promise<void>
  clock: Clock
  /** As `EventsOptions` has it. */
  usersPerHour?: number
}

/** The call log, as operators read it. */
export function eventRoutes(options: EventRoutesOptions): Route[] {
  return [...callRoutes(options), ...usageRoutes(options)]
}
