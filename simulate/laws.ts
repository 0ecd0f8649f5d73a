/** What must hold in every scenario, by the name under which it is counted and reported. */
export const laws = {
  'attempts are bounded': 'A call makes no more attempts than it has targets and retries, and a hedge.',
  'no attempt after the deadline': 'Nothing is sent for a call whose time is up.',
  'one probe': 'A half-open breaker lets one attempt through, and one that is down nobody else.',
  'retries stay in their budget': 'No more retries than a share of the requests, or the floor.',
  'a call ends': 'Every call comes to an end, in its time limits.',
  'one ending': 'A caller is told one end, nothing before its beginning, and nothing after its end.',
  'no text twice': 'What a caller read is the beginning of one answer of one provider.',
  'no truncated success': 'An answer that is reported as whole is whole.',
  'an attempt is on record before it is made': 'Every request to a provider is one that the store knows.',
  'every call is on record':
    'A call that ended is in the store once; one that died with its process is found.',
  'record and caller agree': 'What the store says of an end is what the caller was told.',
  'the bill is the record': 'What the provider billed is on record, exactly where it told its usage.',
  'what is cut is estimated':
    'What a provider produced for a call that was cut off is on record within bounds.',
  'the cost is the sum': 'The cost of a call is that of its attempts, at their prices.',
  'under way within limits': 'A provider never has more under way than it is configured for.',
  'a counter stays within its limit': 'What is spent and what is held of a counter never passes its limit.',
  'the bill stays within the budget': 'What providers billed in a window is no more than its budget.',
  'what is billed is counted':
    'Budgets count at least what was billed, and exactly that where the provider told its usage.',
  'counters are what the ledger says': 'A counter has spent what is on record of its calls.',
  'nobody is refused who would fit': 'A call is refused only when what is spent and held leaves too little.',
  'a wait for room ends': 'Nobody waits longer for what others hold than is said.',
  'no more calls under way than a limit allows': 'A limit on calls under way is never passed.',
  'no more calls in a window than a limit allows':
    'No window has more calls than its limit, wherever it begins.',
  'every hold is let go': 'When all is over, nothing is held, and nobody waits.',
  'who can pay is served': 'Once the weather has cleared, who is not refused for money is served.',
  'nothing is left over': 'When all is over, no attempt is open, and no intent is left behind.',
  'goodput comes back': 'Once the weather has cleared, calls succeed again within a bounded time.',
  'a rolling restart fails nobody': 'A drain in good weather ends no call.',
} as const

export type Law = keyof typeof laws

export interface Breach {
  law: Law
  detail: string
}

/** Counts how often each law was put to the test, and notes where it was broken. */
export class LawBook {
  readonly #sought: Law | undefined
  readonly breaches: Breach[] = []
  readonly checks = new Map<Law, number>()
  /** The law that was `sought` has been broken: nothing more need happen. */
  isSettled = false

  constructor(sought?: Law) {
    this.#sought = sought
  }

  check(holds: boolean, law: Law, detail: () => string): void {
    this.checks.set(law, (this.checks.get(law) ?? 0) + 1)
    if (holds) return
    this.breaches.push({ law, detail: detail() })
    if (law === this.#sought) this.isSettled = true
  }
}
