import { allow, type Decision, refuse } from '#exchange'

/** Every method of a model stands behind one wildcard: which of them is meant is told by the end of the path. */
export const modelRoutes = ['/v1beta/models/*', '/v1/models/*'] as const

export interface Address {
  model: string
  method: string
}

/**
 * Takes `openai/gpt-5:streamGenerateContent` apart. A model's name may have slashes and colons of its own, and the
 * SDKs put `models/` in front of it, so that it can stand there twice.
 */
export function readAddress(rest: string): Address | undefined {
  const colon = rest.lastIndexOf(':')
  if (colon === -1) return undefined
  return { model: bareName(rest.slice(0, colon)), method: rest.slice(colon + 1) }
}

export function bareName(name: string): string {
  return name.startsWith('models/') ? name.slice('models/'.length) : name
}

export function servesMethods(...methods: readonly string[]): (rest: string) => boolean {
  return rest => methods.includes(readAddress(rest)?.method ?? '')
}

export function requireAddress(rest: string): Decision<Address> {
  const address = readAddress(rest)
  if (address && address.model !== '') return allow(address)
  return refuse('invalid_request', 'The address names no model: it ends with `/models/MODEL:METHOD`.', {
    param: 'model',
  })
}

/** A model at Google, whose name is one step of the path; a tuned model brings the name of its collection. */
export function modelPath(model: string, method: string): string {
  const name = bareName(model)
  const [collection, id] = name.startsWith('tunedModels/')
    ? ['tunedModels', name.slice(12)]
    : ['models', name]
  return `/${collection}/${encodeURIComponent(id).replaceAll('%3A', ':')}:${method}`
}
