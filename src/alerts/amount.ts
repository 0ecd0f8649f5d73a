import { formatUsd } from '#exchange'

const picoDigits = 12

/** Pico-dollars of a plain decimal of US dollars; finer digits are cut. */
export function picoUsd(decimal: string): bigint {
  const [whole = '0', fraction = ''] = decimal.split('.')
  return BigInt(whole + fraction.slice(0, picoDigits).padEnd(picoDigits, '0'))
}

/** For people: cents, or what there is below one; others count in `unit`. */
export function shown(amount: bigint, unit: string): string {
  if (unit !== 'usd') return `${amount.toLocaleString('en-US')} ${unit.replaceAll('_', ' ')}`
  const [whole = '0', fraction = ''] = formatUsd(amount).split('.')
  if (fraction === '') return `$${whole}`
  const significant = whole === '0' ? (/^0*\d{1,2}/.exec(fraction)?.[0] ?? '') : fraction.slice(0, 2)
  return `$${whole}.${significant.padEnd(2, '0')}`
}

/** Whole percent, as far as is reached. */
export function percent(part: bigint, whole: bigint): number {
  return whole <= 0n ? 100 : Number((part * 100n) / whole)
}
