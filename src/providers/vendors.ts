import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Vendor } from './vendor.ts'

/** What a file in `vendors/` exports. */
interface VendorFile {
  vendors: Readonly<Record<string, Vendor>>
}

const files = readdirSync(join(import.meta.dirname, 'vendors')).filter(file => file.endsWith('.ts'))
const found: VendorFile[] = await Promise.all(files.map(file => import(`./vendors/${file}`)))

/** Every vendor known by name, in the order in which a first one is chosen. */
export const vendors: Readonly<Record<string, Vendor>> = Object.fromEntries(
  found
    .flatMap(file => Object.entries(file.vendors))
    .toSorted(([a, one], [b, other]) => (one.rank ?? 100) - (other.rank ?? 100) || (a < b ? -1 : 1)),
)

/** The built-in simulator: a provider like any other, at an address that only this process knows. */
export const simulatorVendor = 'sim'
