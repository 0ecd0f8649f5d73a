import { allow, type Caller, type Decision, refuse } from '#exchange'

const namesShown = 20
const nameShownChars = 100

/** Whether a key may use a model: by its exact name, or by a pattern that ends in `*`. No list: all models. */
export function admit(caller: Caller, model: string): Decision<void> {
  const { models } = caller
  if (!models || models.some(allowed => matches(allowed, model))) return allow(undefined)
  return refuse(
    'model_not_allowed',
    `This key may not use the model \`${model.slice(0, nameShownChars)}\`. It may use: ${listed(models)}.`,
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
