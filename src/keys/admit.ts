import { allow, type Caller, type Decision, type Passthrough, refuse } from '#exchange'

const namesShown = 20
const nameShownChars = 100

/**
 * Whether a key may use a model: by its exact name, or by a pattern that ends in `*`. No list: all models. What is
 * passed through to a provider as it is needs a permission of its own, and names a model where the key has a list.
 */
export function admit(caller: Caller, model: string, passthrough?: Passthrough): Decision<void> {
  const { models } = caller
  if (passthrough && !caller.passthrough && caller.role !== 'admin') return refusePassthrough(passthrough)
  if (passthrough && model === '') return models ? refuseUnnamed(models) : allow(undefined)
  if (!models || models.some(allowed => matches(allowed, model))) return allow(undefined)
  return refuse(
    'model_not_allowed',
    `This key may not use the model \`${model.slice(0, nameShownChars)}\`. It may use: ${listed(models)}.`,
    { param: 'model' },
  )
}

function refusePassthrough({ method, path }: Passthrough): Decision<never> {
  return refuse(
    'permission_denied',
    `${method} ${path.slice(0, 200)} is not served here; it could only be passed through to a provider as it is, which this key may not. An admin can allow that: \`passthrough: true\` of the key in the configuration, or by \`PATCH /sluice/v1/keys/{id}\`.`,
  )
}

function refuseUnnamed(models: readonly string[]): Decision<never> {
  return refuse(
    'permission_denied',
    `This request names no model, and this key may only use: ${listed(models)}. A key without a list of models may send it.`,
    { param: 'model' },
  )
}

function matches(allowed: string, model: string): boolean {
  return allowed.endsWith('*') ? model.startsWith(allowed.slice(0, -1)) : allowed === model
}

function listed(models: readonly string[]): string {
  const shown = models.slice(0, namesShown).join(', ')
  return models.length > namesShown ? `${shown} and ${models.length - namesShown} more` : shown
}
