import type { Target, Timeouts, Unsupported } from '#exchange'
import type { ModelConfig, TimeoutsConfig } from './config.ts'
import type { ModelRoute } from './routing.ts'

/** The routes of the configured models; where a model sets no time limit, its first target's provider does. */
export function readModels(
  models: Readonly<Record<string, ModelConfig>>,
  providers: Readonly<Record<string, { timeouts: Required<TimeoutsConfig> }>>,
): { models: ModelRoute[]; providers: Map<string, Timeouts> } {
  const limits = new Map(
    Object.entries(providers).map(([name, { timeouts }]) => [name, readTimeouts(timeouts) as Timeouts]),
  )
  return {
    providers: limits,
    models: Object.entries(models).map(([name, config]) => {
      const targets =
        config.balance?.map(({ use, weight }) => ({ target: readTarget(use), weight })) ??
        (config.targets ?? []).map(text => ({ target: readTarget(text) }))
      const defaults = limits.get(targets[0]?.target.provider ?? '')
      const { unsupported } = config
      return {
        name,
        targets,
        unsupported: unsupported as Unsupported | undefined,
        timeouts: { ...defaults, ...readTimeouts(config.timeouts ?? {}) } as Timeouts,
      }
    }),
  }
}

/** `provider/model`; the model may contain slashes of its own. */
function readTarget(text: string): Target {
  const slash = text.indexOf('/')
  return { provider: text.slice(0, slash), model: text.slice(slash + 1) }
}

function readTimeouts(config: TimeoutsConfig): Partial<Timeouts> {
  return {
    ...(config.connect !== undefined && { connectMs: config.connect }),
    ...(config.first_token !== undefined && { firstTokenMs: config.first_token }),
    ...(config.idle !== undefined && { idleMs: config.idle }),
    ...(config.total !== undefined && { totalMs: config.total }),
  }
}
