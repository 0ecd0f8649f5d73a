import type { Usage } from '#exchange'

/**
 * More than any request has, by far. A counter that ran below zero says more (4,294,967,295 of 32 bits), and would use
 * up a budget if it were believed.
 */
const mostTokens = 1_000_000_000

/** Whether that is a count: a whole number from 0 to a billion. */
export function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= mostTokens
}

/** A token count in a provider's report; anything else that stands there is none. */
export function readCount(report: unknown, name: string): number | undefined {
  const value: unknown = typeof report === 'object' && report !== null ? Reflect.get(report, name) : undefined
  return isCount(value) ? value : undefined
}

/**
 * A usage of nothing at all is none: a server that does not count reports zeros, and no request is of nothing. So its
 * calls do not come out free.
 */
export function notOfNothing(usage: Usage | undefined): Usage | undefined {
  return usage && Object.keys(usage).length > 0 ? usage : undefined
}
