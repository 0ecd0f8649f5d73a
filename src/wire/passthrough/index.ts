export type { ForeignRequest } from './parse-request.ts'
export { parsePassthrough } from './parse-request.ts'
export { openPassthrough } from './passage.ts'
