import { type ApiError, badRequest } from '../api-error.ts'
import type { Body } from '../dialect.ts'
import { asBody, asList, asText } from '../fields.ts'
import { violation } from './check-contents.ts'

const names = /^[A-Za-z_][A-Za-z0-9_.:-]{0,127}$/

/** The functions that are declared, whichever of the tools declares them. */
export function declarationsOf(tools: unknown): Body[] {
  return asList(tools).flatMap(tool => asList(asBody(tool).functionDeclarations).map(asBody))
}

export function checkTools(request: Body): ApiError | undefined {
  for (const [at, tool] of asList(request.tools).entries()) {
    for (const [index, declaration] of asList(asBody(tool).functionDeclarations).entries()) {
      const wrong = checkDeclaration(asBody(declaration), `tools[${at}].function_declarations[${index}]`)
      if (wrong) return wrong
    }
  }
  const declared = declarationsOf(request.tools).map(one => String(one.name))
  const twice = declared.find((name, at) => declared.indexOf(name) !== at)
  if (twice !== undefined) return badRequest(`Duplicate function declaration found: ${twice}`, null)
  return checkCallingConfig(asBody(asBody(request.toolConfig).functionCallingConfig), declared)
}

function checkDeclaration(declaration: Body, place: string): ApiError | undefined {
  if (!names.test(asText(declaration.name) ?? '')) {
    return violation(
      `${place}.name`,
      '[FIELD_INVALID] Invalid function name. Must start with a letter or an underscore. Must be alphanumeric ' +
        '(a-z, A-Z, 0-9), underscores (_), dots (.), colons (:), or dashes (-), with a maximum length of 128.',
    )
  }
  if (declaration.parameters !== undefined && declaration.parametersJsonSchema !== undefined) {
    return violation(place, 'only one of parameters and parameters_json_schema may be set')
  }
  return declaration.parameters === undefined
    ? undefined
    : checkSchema(asBody(declaration.parameters), `${place}.parameters`)
}

/** What an OpenAPI schema must have beyond being well-formed. */
export function checkSchema(schema: Body, place: string): ApiError | undefined {
  const properties = asBody(schema.properties)
  if (schema.type === 'OBJECT' && schema.properties !== undefined && Object.keys(properties).length === 0) {
    return violation(`${place}.properties`, 'should be non-empty for OBJECT type')
  }
  if (schema.type === 'ARRAY' && schema.items === undefined)
    return violation(`${place}.items`, 'missing field.')
  for (const [at, name] of asList(schema.required).entries()) {
    if (!Object.hasOwn(properties, String(name))) {
      return violation(`${place}.required[${at}]`, 'property is not defined')
    }
  }
  const inner: [string, unknown][] = [
    ...Object.entries(properties).map(([name, one]): [string, unknown] => [`properties[${name}]`, one]),
    ...asList(schema.anyOf).map((one, at): [string, unknown] => [`any_of[${at}]`, one]),
    ...(schema.items === undefined ? [] : [['items', schema.items] as [string, unknown]]),
  ]
  for (const [name, one] of inner) {
    const wrong = checkSchema(asBody(one), `${place}.${name}`)
    if (wrong) return wrong
  }
  return undefined
}

function checkCallingConfig(
  { mode, allowedFunctionNames }: Body,
  declared: readonly string[],
): ApiError | undefined {
  const allowed = asList(allowedFunctionNames).map(String)
  const place = 'tool_config.function_calling_config'
  if (allowed.length > 0 && mode !== 'ANY' && mode !== 'VALIDATED') {
    return violation(`${place}.allowed_function_names`, 'may only be set when mode is ANY or VALIDATED.')
  }
  if (mode === 'ANY' && declared.length === 0) {
    return badRequest('Function calling config is set without function_declarations.', null)
  }
  const strange = allowed.find(name => !declared.includes(name))
  if (strange === undefined) return undefined
  return violation(`${place}.allowed_function_names`, `${strange} is not a declared function.`)
}
