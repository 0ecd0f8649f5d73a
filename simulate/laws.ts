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
  readonly breaches: Breach[] = []
  readonly checks = new Map<Law, number>()

  check(holds: boolean, law: Law, detail: () => string): void {
    this.checks.set(law, (this.checks.get(law) ?? 0) + 1)
    if (!holds) this.breaches.push({ law, detail: detail() })
  }
}
