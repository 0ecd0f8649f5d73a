export { checkModels, modelsConfig, unsupportedConfig } from './config.ts'
export { readModels } from './read-models.ts'
export type { ModelRoute, Routing, RoutingOptions } from './routing.ts'
export { createRouting } from './routing.ts'
