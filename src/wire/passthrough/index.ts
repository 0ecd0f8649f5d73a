export { parsePassthrough } from './parse-request.ts'
export { openPassthrough } from './passage.ts'
