import type { PlannedTarget, Target, Timeouts, Unsupported } from '#exchange'
import type { ModelConfig, TimeoutsConfig } from './config.ts'
import type { ModelRoute, ProviderDefaults } from './routing.ts'

interface ProviderSettings {
  timeouts: Required<LimitsConfig>
  retries: number
}

type LimitsConfig = Omit<TimeoutsConfig, 'batch'>

/** The routes of the configured models; where a model does not say how long or how often, its first target's provider does. */
export function readModels(
  models: Readonly<Record<string, ModelConfig>>,
  providers: Readonly<Record<string, ProviderSettings>>,
): { models: ModelRoute[]; providers: Map<string, ProviderDefaults> } {
  const defaults = new Map(
    Object.entries(providers).map(([name, { timeouts, retries }]) => [
      name,
      { timeouts: readTimeouts(timeouts) as Timeouts, retries },
    ]),
  )
  return {
    providers: defaults,
    models: Object.entries(models).map(([name, config]) => readModel(name, config, defaults)),
  }
}

function readModel(
  name: string,
  config: ModelConfig,
  defaults: ReadonlyMap<string, ProviderDefaults>,
): ModelRoute {
  const first = config.balance?.[0]?.use ?? config.targets?.[0] ?? ''
  const of = defaults.get(readTarget(first).provider)
  const { batch = {}, ...timeouts } = config.timeouts ?? {}
  const interactive = { ...of?.timeouts, ...readTimeouts(timeouts) } as Timeouts
  return {
    name,
    targets:
      config.balance?.map(({ use, weight }) => ({ target: readTarget(use), weight })) ??
      (config.targets ?? []).map((text, index) => ({ target: inOrder(text, index) })),
    by: (config.by ?? 'weight') as ModelRoute['by'],
    degradeTo: (config.degrade?.use ?? []).map(text => ({
      ...readTarget(text),
      degraded: 'degrade' as const,
    })),
    tryAgainMs: config.degrade?.try_again,
    failOverBlocked: config.on_content_block === 'fail_over',
    hedge: config.hedge && { afterMs: config.hedge.after, share: config.hedge.share },
    retries: config.retries ?? of?.retries ?? 0,
    unsupported: config.unsupported as Unsupported | undefined,
    timeouts: { interactive, batch: { ...interactive, ...readTimeouts(batch) } },
  }
}

/** Whatever stands behind the first choice is not what was asked for. */
function inOrder(text: string, index: number): PlannedTarget {
  return index === 0 ? readTarget(text) : { ...readTarget(text), degraded: 'fallback' }
}

/** `provider/model`; the model may contain slashes of its own. */
function readTarget(text: string): Target {
  const slash = text.indexOf('/')
  return { provider: text.slice(0, slash), model: text.slice(slash + 1) }
}

function readTimeouts(config: LimitsConfig): Partial<Timeouts> {
  return {
    ...(config.connect !== undefined && { connectMs: config.connect }),
    ...(config.first_token !== undefined && { firstTokenMs: config.first_token }),
    ...(config.idle !== undefined && { idleMs: config.idle }),
    ...(config.total !== undefined && { totalMs: config.total }),
  }
}
