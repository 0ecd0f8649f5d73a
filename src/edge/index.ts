export { listenConfig, requestsConfig, streamsConfig } from './config.ts'
export type { Edge, EdgeOptions } from './edge.ts'
export { createEdge } from './edge.ts'
