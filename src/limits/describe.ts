import type { Unit } from './rule.ts'

const picoPerUsd = 1_000_000_000_000n

/** An amount as people read it: `$0.0214`, `1,200 tokens`, `3 calls`. */
export function describeAmount(unit: Unit, amount: bigint): string {
  if (unit === 'usd') return `$${decimal(amount)}`
  const noun = {
    tokens: 'token',
    input_tokens: 'input token',
    output_tokens: 'output token',
    requests: 'request',
    concurrent: 'call',
  }[unit]
  return `${amount.toLocaleString('en-US')} ${noun}${amount === 1n ? '' : 's'}`
}

/** Exact, without zeros at the end. */
function decimal(picoUsd: bigint): string {
  const fraction = (picoUsd % picoPerUsd).toString().padStart(12, '0').replace(/0+$/, '')
  const whole = (picoUsd / picoPerUsd).toString()
  return fraction ? `${whole}.${fraction}` : whole
}
