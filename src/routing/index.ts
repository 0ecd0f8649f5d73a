export type { ModelRoute, Routing, RoutingOptions } from './routing.ts'
export { createRouting } from './routing.ts'
