import type { Contestant } from '../contestant.ts'

/** The canned upstream without anything before it: what is taken off the latencies of all others. */
export const direct: Contestant = {
  name: 'direct',
  does: 'nothing in between: the ceiling of the load generator and the canned upstream',
  model: 'gpt-5-mini',
  headers: () => ['authorization: Bearer x'],
}
