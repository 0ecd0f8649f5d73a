import type { Dialect } from '#exchange'
import type { Quirk } from '#wire'
import type { ProviderAsk } from './provider.ts'

/**
 * What is known of a vendor without being told: where it is, what it speaks, how it knows us. A vendor is a record
 * in `vendors/`, in a file of its own or a line in `compatible.ts`; adding one changes nothing else.
 */
export interface Vendor {
  /** With the part of the path before a dialect's own. Some need a region, a project, a resource. */
  baseUrl: string | ((settings: Settings) => string)
  /** Best first: what is said in another dialect is translated to the first. Absent: OpenAI chat and embeddings. */
  speaks?: readonly Dialect[] | ((model: string) => readonly Dialect[])
  /** Further dialects at the same host, by the path before their own; not where the owner gave an address. */
  elsewhere?: Readonly<Partial<Record<Dialect, string>>>
  /** Settings that it reads, and the environment variables that each usually stands in, in order of preference. */
  env?: Readonly<Partial<Record<SettingName, readonly string[]>>>
  /** One of these sets must be given. Absent: the API key, if it has one. */
  needs?: readonly (readonly SettingName[])[]
  /** What must be in the environment for it to become a provider by itself. Absent: what it needs. */
  switchedOnBy?: readonly SettingName[] | 'nothing'
  /** Of the API, as the path's last part; added to an owner's address that ends without one. */
  version?: string
  /** Absent: the API key as `Authorization: Bearer`. */
  auth?: Auth
  quirks?: readonly Quirk[]
  /** Where a request goes under the base URL, if not to the dialect's own path. */
  path?(ask: VendorAsk): string | undefined
  /** The body, if the vendor wants another than the dialect's. */
  body?(body: Buffer, ask: VendorAsk): Buffer
  /** Sent with every request. */
  headers?: Readonly<Record<string, string>>
  /** Its name in the published prices, where that is another. */
  prices?: string
  /** Without a configuration file, the first of those that have a key answers any model. Absent: after those that have one. */
  rank?: number
}

export const settingNames = [
  'api_key',
  'region',
  'project',
  'location',
  'resource',
  'api_version',
  'credentials',
  'access_key_id',
  'secret_access_key',
  'session_token',
] as const

export type SettingName = (typeof settingNames)[number]
export type Settings = Readonly<Partial<Record<SettingName, string>>>

/** How a vendor is told who asks: a header with the API key, or what `createCredential` makes by that name. */
export type Auth = 'bearer' | 'x-api-key' | 'x-goog-api-key' | 'azure' | 'google' | 'aws'

export interface VendorAsk extends ProviderAsk {
  settings: Settings
}

/** The sets of settings of which one must be there. */
export function neededBy(vendor: Vendor): readonly (readonly SettingName[])[] {
  return vendor.needs ?? [vendor.env?.api_key ? ['api_key'] : []]
}

/** Whether a setting means anything to a vendor. */
export function reads(vendor: Vendor, name: SettingName): boolean {
  // A key for a server that needs none: there may be a proxy before it.
  if (name === 'api_key') return vendor.auth !== 'google'
  return vendor.env?.[name] !== undefined || neededBy(vendor).some(set => set.includes(name))
}

export interface FoundSetting {
  variable: string
  value: string
}

/** The settings that the environment has for a vendor; undefined when that is not enough to make it a provider. */
export function settingsFromEnvironment(
  vendor: Vendor,
  env: Readonly<Record<string, string | undefined>>,
): Readonly<Partial<Record<SettingName, FoundSetting>>> | undefined {
  const found: Partial<Record<SettingName, FoundSetting>> = {}
  for (const name of settingNames) {
    const variable = vendor.env?.[name]?.find(variable => (env[variable] ?? '').trim() !== '')
    if (variable !== undefined) found[name] = { variable, value: (env[variable] ?? '').trim() }
  }
  const { switchedOnBy } = vendor
  if (switchedOnBy === 'nothing') return undefined
  const sets = (switchedOnBy ? [switchedOnBy] : neededBy(vendor)).filter(set => set.length > 0)
  return sets.some(set => set.every(name => found[name] !== undefined)) ? found : undefined
}
