/** What a tenant is charged for what a provider bills us: its cost times a factor. */
export interface Markup {
  /** Pico-dollars; half a pico-dollar and more is rounded up. A cost of zero is a charge of zero. */
  chargeOf(costPicoUsd: bigint, organization: string, project: string): bigint
}

/**
 * Factors as plain decimals of at most six places (`1.25`: a quarter on top), by whom they are for: `organization/project`,
 * `organization`, or `*` for all others. The closest one counts; where there is none the charge is the cost.
 */
export type Factors = Readonly<Record<string, string>>

const scale = 1_000_000n

/** Throws a `RangeError` when a factor is none. */
export function createMarkup(factors: Factors = {}): Markup {
  const millionths = new Map(
    Object.entries(factors).map(([whom, factor]) => [whom, readFactor(whom, factor)]),
  )
  const rest = millionths.get('*') ?? scale
  return {
    chargeOf(costPicoUsd, organization, project) {
      if (millionths.size === 0) return costPicoUsd
      const factor = millionths.get(`${organization}/${project}`) ?? millionths.get(organization) ?? rest
      return factor === scale ? costPicoUsd : roundHalfUp(costPicoUsd * factor, scale)
    },
  }
}

/** Away from zero at the half, so that a correction takes back exactly what was charged. */
function roundHalfUp(dividend: bigint, divisor: bigint): bigint {
  const half = dividend < 0n ? -divisor / 2n : divisor / 2n
  return (dividend + half) / divisor
}

function readFactor(whom: string, text: string): bigint {
  const [, whole, fraction = ''] = /^(\d{1,6})(?:\.(\d{1,6}))?$/.exec(text) ?? []
  if (whole === undefined) {
    throw new RangeError(
      `markup: "${whom}": "${text}" is not a factor of at most six decimals, such as "1.25"`,
    )
  }
  return BigInt(whole) * scale + BigInt(fraction.padEnd(6, '0'))
}
