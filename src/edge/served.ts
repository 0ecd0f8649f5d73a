import type { Route } from '#exchange'
import { dialects } from '#wire'

/** The methods by which a path, without its query, is served here; none where it is not. */
export type ServedMethods = (path: string) => readonly string[]

export function listServed(routes: readonly Route[]): ServedMethods {
  const calls = Object.values(dialects).flatMap(({ routes }) => routes)
  const patterns = [
    ...calls.map(path => ({ method: 'POST', pattern: patternOf(path) })),
    ...routes.map(({ method, path }) => ({ method, pattern: patternOf(path) })),
  ]
  return path => [
    ...new Set(patterns.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method)),
  ]
}

/** `{model}` and `*` stand for the rest of a path, other names for one step of it. */
function patternOf(path: string): RegExp {
  const plain = path.replaceAll(/[.+?^$()[\]\\|]/g, '\\$&')
  const steps = plain.replace(/\{model\}|\*/g, '.+').replaceAll(/\{\w+\}/g, '[^/]+')
  return new RegExp(`^${steps}/?$`)
}
