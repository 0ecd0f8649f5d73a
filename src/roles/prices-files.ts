import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { checkPublished, type PublishedPrices, parsePublished, readPublishedPrices } from '#metering'
import { createEgress, systemClock } from '#platform'
import type { Config } from './config.ts'
import { StartError } from './start-error.ts'

const mostBytes = 32 * 1024 * 1024
const timeoutMs = 60_000

/** Where prices come from that are newer than those of this version: a file in the data folder. */
export interface PriceFiles {
  path: string
  own(): PublishedPrices
  inUse(): PublishedPrices
  /** Of a file or an https address. */
  read(source: string): Promise<{ text: string; prices: PublishedPrices }>
  keep(text: string): void
  /** Whether there was one. */
  remove(): boolean
}

function pricesPath(dataDir: string): string {
  return join(resolve(dataDir), 'prices.jsonl')
}

/** The prices to serve with. A file that cannot be used is a mistake that is told: nothing is priced by guess. */
export function pricesInUse(dataDir: string): PublishedPrices {
  const path = pricesPath(dataDir)
  try {
    return readPublishedPrices(path)
  } catch (cause) {
    throw new StartError(
      `The prices in ${path} cannot be used: ${messageOf(cause)}. Run \`sluice prices update\` to go back to those of this version.`,
    )
  }
}

export function priceFiles(dataDir: string, config: Config): PriceFiles {
  const path = pricesPath(dataDir)
  return {
    path,
    own: () => readPublishedPrices(),
    inUse: () => pricesInUse(dataDir),
    async read(source) {
      const text = /^https?:\/\//.test(source) ? await fetchText(source, config) : readText(source)
      try {
        checkPublished(text)
      } catch (cause) {
        throw new StartError(`${source} is no file of prices: ${messageOf(cause)}.`)
      }
      return { text, prices: parsePublished(text) }
    },
    keep(text) {
      mkdirSync(resolve(dataDir), { recursive: true })
      writeFileSync(`${path}.new`, text, 'latin1')
      renameSync(`${path}.new`, path)
    },
    remove() {
      try {
        rmSync(path)
        return true
      } catch (cause) {
        if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return false
        throw cause
      }
    },
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch (cause) {
    throw new StartError(`${path} cannot be read: ${messageOf(cause)}.`)
  }
}

/** By the same rules as whatever else is fetched: https, unless the configuration trusts the host. */
async function fetchText(url: string, config: Config): Promise<string> {
  const egress = createEgress({
    enabled: true,
    clock: systemClock,
    timeoutMs,
    maxRedirects: 5,
    allowHosts: config.egress.allow_hosts,
  })
  const result = await egress.fetch(url, { mostBytes })
  await egress.close()
  if (!result.ok) throw new StartError(`${url} was not fetched. ${result.reason}`)
  return result.bytes.toString('latin1')
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}
