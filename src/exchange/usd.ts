/** Pico-dollars in a dollar: money here is an integer number of these, 10^-12 US dollars each. */
const picoPerUsd = 1_000_000_000_000n

/** Pico-dollars of a plain decimal of US dollars with at most twelve decimals, such as `0.25`. Throws a `RangeError`. */
export function parseUsd(text: string): bigint {
  const [, whole, fraction = ''] = /^(\d{1,18})(?:\.(\d{1,12}))?$/.exec(text) ?? []
  if (whole === undefined) throw new RangeError(`"${text}" is not an amount in US dollars, such as "0.25"`)
  return BigInt(whole) * picoPerUsd + BigInt(fraction.padEnd(12, '0'))
}

/** Exact US dollars, without exponent and without zeros at the end: `0.0000123`, `-2.5`, `0`. */
export function formatUsd(picoUsd: bigint): string {
  const size = picoUsd < 0n ? -picoUsd : picoUsd
  const fraction = (size % picoPerUsd).toString().padStart(12, '0').replace(/0+$/, '')
  const whole = `${picoUsd < 0n ? '-' : ''}${size / picoPerUsd}`
  return fraction ? `${whole}.${fraction}` : whole
}
