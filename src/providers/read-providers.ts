import type { ProviderConfig } from './config.ts'
import type { Provider } from './provider.ts'
import { simulatorVendor, vendors } from './vendors.ts'

/** Records of the configured providers. A known vendor brings its own address; the simulator's is handed in. */
export function readProviders(
  configured: Readonly<Record<string, ProviderConfig>>,
  simulatorUrl: () => string,
): Provider[] {
  return Object.entries(configured).map(([name, config]) => {
    const vendorName = config.vendor ?? name
    const vendor = vendors[vendorName]
    const isSimulator = vendorName === simulatorVendor && config.base_url === undefined
    const url = new URL(config.base_url ?? (isSimulator ? simulatorUrl() : (vendor?.baseUrl ?? '')))
    const secret = config.api_key
    return {
      name,
      // A provider at an address of its own does not charge a vendor's prices because it is called like one.
      vendor:
        config.vendor === undefined && config.base_url !== undefined
          ? `house:${name}`
          : (vendor?.prices ?? vendorName),
      origin: url.origin,
      basePath: url.pathname.replace(/\/+$/, ''),
      headers: {
        ...(secret !== undefined && { authorization: `Bearer ${secret}` }),
        ...lowerCase(config.headers),
      },
      forwards: vendorName === simulatorVendor ? ['x-sim-script', 'x-sim-request'] : ['openai-beta'],
      secret,
      connections: config.connections,
      connectTimeoutMs: config.timeouts.connect,
      maxAnswerBytes: config.max_answer,
    }
  })
}

function lowerCase(headers: Readonly<Record<string, string>> | undefined): Record<string, string> {
  return Object.fromEntries(Object.entries(headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]))
}
