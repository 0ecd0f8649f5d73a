/** One from each in turn, until all are empty. */
export function* inTurns(sources: Iterator<string, void>[]): Generator<string, void> {
  let open = sources
  while (open.length > 0) {
    const still: Iterator<string, void>[] = []
    for (const source of open) {
      const next = source.next()
      if (next.done) continue
      yield next.value
      still.push(source)
    }
    open = still
  }
}
