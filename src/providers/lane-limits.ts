/** What may be asked of a provider, or of one of its models; what is absent is not limited. */
export interface GateLimits {
  requestsPerMinute?: number | undefined
  tokensPerMinute?: number | undefined
  /** At once. */
  concurrency?: number | undefined
}

/** How long, and how many, calls may wait for a provider. */
export interface QueueLimits {
  interactiveMs: number
  batchMs: number
  /** Of each class. */
  length: number
}

/** The limits of a provider as its owner says them. */
export interface LaneLimits extends GateLimits {
  /** By the name of a model, or a pattern that ends in `*`. */
  models: Readonly<Record<string, GateLimits>>
  queue: QueueLimits
}

/** Also the defaults of the configuration's `limits.queue`. */
export const usualQueue: QueueLimits = { interactiveMs: 10_000, batchMs: 300_000, length: 1_000 }

/** The limits of one model: those under its name, else under the longest pattern that it fits. */
export function limitsOf(models: LaneLimits['models'], model: string): GateLimits | undefined {
  if (Object.hasOwn(models, model)) return models[model]
  const fitting = Object.keys(models).filter(
    pattern => pattern.endsWith('*') && model.startsWith(pattern.slice(0, -1)),
  )
  const [longest] = fitting.toSorted((a, b) => b.length - a.length)
  return longest === undefined ? undefined : models[longest]
}
