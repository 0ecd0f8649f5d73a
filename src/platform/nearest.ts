/** At most this many characters are compared: a name from outside may be anything. */
const longest = 100

/** Known names that a mistyped one may have meant, nearest first, at most so many. */
export function nearestNames(asked: string, known: readonly string[], most: number): string[] {
  const name = asked.slice(0, longest).toLowerCase()
  return known
    .map(candidate => ({
      candidate,
      distance: editDistance(name, candidate.slice(0, longest).toLowerCase()),
    }))
    .filter(({ candidate, distance }) => distance <= Math.ceil(candidate.length / 3))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, most)
    .map(({ candidate }) => candidate)
}

/** The known name nearest to one that is not known, when it is near enough to have been meant. */
export function nearest(asked: string, known: readonly string[]): string | undefined {
  return nearestNames(asked, known, 1)[0]
}

/** Letters to add, take away, exchange or swap with their neighbour (optimal string alignment), row by row. */
function editDistance(a: string, b: string): number {
  let above: number[] = []
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i]
    for (let j = 1; j <= b.length; j += 1) {
      const exchanged = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      const swapped = isSwap ? above[j - 2]! + 1 : exchanged
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, exchanged, swapped))
    }
    above = row
    row = next
  }
  return row[b.length]!
}
