import { formatUsd } from '#exchange'

/** Pico-dollars in a dollar: money here is an integer number of these, 10^-12 US dollars each. */
const picoPerUsd = 1_000_000_000_000n
const tokensPerMillion = 1_000_000n

// A price beyond a billion dollars per million tokens is a mistake, not a price.
const decimal = /^(\d{1,9})(?:\.(\d{1,20}))?$/

/**
 * Pico-dollars per token of a price in US dollars per million tokens, written as a plain decimal such as
 * `0.25`. Six decimals are exact; more would be a fraction of a pico-dollar. Throws a `RangeError`.
 */
export function parseUsdPerMillion(text: string): bigint {
  const [, whole, fraction = ''] = decimal.exec(text) ?? []
  if (whole === undefined) {
    throw new RangeError(`"${text}" is not a price: expected US dollars per million tokens, such as "0.25"`)
  }
  const digits = fraction.replace(/0+$/, '')
  if (digits.length > 6) {
    throw new RangeError(`"${text}" is finer than six decimals, the smallest price that can be kept exactly`)
  }
  return (BigInt(whole) * picoPerUsd + BigInt(digits.padEnd(12, '0'))) / tokensPerMillion
}

/**
 * Pico-dollars for each piece of a price in US dollars per thousand of them, such as `10` for a thousand searches. Nine
 * decimals are exact. Throws a `RangeError`.
 */
export function parseUsdPerThousand(text: string): bigint {
  const [, whole, fraction = ''] = decimal.exec(text) ?? []
  const digits = fraction.replace(/0+$/, '')
  if (whole === undefined || digits.length > 9) {
    throw new RangeError(
      `"${text}" is not a price: expected US dollars per thousand, of at most nine decimals`,
    )
  }
  return BigInt(whole) * 1_000_000_000n + BigInt(digits.padEnd(9, '0'))
}

/** The other way round: pico-dollars per token as US dollars per million tokens. */
export function formatUsdPerMillion(picoUsdPerToken: bigint): string {
  return formatUsd(picoUsdPerToken * tokensPerMillion)
}
