import type { TSchema } from 'typebox'
import type { Route } from '#exchange'

/** Describes our own API (OpenAPI 3.1) from the same declarations that serve it. */
export function describeApi(routes: readonly Route[], version: string): Record<string, unknown> {
  const paths: Record<string, Record<string, unknown>> = {}
  for (const route of routes) {
    paths[route.path] ??= {}
    const methods = paths[route.path] ?? {}
    methods[route.method.toLowerCase()] = describeRoute(route)
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Sluice',
      version,
      description:
        'What no vendor has an API for: keys, the call log, usage. Model calls take the paths and shapes of the vendors’ own SDKs.',
    },
    components: { securitySchemes: { key: { type: 'http', scheme: 'bearer' } } },
    paths,
  }
}

function describeRoute(route: Route): Record<string, unknown> {
  return {
    summary: route.summary,
    security: route.requires === 'nothing' ? [] : [{ key: [] }],
    'x-requires': route.requires,
    parameters: [...parameters(route.params, 'path'), ...parameters(route.query, 'query')],
    ...(route.body && {
      requestBody: { required: true, content: { 'application/json': { schema: route.body } } },
    }),
    responses: {
      [route.answer.status]: {
        description: 'The answer.',
        content: { 'application/json': { schema: route.answer.schema } },
      },
    },
  }
}

function parameters(schema: TSchema | undefined, place: 'path' | 'query'): unknown[] {
  const { properties = {}, required = [] } = (schema ?? {}) as {
    properties?: Record<string, { type?: string; description?: string }>
    required?: string[]
  }
  return Object.entries(properties).map(([name, property]) => ({
    name,
    in: place,
    required: place === 'path' || required.includes(name),
    description: property.description,
    schema: property,
    ...(property.type === 'array' && { style: 'form', explode: false }),
  }))
}
