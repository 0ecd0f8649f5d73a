export { answer } from './answer.ts'
export type { Client, Gateway } from './answer.ts'
