import {
  allow,
  type CallClass,
  type Decision,
  type Family,
  type Passthrough,
  type Plan,
  type PlannedTarget,
  refuse,
  type Target,
  type Timeouts,
  targetName,
  type Unsupported,
} from '#exchange'
import { type Chance, nearestNames } from '#platform'
import { type Load, type Ordering, orderTargets, type Weighted } from './order.ts'
import { planPassthrough } from './passthrough.ts'

/** An alias as the owner configured it. A name or a target may end in `*`, which stands for the same text in both. */
export interface ModelRoute {
  name: string
  /** In order of preference, or with weights. */
  targets: readonly Weighted[]
  by: Ordering['by']
  /** Tried after all of those. */
  degradeTo: readonly PlannedTarget[]
  tryAgainMs: number | undefined
  failOverBlocked: boolean
  hedge?: Plan['hedge']
  retries: number
  timeouts: Readonly<Record<CallClass, Timeouts>>
  unsupported?: Unsupported | undefined
}

/** What holds where a caller names a target directly. */
export interface ProviderDefaults {
  timeouts: Timeouts
  retries: number
}

export interface RoutingOptions {
  models: readonly ModelRoute[]
  /** The configured providers. */
  providers: ReadonlyMap<string, ProviderDefaults>
  /** Of which families each provider has the other addresses too; absent: none of any. */
  families?: ReadonlyMap<string, readonly Family[]>
  /** Most input tokens of targets, `provider/model` or with a `*` at its end. */
  contexts?: Readonly<Record<string, number>>
  /** What to do with what a provider cannot take, where a model does not say. */
  unsupported?: Unsupported | undefined
  loadOf(target: Target): Load
  chance: Chance
}

/** What a plan is made for. */
export interface Planned {
  model: string
  class: CallClass
  /** Of a request that goes to a provider as it is; its model may be empty. */
  passthrough?: Passthrough | undefined
}

/** Where could it go: one immutable table for each configuration. */
export interface Routing {
  plan(planned: Planned): Decision<Plan>
  /** Names a caller can use: aliases without a `*`, and the targets they name. */
  names(): readonly string[]
}

export function createRouting(options: RoutingOptions): Routing {
  const { models, providers, families = new Map(), unsupported } = options
  const aliases = new Map(models.filter(model => !model.name.endsWith('*')).map(model => [model.name, model]))
  const wildcards = models
    .filter(model => model.name.endsWith('*'))
    .sort((a, b) => b.name.length - a.name.length) // the longest prefix says most
  const names = [
    ...new Set([
      ...aliases.keys(),
      ...models.flatMap(model => model.targets.map(({ target }) => `${target.provider}/${target.model}`)),
    ]),
  ].filter(name => !name.endsWith('*'))
  const withContexts = contextsOf(options.contexts)

  const direct = (model: string): Plan | undefined => {
    const slash = model.indexOf('/')
    const provider = model.slice(0, slash)
    const defaults = slash > 0 ? providers.get(provider) : undefined
    const name = model.slice(slash + 1)
    return defaults && name !== '' ? { targets: [{ provider, model: name }], ...defaults } : undefined
  }

  const wild = ({ model, class: callClass }: Planned): Plan | undefined => {
    const route = wildcards.find(({ name }) => model.startsWith(name.slice(0, -1)))
    if (!route) return undefined
    const rest = model.slice(route.name.length - 1)
    const plan = planOf(route, callClass, options)
    return {
      ...plan,
      targets: plan.targets.map(target => ({ ...target, model: target.model.replace(/\*$/, rest) })),
    }
  }

  const planModel = (planned: Planned): Decision<Plan> => {
    const alias = aliases.get(planned.model)
    const plan = alias ? planOf(alias, planned.class, options) : (direct(planned.model) ?? wild(planned))
    if (!plan) return unknownModel(planned.model, [...names], [...providers.keys()])
    return allow({
      ...plan,
      targets: withContexts(plan.targets),
      unsupported: plan.unsupported ?? unsupported,
    })
  }

  return {
    plan: planned =>
      planned.passthrough
        ? planPassthrough(planned, planned.passthrough, {
            planModel: () => planModel(planned),
            providers,
            families,
          })
        : planModel(planned),
    names: () => names,
  }
}

function planOf(route: ModelRoute, callClass: CallClass, { chance, loadOf }: RoutingOptions): Plan {
  const { degradeTo, failOverBlocked, hedge, retries, tryAgainMs, unsupported } = route
  const targets = orderTargets(route.targets, { by: route.by, chance, loadOf })
  return {
    targets: degradeTo.length > 0 ? [...targets, ...degradeTo] : targets,
    timeouts: route.timeouts[callClass],
    retries,
    failOverBlocked,
    hedge,
    tryAgainMs,
    unsupported,
  }
}

/** Adds what is known of the contexts of targets; nothing at all where the owner says nothing of any. */
function contextsOf(
  contexts: Readonly<Record<string, number>> = {},
): (targets: readonly PlannedTarget[]) => readonly PlannedTarget[] {
  if (Object.keys(contexts).length === 0) return targets => targets
  const patterns = Object.entries(contexts)
    .filter(([name]) => name.endsWith('*'))
    .sort(([a], [b]) => b.length - a.length)
  const contextOf = (name: string): number | undefined =>
    contexts[name] ?? patterns.find(([pattern]) => name.startsWith(pattern.slice(0, -1)))?.[1]
  return targets => targets.map(target => ({ ...target, contextTokens: contextOf(targetName(target)) }))
}

function unknownModel(model: string, names: string[], providers: string[]): Decision<never> {
  const shown = model.length > 100 ? `${model.slice(0, 100)}…` : model
  const near = nearestNames(model, names, 3)
  const hint = near.length > 0 ? ` Did you mean ${near.map(name => `\`${name}\``).join(' or ')}?` : ''
  const direct =
    providers.length > 0
      ? ` A target is named \`provider/model\`; providers here: ${providers.join(', ')}.`
      : ''
  return refuse('model_not_found', `There is no model \`${shown}\` here.${hint}${direct}`, { param: 'model' })
}
