import {
  allow,
  type Decision,
  type Family,
  type Passthrough,
  type Plan,
  refuse,
  type Target,
  type Timeouts,
  type Unsupported,
} from '#exchange'
import { type Chance, nearestNames } from '#platform'
import { planPassthrough } from './passthrough.ts'

/** An alias as the owner configured it. A name or a target may end in `*`, which stands for the same text in both. */
export interface ModelRoute {
  name: string
  /** In order of preference, or with weights. */
  targets: readonly { target: Target; weight?: number }[]
  timeouts: Timeouts
  unsupported?: Unsupported | undefined
}

export interface RoutingOptions {
  models: readonly ModelRoute[]
  /** Configured providers, and their time limits for callers who name a target directly. */
  providers: ReadonlyMap<string, Timeouts>
  /** Of which families each provider has the other addresses too; absent: none of any. */
  families?: ReadonlyMap<string, readonly Family[]>
  /** What to do with what a provider cannot take, where a model does not say. */
  unsupported?: Unsupported | undefined
  chance: Chance
}

/** Where could it go: one immutable table for each configuration. */
export interface Routing {
  /** `passthrough`: of a request that goes to a provider as it is; its model may be empty. */
  plan(model: string, passthrough?: Passthrough): Decision<Plan>
  /** Names a caller can use: aliases without a `*`, and the targets they name. */
  names(): readonly string[]
}

export function createRouting({
  models,
  providers,
  families = new Map(),
  unsupported,
  chance,
}: RoutingOptions): Routing {
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

  const direct = (model: string): Plan | undefined => {
    const slash = model.indexOf('/')
    const provider = model.slice(0, slash)
    const timeouts = slash > 0 ? providers.get(provider) : undefined
    const name = model.slice(slash + 1)
    return timeouts && name !== ''
      ? { targets: [{ provider, model: name }], timeouts, unsupported }
      : undefined
  }

  const wild = (model: string): Plan | undefined => {
    const route = wildcards.find(({ name }) => model.startsWith(name.slice(0, -1)))
    if (!route) return undefined
    const rest = model.slice(route.name.length - 1)
    const plan = planOf(route, chance)
    return {
      ...plan,
      targets: plan.targets.map(target => ({ ...target, model: target.model.replace(/\*$/, rest) })),
    }
  }

  const planModel = (model: string): Decision<Plan> => {
    const alias = aliases.get(model)
    const plan = alias ? planOf(alias, chance) : (direct(model) ?? wild(model))
    return plan
      ? allow({ ...plan, unsupported: plan.unsupported ?? unsupported })
      : unknownModel(model, [...names], [...providers.keys()])
  }

  return {
    plan: (model, passthrough) =>
      passthrough
        ? planPassthrough({ model, passthrough }, { planModel, providers, families })
        : planModel(model),
    names: () => names,
  }
}

function planOf(route: ModelRoute, chance: Chance): Plan {
  const total = route.targets.reduce((sum, { weight }) => sum + (weight ?? 0), 0)
  const targets = route.targets.map(({ target }) => target)
  const { timeouts, unsupported } = route
  if (total === 0) return { targets, timeouts, unsupported }
  let left = chance.random() * total
  const drawn = route.targets.find(({ weight }) => {
    left -= weight ?? 0
    return left < 0
  })
  const first = drawn?.target ?? targets[0]
  return {
    targets: first ? [first, ...targets.filter(target => target !== first)] : targets,
    timeouts,
    unsupported,
  }
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
