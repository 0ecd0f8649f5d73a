import type { Decision } from '#exchange'
import type { LaneAsk, Slot } from './lane.ts'
import type { ModelLane } from './lane-model.ts'

/** A call that waits to be let in. */
export interface Waiting {
  readonly ask: LaneAsk
  readonly model: ModelLane
  readonly party: Party
  readonly tokens: number
  readonly sinceMs: number
  /** Then it has waited long enough. */
  untilMs: number
  settle: (decision: Decision<Slot>) => void
  over: boolean
}

/** Who of an organization waits for a model, in the order of coming. */
interface PartyLine {
  entries: Set<Waiting>
  /** The round of looking for the next one in which it was passed over. */
  blockedIn: number
}

/** The calls of one organization, of one class. */
export class Party {
  underWay = 0
  waiting = 0
  /** Since when somebody has been waiting, without a lull. */
  standingSinceMs = 0
  emptySinceMs = Number.NEGATIVE_INFINITY
  /** In virtual time: when its next one starts. */
  tag = 0
  /** The period in which it last asked, and what it was given in that one and in the one before. */
  period = -1
  readonly given: [now: number, before: number] = [0, 0]
  readonly calls: [now: number, before: number] = [0, 0]
  readonly lines = new Map<ModelLane, PartyLine>()
}

/** What is counted as being of late: one of these to two. */
const periodMs = 10_000
const clearlyMore = 1.25
/** A line that is empty for less than this has been standing all the while. */
const lullMs = 1_000
/** Organizations that are remembered while nothing of theirs is under way. */
const mostIdle = 1_000

/**
 * All of one class who wait in a lane: for each organization and model in the order of coming, and fair between
 * organizations. Where places are scarce, the organization with the fewest under way goes first. Where rates are, it is
 * start-time fair queueing (Goyal, Vin, Cheng: "Start-time Fair Queuing", SIGCOMM 1996): who asks for more than its
 * share waits, who asks for less does not, and nobody pays later for what was idle before.
 */
export class Line {
  waiting = 0
  /** Tokens of those who wait. */
  tokens = 0
  readonly #parties = new Map<string, Party>()
  readonly #active = new Set<Party>()
  #virtual = 0
  #period = 0
  /** Of the current period, and of the one before. */
  #organizations: [now: number, before: number] = [0, 0]
  #given: [now: number, before: number] = [0, 0]
  #calls: [now: number, before: number] = [0, 0]

  /** One of its organization asks. */
  asks(party: Party, nowMs: number): void {
    const period = Math.floor(nowMs / periodMs)
    if (period > this.#period) {
      const isNext = period === this.#period + 1
      this.#organizations = [0, isNext ? this.#organizations[0] : 0]
      this.#given = [0, isNext ? this.#given[0] : 0]
      this.#calls = [0, isNext ? this.#calls[0] : 0]
      this.#period = period
    }
    if (party.period === period) return
    for (const counts of [party.given, party.calls]) {
      counts[1] = party.period === period - 1 ? counts[0] : 0
      counts[0] = 0
    }
    party.period = period
    this.#organizations[0] += 1
  }

  /** Organizations that have asked of late. */
  get organizations(): number {
    return Math.max(...this.#organizations)
  }

  /** Whether a party was given clearly more than the others of late. */
  isOverShare(party: Party): boolean {
    if (this.organizations <= 1) return false
    const all = this.#given[0] + this.#given[1]
    return (party.given[0] + party.given[1]) * this.organizations > all * clearlyMore
  }

  /** Calls of all others that were let in of late, a millisecond; of one that has just asked. */
  othersPerMs({ calls }: Party, nowMs: number): number {
    if (this.organizations <= 1) return 0
    const others = this.#calls[0] + this.#calls[1] - calls[0] - calls[1]
    const beforeMs = this.#calls[1] > 0 ? periodMs : 0
    return Math.max(0, others) / Math.max(1_000, nowMs - this.#period * periodMs + beforeMs)
  }

  /** Organizations of which somebody waits. */
  get active(): ReadonlySet<Party> {
    return this.#active
  }

  party(organization: string): Party {
    const known = this.#parties.get(organization)
    if (known) return known
    if (this.#parties.size >= mostIdle) this.#forgetIdle()
    const party = new Party()
    this.#parties.set(organization, party)
    return party
  }

  add(entry: Waiting): void {
    const { party, model } = entry
    if (party.waiting === 0) {
      if (entry.sinceMs - party.emptySinceMs > lullMs) party.standingSinceMs = entry.sinceMs
      this.#active.add(party)
    }
    const line = party.lines.get(model)
    if (line) line.entries.add(entry)
    else party.lines.set(model, { entries: new Set([entry]), blockedIn: 0 })
    this.#count(entry, 1)
  }

  remove(entry: Waiting, nowMs: number): void {
    entry.over = true
    const { party, model } = entry
    const line = party.lines.get(model)
    line?.entries.delete(entry)
    if (line?.entries.size === 0) party.lines.delete(model)
    this.#count(entry, -1)
    if (party.waiting > 0) return
    party.emptySinceMs = nowMs
    this.#active.delete(party)
  }

  /** Whose turn it is, passing over models, and models of an organization, that are blocked in this round. */
  fairest(round: number, byPlaces: boolean): Waiting | undefined {
    let first: Waiting | undefined
    for (const party of this.#active) {
      if (first && !goesBefore(party, first.party, byPlaces)) continue
      first = headOf(party, round) ?? first
    }
    return first
  }

  /** Others may pass by this one, and those who come after it. */
  passOver({ party, model }: Waiting, round: number): void {
    const line = party.lines.get(model)
    if (line) line.blockedIn = round
  }

  /** One of the party has been let in. */
  charge(party: Party, cost: number): void {
    this.#virtual = Math.max(party.tag, this.#virtual)
    party.tag = this.#virtual + cost
    party.underWay += 1
    party.given[0] += cost
    this.#given[0] += cost
    party.calls[0] += 1
    this.#calls[0] += 1
  }

  /** Who has waited too long by now. */
  late(nowMs: number): Waiting[] {
    return this.#all().filter(({ untilMs }) => untilMs <= nowMs)
  }

  earliestEndMs(): number {
    return this.#all().reduce((least, { untilMs }) => Math.min(least, untilMs), Number.POSITIVE_INFINITY)
  }

  /** The last who came, of the organization of which most wait. */
  newestOfLongest(): Waiting | undefined {
    const [longest] = [...this.#active].toSorted((a, b) => b.waiting - a.waiting)
    const all = [...(longest?.lines.values() ?? [])].flatMap(line => [...line.entries])
    return all.reduce<Waiting | undefined>(
      (last, entry) => (last && last.sinceMs > entry.sinceMs ? last : entry),
      undefined,
    )
  }

  #all(): Waiting[] {
    return [...this.#active].flatMap(({ lines }) => [...lines.values()].flatMap(line => [...line.entries]))
  }

  #count({ party, model, tokens, ask }: Waiting, by: number): void {
    this.waiting += by
    this.tokens += by * tokens
    party.waiting += by
    model.waiting[ask.class] += by
  }

  #forgetIdle(): void {
    for (const [name, { underWay, waiting }] of this.#parties)
      if (underWay === 0 && waiting === 0) this.#parties.delete(name)
  }
}

function goesBefore(a: Party, b: Party, byPlaces: boolean): boolean {
  if (byPlaces && a.underWay !== b.underWay) return a.underWay < b.underWay
  return a.tag < b.tag
}

function headOf({ lines }: Party, round: number): Waiting | undefined {
  let oldest: Waiting | undefined
  for (const [model, line] of lines) {
    if (model.blockedIn === round || line.blockedIn === round) continue
    const [head] = line.entries
    if (head && (!oldest || head.sinceMs < oldest.sinceMs)) oldest = head
  }
  return oldest
}
