import type { Tool, ToolChoice } from '#exchange'
import { isObject } from '../json-body.ts'
import {
  optionalArray,
  optionalObject,
  optionalString,
  optionalWord,
  requiredString,
  said,
  wrong,
} from '../reading.ts'
import { camelFields, type Json, repeated } from './json.ts'

type Schema = Readonly<Record<string, unknown>>

/** One entry may hold functions and Google's own tools beside them. */
export function readTools(values: readonly unknown[]): Tool[] {
  return values.flatMap((value, i) => {
    const path = `tools[${i}]`
    const { functionDeclarations, ...hosted } = camelFields(value, path)
    const declared = repeated(
      { functionDeclarations },
      'functionDeclarations',
      `${path}.functionDeclarations`,
    )
    return [
      ...(declared ?? []).map((entry, k) => readFunction(entry, `${path}.functionDeclarations[${k}]`)),
      ...Object.entries(hosted)
        .filter(([, settings]) => settings !== null && settings !== undefined)
        .map(
          ([name, settings]): Tool => ({
            type: 'hosted',
            dialect: 'gemini',
            name,
            value: { [name]: settings },
          }),
        ),
    ]
  })
}

function readFunction(value: unknown, path: string): Tool {
  const json = camelFields(value, path)
  if (json.behavior === 'NON_BLOCKING')
    wrong(`${path}.behavior`, `\`${path}.behavior: NON_BLOCKING\` is only known to the live API.`)
  const schema =
    optionalObject(json, 'parametersJsonSchema', `${path}.parametersJsonSchema`) ??
    (json.parameters ? readSchema(json.parameters, `${path}.parameters`) : undefined)
  return {
    type: 'function',
    name: requiredString(json, 'name', `${path}.name`),
    ...said<{ description?: string; schema?: Schema }>({
      description: optionalString(json, 'description', `${path}.description`),
      schema,
    }),
  }
}

/**
 * Gemini's `Schema` (a subset of OpenAPI 3.0) as JSON Schema: types in small letters, `nullable` as a type, counts as
 * numbers where ProtoJSON writes them as texts.
 */
export function readSchema(value: unknown, path: string): Schema {
  const {
    type,
    nullable,
    properties,
    items,
    anyOf,
    example,
    propertyOrdering: _order,
    ...rest
  } = camelFields(value, path)
  const schema: Record<string, unknown> = {}
  const word = typeof type === 'string' && type !== 'TYPE_UNSPECIFIED' ? type.toLowerCase() : undefined
  if (word !== undefined) schema.type = nullable === true ? [word, 'null'] : word
  for (const [name, inner] of Object.entries(rest)) {
    const isCount = /^(min|max)(Items|Length|Properties)$/.test(name) && typeof inner === 'string'
    if (inner !== null && inner !== undefined) schema[name] = isCount ? Number(inner) : inner
  }
  if (nullable === true && Array.isArray(schema.enum)) schema.enum = [...schema.enum, null]
  if (isObject(properties))
    schema.properties = Object.fromEntries(
      Object.entries(properties).map(([name, inner]) => [
        name,
        readSchema(inner, `${path}.properties.${name}`),
      ]),
    )
  if (items !== undefined && items !== null) schema.items = readSchema(items, `${path}.items`)
  if (Array.isArray(anyOf)) {
    const any = anyOf.map((inner: unknown, i) => readSchema(inner, `${path}.anyOf[${i}]`))
    schema.anyOf = nullable === true && word === undefined ? [...any, { type: 'null' }] : any
  }
  if (example !== undefined) schema.examples = [example]
  return schema
}

/** `VALIDATED` is like `AUTO` here; that its calls follow their schemas is said at the tools. */
export function readToolChoice(toolConfig: Json): ToolChoice | undefined {
  const path = 'toolConfig.functionCallingConfig'
  if (toolConfig.functionCallingConfig === undefined || toolConfig.functionCallingConfig === null)
    return undefined
  const json = camelFields(toolConfig.functionCallingConfig, path)
  const mode = optionalWord(
    json,
    'mode',
    ['MODE_UNSPECIFIED', 'AUTO', 'ANY', 'NONE', 'VALIDATED'],
    `${path}.mode`,
  )
  const allowed = optionalArray(json, 'allowedFunctionNames', `${path}.allowedFunctionNames`) ?? []
  const names = allowed.map((name, i) =>
    requiredString({ name }, 'name', `${path}.allowedFunctionNames[${i}]`),
  )
  const [only] = names
  if (mode === 'NONE') return { type: 'none' }
  if (mode === 'ANY' && names.length === 1 && only !== undefined) return { type: 'tool', name: only }
  if (names.length > 0) return { type: 'allowed', mode: mode === 'ANY' ? 'required' : 'auto', names }
  if (mode === 'ANY') return { type: 'required' }
  return mode === 'AUTO' || mode === 'VALIDATED' ? { type: 'auto' } : undefined
}
