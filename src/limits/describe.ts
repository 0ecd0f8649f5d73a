import { formatUsd } from '#exchange'
import type { Unit } from './rule.ts'

/** An amount as people read it: `$0.0214`, `1,200 tokens`, `3 calls`. */
export function describeAmount(unit: Unit, amount: bigint): string {
  if (unit === 'usd') return `$${formatUsd(amount)}`
  const noun = {
    tokens: 'token',
    input_tokens: 'input token',
    output_tokens: 'output token',
    requests: 'request',
    concurrent: 'call',
  }[unit]
  return `${amount.toLocaleString('en-US')} ${noun}${amount === 1n ? '' : 's'}`
}
