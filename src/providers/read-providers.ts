import { createHash } from 'node:crypto'
import { type Dialect, familyOf } from '#exchange'
import type { Clock } from '#platform'
import type { Quirk } from '#wire'
import type { BreakerLimits } from './breaker.ts'
import { houseOf, isVendors, type ProviderConfig } from './config.ts'
import { createCredential } from './create-credential.ts'
import type { Credential } from './credential.ts'
import { simulator } from './houses.ts'
import { readLimits } from './lane-config.ts'
import type { Provider, ProviderAsk } from './provider.ts'
import { type SettingName, type Settings, settingNames, type Vendor, type VendorAsk } from './vendor.ts'
import { simulatorVendor, vendors } from './vendors.ts'

export interface ProviderDeps {
  /** Where the built-in simulator answers, if the configuration wants it. */
  simulatorUrl(): string
  clock: Clock
}

/** Records of the configured providers. A known vendor brings its own address; the simulator's is handed in. */
export function readProviders(
  configured: Readonly<Record<string, ProviderConfig>>,
  deps: ProviderDeps,
): Provider[] {
  return Object.entries(configured).map(([name, config]) => readProvider(name, config, deps))
}

function readProvider(name: string, config: ProviderConfig, { simulatorUrl, clock }: ProviderDeps): Provider {
  const vendorName = config.vendor ?? name
  const isOwn = config.base_url !== undefined
  const vendor = vendorOf(name, config)
  const settings = settingsOf(config)
  const isSimulator = vendorName === simulatorVendor
  const known = typeof vendor.baseUrl === 'function' ? vendor.baseUrl(settings) : vendor.baseUrl
  const url = new URL(config.base_url ?? (isSimulator ? simulatorUrl() : known))
  const basePath = withVersion(url.pathname.replace(/\/+$/, ''), vendor.version)
  const ask = createAsking(vendor, { basePath, settings, isOwn })
  const headers = lowerCase(config.headers)
  const credential = unlessGiven(
    headers,
    createCredential(vendor.auth ?? 'bearer', { provider: name, settings, clock }),
  )
  return {
    name,
    identity: `${name} ${createHash('sha256').update(JSON.stringify(config)).digest('base64url')}`,
    vendor: isVendors(name, config) ? (vendor.prices ?? vendorName) : `house:${name}`,
    origin: url.origin,
    ...ask,
    quirks: new Set([...(vendor.quirks ?? []), ...((config.quirks ?? []) as Quirk[])]),
    headers: { ...vendor.headers, ...headers },
    credential,
    forwards: isSimulator ? [...forwarded, 'x-sim-script', 'x-sim-request'] : forwarded,
    get secrets() {
      return [...credential.secrets, ...secretHeaders(headers)]
    },
    connections: config.connections,
    limits: readLimits(config.limits),
    connectTimeoutMs: config.timeouts.connect,
    breaker: readBreaker(config.breaker),
    maxAnswerBytes: config.max_answer,
  }
}

function readBreaker(config: ProviderConfig['breaker']): BreakerLimits {
  return {
    failures: config.failures,
    ratio: config.ratio,
    leastAttempts: config.least_attempts,
    windowMs: config.window,
    cooldownMs: config.cooldown,
    longestCooldownMs: config.longest_cooldown,
  }
}

const forwarded = ['openai-beta', 'anthropic-beta', 'anthropic-version']

function vendorOf(name: string, config: ProviderConfig): Vendor {
  const { vendor = name } = config
  if (!isVendors(name, config)) return houseOf(config)
  return vendor === simulatorVendor ? simulator : (vendors[vendor] ?? houseOf(config))
}

/** An owner's address as the vendor's own SDKs take one: they add the version where it is missing. */
function withVersion(basePath: string, version: string | undefined): string {
  return version === undefined || /\/v\d\w*$/.test(basePath) ? basePath : basePath + version
}

function settingsOf(config: ProviderConfig): Settings {
  const given = settingNames.flatMap((name): [SettingName, string][] => {
    const value = config[name]
    return value === undefined ? [] : [[name, value]]
  })
  return Object.fromEntries(given)
}

interface Place {
  basePath: string
  settings: Settings
  /** The address is the owner's, not the vendor's. */
  isOwn: boolean
}

function createAsking(
  vendor: Vendor,
  { basePath, settings, isOwn }: Place,
): Pick<Provider, 'speaks' | 'families' | 'path' | 'body'> {
  const elsewhere = isOwn ? {} : (vendor.elsewhere ?? {})
  const further = Object.keys(elsewhere) as Dialect[]
  const { speaks = ['openai-chat', 'openai-embeddings'] } = vendor
  const asFor = (ask: ProviderAsk): VendorAsk => ({ ...ask, settings })
  const always = typeof speaks === 'function' ? undefined : [...speaks, ...further]
  const speaksFor = (model: string): readonly Dialect[] =>
    always ?? [...(typeof speaks === 'function' ? speaks(model) : []), ...further]
  // Where the dialect hangs on the model (Vertex), model calls have ways of their own, and nothing else has theirs.
  const families = typeof speaks === 'function' ? [] : speaksFor('').flatMap(name => familyOf(name) ?? [])
  return {
    speaks: speaksFor,
    families: [...new Set(families)],
    path(ask) {
      const asked = asFor(ask)
      const base = elsewhere[ask.dialect]
      return base === undefined ? basePath + (vendor.path?.(asked) ?? asked.own) : base + asked.own
    },
    body: (body, ask) => vendor.body?.(body, asFor(ask)) ?? body,
  }
}

/** A header that the owner has set himself is not set again. */
function unlessGiven(headers: Readonly<Record<string, string>>, credential: Credential): Credential {
  const isGiven = (name: string): boolean => Object.hasOwn(headers, name)
  return ['authorization', 'x-api-key', 'x-goog-api-key', 'api-key'].some(isGiven)
    ? { authorize: () => ({}), secrets: credential.secrets }
    : credential
}

function secretHeaders(headers: Readonly<Record<string, string>>): string[] {
  return Object.entries(headers).flatMap(([name, value]) =>
    /authorization|key|token|secret|cookie/.test(name)
      ? [value.replace(/^\w+ /, '')].filter(text => text.length >= 8)
      : [],
  )
}

function lowerCase(headers: Readonly<Record<string, string>> | undefined): Record<string, string> {
  return Object.fromEntries(Object.entries(headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]))
}
