export type { Client, Gateway } from './answer.ts'
export { answer } from './answer.ts'
