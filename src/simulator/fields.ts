import type { Body } from './dialect.ts'

/** An object's fields; for all else an object without fields. */
export function asBody(value: unknown): Body {
  return typeOf(value) === 'object' ? (value as Body) : {}
}

export function asText(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

export function asNumber(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined
}

export function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

/** As `typeof`, but it tells null, lists and objects apart. */
export function typeOf(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'array' : typeof value
}
