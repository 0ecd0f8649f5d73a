/** Chance that can be repeated: the same seed rolls the same numbers on every machine. */
export interface Dice {
  /** At least 0, less than 1. */
  roll(): number
  /** A whole number from 0 up to, not including, `count`. */
  below(count: number): number
  pick<T>(list: readonly [T, ...T[]]): T
}

/** FNV-1a over UTF-16 units, 32 bits, with the last steps of MurmurHash3 so that near texts land far apart. */
export function hash(text: string, basis = 0x811c9dc5): number {
  let sum = basis
  for (let at = 0; at < text.length; at += 1) sum = Math.imul(sum ^ text.charCodeAt(at), 0x01000193)
  return mix(sum)
}

/** Spreads a 32-bit number over all 32 bits (the finalizer of MurmurHash3). */
export function mix(value: number): number {
  let mixed = value
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}

/** A generator of the "mulberry32" kind: 32 bits of state, good enough for prose and fast enough for load tests. */
export function createDice(seed: number): Dice {
  let state = seed | 0
  function roll(): number {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (count: number): number => Math.floor(roll() * count)
  return { roll, below, pick: list => list[below(list.length)] ?? list[0] }
}

/** `words` × 8 hexadecimal digits that belong to this seed and number: ids that repeat with the run. */
export function hexOf(seed: number, number: number, words: number): string {
  let digits = ''
  for (let word = 1; word <= words; word += 1) {
    digits += mix(mix(seed ^ Math.imul(word, 0x9e3779b9)) + number)
      .toString(16)
      .padStart(8, '0')
  }
  return digits
}
