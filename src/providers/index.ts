export type { Provider } from './provider.ts'
export type { Providers } from './providers.ts'
export { createProviders } from './providers.ts'
