import type { Dialect } from '#exchange'
import type { Quirk } from '#wire'
import { type SettingName, settingNames } from './vendor.ts'
import { vendors } from './vendors.ts'

/** A vendor's record in words, for the docs. */
export interface VendorWords {
  name: string
  /** Empty where it depends on the settings. */
  address: string
  speaks: readonly Dialect[]
  settings: readonly { setting: SettingName; variables: readonly string[] }[]
  quirks: readonly Quirk[]
}

/** By name. */
export function describeVendors(): VendorWords[] {
  return Object.entries(vendors)
    .map(([name, vendor]) => {
      const { baseUrl, speaks = ['openai-chat', 'openai-embeddings'], elsewhere = {}, env = {} } = vendor
      const own = typeof speaks === 'function' ? [...speaks('gemini'), ...speaks('claude')] : speaks
      return {
        name,
        address: typeof baseUrl === 'string' ? baseUrl : '',
        speaks: [...own, ...(Object.keys(elsewhere) as Dialect[])],
        settings: settingNames.flatMap(setting => {
          const variables = env[setting]
          return variables ? [{ setting, variables }] : []
        }),
        quirks: vendor.quirks ?? [],
      }
    })
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
}
