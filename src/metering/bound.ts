import assert from 'node:assert/strict'
import type { UnitKind, UsageKind } from '#exchange'
import type { Price } from './price.ts'
import { picoUsdPerToken, type Rate, type Rates } from './rate.ts'

/** The most that a request can use, as far as that is known before it is made. */
export interface UsageBound {
  /** Tokens of all input kinds together, and of all output kinds. */
  inputTokens: number
  outputTokens: number
  /** The service tier that will serve it; absent: nobody knows, the dearest counts. */
  tier?: string | undefined
  /** The most of what is not a token: searches, pictures. */
  units?: Readonly<Partial<Record<UnitKind, number>>> | undefined
}

/**
 * The most, in pico-dollars, that a usage within the bound can cost by a price, of whatever kinds its tokens turn out
 * to be: never less than `costOf` of any such usage that has a price. Undefined where no token of a side that is used
 * has a price. Costs two multiplications; what it takes of the price was worked out with it.
 */
export function boundOf(price: Price, bound: UsageBound): bigint | undefined {
  const { inputTokens, outputTokens, tier, units } = bound
  assertCount(inputTokens)
  assertCount(outputTokens)
  const ceiling = price.ceilings.get(tier ?? 'any') ?? price.ceilings.get('default')
  const dearest = stepFor(ceiling ?? assert.fail('a price has a usual tier'), inputTokens)
  let picoUsd = price.fees?.request ?? 0n
  if (inputTokens > 0) {
    if (dearest.input === undefined) return undefined
    picoUsd += BigInt(inputTokens) * dearest.input
  }
  if (outputTokens > 0) {
    if (dearest.output === undefined) return undefined
    picoUsd += BigInt(outputTokens) * dearest.output
  }
  return units ? addUnits(picoUsd, price, units) : picoUsd
}

/** Dearest pico-dollars per token, for requests whose input is more than `above`. Ascending; the first is above 0. */
interface Step {
  above: number
  input: bigint | undefined
  output: bigint | undefined
}

type Ceiling = readonly [Step, ...Step[]]

/** By service tier; `any` is the dearest of all, for a request of which nobody knows how it will be served. */
export type Ceilings = ReadonlyMap<string, Ceiling>

export function ceilingsOf({ rates, tiers = new Map() }: Pick<Price, 'rates' | 'tiers'>): Ceilings {
  return new Map([
    ['any', makeCeiling([rates, ...[...tiers.values()].map(own => own.rates)])],
    ['default', makeCeiling([rates])],
    // A request for a faster or slower tier may be served as usual all the same; a batch is one, by its address.
    ...[...tiers].map(([tier, own]): [string, Ceiling] => [
      tier,
      makeCeiling(tier === 'batch' ? [own.rates] : [rates, own.rates]),
    ]),
  ])
}

const inputKinds = [
  'input',
  'cachedInput',
  'cacheWrite5m',
  'cacheWrite1h',
  'audioInput',
  'cachedAudioInput',
  'imageInput',
] as const satisfies readonly UsageKind[]

const outputKinds = [
  'output',
  'reasoning',
  'audioOutput',
  'imageOutput',
] as const satisfies readonly UsageKind[]

/** A bound on the input also allows less of it, so a price that falls with length counts as it was before. */
function makeCeiling(all: readonly Rates[]): Ceiling {
  const input = all.flatMap(rates => inputKinds.flatMap(kind => rates[kind] ?? []))
  const output = all.flatMap(rates => outputKinds.flatMap(kind => rates[kind] ?? []))
  const thresholds = [...input, ...output].flatMap(rate => rate.tiers.map(tier => tier.aboveInputTokens))
  let step: Step = { above: 0, input: dearestAt(input, 0), output: dearestAt(output, 0) }
  const steps: [Step, ...Step[]] = [step]
  for (const above of [...new Set(thresholds)].sort((a, b) => a - b)) {
    step = {
      above,
      input: greater(step.input, dearestAt(input, above + 1)),
      output: greater(step.output, dearestAt(output, above + 1)),
    }
    steps.push(step)
  }
  return steps
}

function dearestAt(rates: readonly Rate[], inputTokens: number): bigint | undefined {
  return rates.reduce<bigint | undefined>(
    (most, rate) => greater(most, picoUsdPerToken(rate, inputTokens)),
    undefined,
  )
}

function greater(a: bigint | undefined, b: bigint | undefined): bigint | undefined {
  if (a === undefined || b === undefined) return a ?? b
  return a > b ? a : b
}

function stepFor(ceiling: Ceiling, inputTokens: number): Step {
  let found: Step = ceiling[0]
  for (const step of ceiling) if (inputTokens > step.above) found = step
  return found
}

function addUnits(
  picoUsd: bigint,
  price: Price,
  units: NonNullable<UsageBound['units']>,
): bigint | undefined {
  let sum = picoUsd
  for (const [unit, count = 0] of Object.entries(units)) {
    assertCount(count)
    if (count === 0) continue
    const fee = price.fees?.[unit as UnitKind]
    if (fee === undefined) return undefined
    sum += BigInt(count) * fee
  }
  return sum
}

function assertCount(count: number): void {
  if (!Number.isSafeInteger(count) || count < 0) assert.fail(`${count} is not a bound of a usage`)
}
