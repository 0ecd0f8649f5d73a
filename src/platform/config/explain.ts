import type { ErrorObject } from 'ajv'
import { nearest } from '../nearest.ts'
import { expectedQuantity, type QuantityKind } from './quantities.ts'
import type { Shape } from './shape.ts'
import type { Finding } from './source.ts'
import type { Path } from './values.ts'

/** An error of the schema in words: what was expected, and the nearest name for one that is not known. */
export interface Explanation extends Finding {
  /** The value cannot be worked with, so rules that read it have to wait. */
  breaks: boolean
}

export function explainAll(errors: readonly ErrorObject[], data: unknown): Explanation[] {
  const misspelt = errors.flatMap(error => {
    const meant = error.keyword === 'additionalProperties' ? nearestSetting(error) : undefined
    return meant === undefined ? [] : [`${error.instancePath}/${meant}`]
  })
  const isMisspelt = (error: ErrorObject): boolean =>
    error.keyword === 'required' && misspelt.includes(`${error.instancePath}/${error.params.missingProperty}`)
  return errors
    .filter(error => !isMisspelt(error))
    .map(error => explain(error, pathOf(error.instancePath, data)))
}

function explain(error: ErrorObject, path: Path): Explanation {
  const words = (error.parentSchema ?? {}) as Shape
  const value = (message: string, hint?: string): Explanation => ({ path, message, hint, breaks: true })
  switch (error.keyword) {
    case 'additionalProperties':
      return explainName(error, path, words)
    case 'required':
      return { path: [...path, error.params.missingProperty], message: 'This is missing.', breaks: true }
    case 'later':
      return { path, message: String(error.schema), atKey: true, breaks: false }
    case 'quantity':
      return value(`This must be ${expectedQuantity(error.schema as QuantityKind, words)}.`)
    case 'type':
      return {
        ...value(`This must be ${typeNames(error.schema)}, not ${typeName(error.data)}.`, quotesHint(error)),
        isStray: typeof error.data === 'string',
      }
    case 'enum': {
      const allowed: string[] = error.params.allowedValues
      return value(`This must be one of ${allowed.join(', ')}.`, didYouMean(String(error.data), allowed))
    }
    case 'pattern':
      return value(words.patternHint ?? `This must match ${error.schema}.`)
    case 'minLength':
      return value(
        error.schema === 1 ? 'This is empty.' : `This must have at least ${error.schema} characters.`,
      )
    case 'minItems':
      return value('This list is empty.')
    case 'minProperties':
      return value('There is nothing in it.')
    case 'minimum':
      return value(`This must be at least ${error.schema}.`)
    case 'maximum':
      return value(`This must be at most ${error.schema}.`)
    default:
      return value(`This ${error.message ?? 'is not right'}.`)
  }
}

function explainName(error: ErrorObject, path: Path, { nameHint }: Shape): Explanation {
  const name = String(error.params.additionalProperty)
  const known = settingsBeside(error)
  const meant = nearestSetting(error)
  const hint = meant
    ? `Did you mean \`${meant}\`?`
    : known.length > 0
      ? `Known here: ${known.join(', ')}.`
      : nameHint
  const message = known.length > 0 ? 'There is no such setting.' : 'This name is not allowed.'
  return {
    path: [...path, name],
    message,
    hint,
    atKey: true,
    isStray: true,
    breaks: known.length === 0,
  }
}

function nearestSetting(error: ErrorObject): string | undefined {
  return nearest(String(error.params.additionalProperty), settingsBeside(error))
}

/** The settings that could have been meant; those of later versions could not. */
function settingsBeside(error: ErrorObject): string[] {
  const { properties } = (error.parentSchema ?? {}) as Shape
  return Object.entries(properties ?? {}).flatMap(([name, { later }]) => (later === undefined ? [name] : []))
}

function didYouMean(name: string, known: readonly string[]): string | undefined {
  const near = nearest(name, known)
  return near === undefined ? undefined : `Did you mean \`${near}\`?`
}

function quotesHint(error: ErrorObject): string | undefined {
  const isTextWanted = error.schema === 'string' && ['number', 'boolean'].includes(typeof error.data)
  return isTextWanted ? 'Put it in quotes.' : undefined
}

const typeWords: Readonly<Record<string, string>> = {
  object: 'a map',
  array: 'a list',
  string: 'text',
  number: 'a number',
  integer: 'a whole number',
  boolean: 'true or false',
  null: 'nothing',
}

function typeNames(types: unknown): string {
  const names = [types].flat().map(type => typeWords[String(type)] ?? String(type))
  return names.join(' or ')
}

function typeName(value: unknown): string {
  if (typeof value === 'number' && !Number.isInteger(value)) return 'a fraction'
  if (value === null || value === undefined) return 'nothing'
  return Array.isArray(value) ? 'a list' : (typeWords[typeof value] ?? typeof value)
}

/** Ajv's JSON Pointer as steps; a list's are numbers. */
function pathOf(pointer: string, data: unknown): Path {
  let node = data
  return pointer
    .split('/')
    .slice(1)
    .map(part => {
      const name = part.replaceAll('~1', '/').replaceAll('~0', '~')
      const step = Array.isArray(node) ? Number(name) : name
      node = typeof node === 'object' && node !== null ? Reflect.get(node, step) : undefined
      return step
    })
}
