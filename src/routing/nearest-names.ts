/** At most this many characters are compared: a caller's model name may be anything. */
const longest = 100

/** Up to three known names that a mistyped one may have meant, nearest first. */
export function nearestNames(asked: string, known: readonly string[]): string[] {
  const name = asked.slice(0, longest).toLowerCase()
  return known
    .map(candidate => ({
      candidate,
      distance: distanceBetween(name, candidate.slice(0, longest).toLowerCase()),
    }))
    .filter(({ candidate, distance }) => distance <= Math.max(2, Math.floor(candidate.length / 3)))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, 3)
    .map(({ candidate }) => candidate)
}

/** Levenshtein's edit distance, row by row. */
function distanceBetween(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i]
    for (let j = 1; j <= b.length; j += 1) {
      const changed = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, changed))
    }
    row = next
  }
  return row[b.length] ?? 0
}
