import { fileURLToPath } from 'node:url'
import type { Contestant } from '../contestant.ts'

const program = fileURLToPath(new URL('../bare-proxy.ts', import.meta.url))

/** The floor for Node, see `bench/bare-proxy.ts`. */
export const bare: Contestant = {
  name: 'bare',
  does: 'node:http + undici, JSON parsed and written both ways, streams piped; no auth, no record, no price',
  model: 'gpt-5-mini',
  headers: () => ['authorization: Bearer x'],
  launch: seat => ({
    command: process.execPath,
    args: [program, '--port', String(seat.port), '--upstream', seat.upstream],
  }),
}
