import { randomFillSync } from 'node:crypto'

/** Chance, handed in: a test replays it from a seed. */
export interface Chance {
  /** At least 0, less than 1. */
  random(): number
  bytes(count: number): Buffer
}

// One call to the kernel fills a pool that many ids are cut from.
const pool = Buffer.alloc(4096)
let used = pool.length

export const systemChance: Chance = {
  random: () => Math.random(),
  bytes(count) {
    if (count > pool.length) return randomFillSync(Buffer.alloc(count))
    if (used + count > pool.length) {
      randomFillSync(pool)
      used = 0
    }
    used += count
    return Buffer.from(pool.subarray(used - count, used))
  },
}
