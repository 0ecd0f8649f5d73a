import { allow, type Decision, type Family, type Passthrough, type Plan, refuse } from '#exchange'
import type { ProviderDefaults } from './routing.ts'

export interface PassthroughPlanning {
  planModel(): Decision<Plan>
  providers: ReadonlyMap<string, ProviderDefaults>
  families: ReadonlyMap<string, readonly Family[]>
}

const names: Readonly<Record<Family, string>> = {
  openai: 'OpenAI',
  anthropic: 'Anthropic',
  gemini: 'Gemini',
}

/**
 * Where a request goes that is passed through: to the provider that its model goes to, else to the one that the
 * caller names, else to the only one that has such addresses. Which of several is not guessed: what one of them
 * keeps (files, batches, stores) the others do not know.
 */
export function planPassthrough(
  { model }: { model: string },
  passthrough: Passthrough,
  { planModel, providers, families }: PassthroughPlanning,
): Decision<Plan> {
  const { family, provider: named } = passthrough
  if (named !== undefined && !providers.has(named)) {
    return refuse(
      'invalid_request',
      `There is no provider \`${named.slice(0, 100)}\` here. Providers: ${listed([...providers.keys()])}.`,
      { param: 'x-sluice-provider' },
    )
  }
  const speakers = [...providers.keys()].filter(name => families.get(name)?.includes(family))
  const plan = model === '' ? planUnnamed(named, { family, speakers, providers }) : planModel()
  if (!plan.ok) return plan
  const target = plan.value.targets[0]
  if (target && speakers.includes(target.provider)) return allow({ ...plan.value, targets: [target] })
  return refuse(
    'unsupported_operation',
    `Provider \`${target?.provider}\` has no addresses of ${names[family]}, to which this could be passed through. Those that have: ${listed(speakers)}.`,
    { param: named === undefined ? 'model' : 'x-sluice-provider' },
  )
}

function planUnnamed(
  named: string | undefined,
  {
    family,
    speakers,
    providers,
  }: { family: Family; speakers: string[] } & Pick<PassthroughPlanning, 'providers'>,
): Decision<Plan> {
  const [first, ...others] = speakers
  const provider = named ?? (others.length === 0 ? first : undefined)
  const defaults = provider === undefined ? undefined : providers.get(provider)
  if (provider !== undefined && defaults) return allow({ targets: [{ provider, model: '' }], ...defaults })
  if (first === undefined)
    return refuse('unsupported_operation', `No provider here has addresses of ${names[family]}.`)
  return refuse(
    'invalid_request',
    `This names no model, and several providers have addresses of ${names[family]}: say which in the header \`x-sluice-provider\`. They are: ${listed(speakers)}.`,
    { param: 'x-sluice-provider' },
  )
}

function listed(providers: readonly string[]): string {
  return providers.join(', ') || 'none'
}
