export type { Simulator } from './simulator.ts'
export { createSimulator } from './simulator.ts'
