import type { Counted, CounterRef, Outcome, Refused } from './store.ts'

/** Sums are exact below 10^27: the scripts count in two doubles. */
const limit = 10n ** 27n

/** A most so large that no counter gets there may be as large as it likes. */
export function mostWord(most: bigint | undefined): string {
  if (most === undefined) return ''
  return String(most < limit ? most : limit)
}

export function amountWord(amount: bigint): string {
  if (amount >= limit || amount <= -limit) throw new RangeError('an amount has 27 digits at most')
  return String(amount)
}

/** Window, step, end: what a counter is, but its key. */
export function pushRef(words: string[], { rolling, endsAtMs }: CounterRef): void {
  words.push(
    rolling ? String(rolling.windowMs) : '',
    rolling ? String(rolling.bucketMs) : '',
    Number.isFinite(endsAtMs) ? String(endsAtMs) : '',
  )
}

/** What a script answers: a word for what came of it, then its values. */
export type Answer = readonly (string | number)[]

/** Undefined: it was asked under a filling of the store that is not the right one any more. */
export function readOutcome(answer: Answer): Outcome | undefined {
  const [what, line, because, opens] = answer
  if (what === 'held') return { ok: true, counted: readCounted(answer, 1) }
  if (what !== 'refused') return undefined
  const refused: Refused = {
    ok: false,
    line: Number(line),
    because: because === 'spent' ? 'spent' : 'held',
    counted: readCounted(answer, 4),
    opensInMs: opens === '' ? undefined : Number(opens),
  }
  return refused
}

export function readCounted(answer: Answer, from: number): Counted[] {
  const counted: Counted[] = []
  for (let at = from; at + 1 < answer.length; at += 2)
    counted.push({ spent: BigInt(answer[at] ?? 0), held: BigInt(answer[at + 1] ?? 0) })
  return counted
}
