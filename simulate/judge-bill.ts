import type { RecordedAttempt } from './disk.ts'
import type { Evidence } from './judge.ts'
import type { Billed } from './judge-money.ts'
import type { Opened } from './ledger.ts'
import { readText } from './text.ts'
import { tokenRates } from './token-rates.ts'
import type { Shipment } from './virtual-network.ts'

export type BillLine = ReturnType<Evidence['places'][number]['simulator']['bill']['lines']>[number]

/**
 * Failures after which what a caller has is no whole answer, however it looks. Not among them: `no-done`, where all but
 * the mark at the very end has come; some servers never send it.
 */
const spoiling: ReadonlySet<string | null> = new Set([
  ...['reset', 'hang', 'cut', 'eof', 'early-done', 'endless', 'truncated-json', 'bad-event'],
  ...['bad-framing', 'stream-error', 'bare-error', 'html', 'empty', 'garbage', 'redirect'],
])

/** Streams that do not say that they are. */
const unlike: ReadonlySet<string | null> = new Set(['wrong-type', 'not-streamed'])

/** Holds the providers' own bills against what is on record. Gives what was billed. */
export function judgeBill(
  evidence: Evidence,
  opened: ReadonlyMap<string, Opened>,
  shipments: ReadonlyMap<string, Shipment>,
): Billed[] {
  const billed: Billed[] = []
  const lines = new Map<string, BillLine>()
  for (const { origin, simulator } of evidence.places) {
    for (const line of simulator.bill.lines()) {
      const found = opened.get(line.tag ?? '')
      evidence.book.check(
        found !== undefined,
        'an attempt is on record before it is made',
        () => `${origin} was asked by ${line.tag}, which is no attempt`,
      )
      if (!found) continue
      lines.set(found.tag, line)
      billed.push({ ...found, line, arrived: arrivedOf(shipments.get(found.tag)) })
      judgeLine(line, found, { evidence, shipment: shipments.get(found.tag) })
    }
  }
  judgeSuccesses(evidence, { opened, shipments, lines })
  for (const row of evidence.disk.calls.values()) judgeCost(row, evidence)
  return billed
}

/** Who has said nothing but an error is held to have done nothing, though this one bills the prompt, and thoughts. */
export function isMereError({ failure, output_tokens, reasoning_tokens }: BillLine): boolean {
  return failure === 'stream-error' && output_tokens === reasoning_tokens
}

function judgeLine(
  line: BillLine,
  { tag, call, attempt }: Opened,
  { evidence, shipment }: { evidence: Evidence; shipment: Shipment | undefined },
): void {
  const { book, disk } = evidence
  const row = disk.calls.get(call.id.slice('call_'.length))
  const recorded = row?.attempts.find(({ n }) => n === attempt.n)
  if (line.input_tokens + line.output_tokens === 0 || !recorded || recorded.status === 'unknown') return
  // Who has answered and told no usage is known to be paid, and not how much.
  const source = recorded.usage_source ?? (recorded.status === 'succeeded' ? 'unknown' : undefined)
  const billed = `${line.input_tokens} + ${line.output_tokens} tokens (${line.outcome}, ${line.failure})`
  const told = `${JSON.stringify(recorded.usage)} by ${source} (${recorded.status})`
  const words = (): string => `attempt ${tag}: billed ${billed}, on record ${told}, ${recorded.code}`
  book.check(source !== undefined || isMereError(line), 'the bill is the record', words)
  if (source === undefined || source === 'unknown') return
  const { input, output } = sumsOf(recorded)
  const isWhole = recorded.status === 'succeeded'
  if (source === 'provider' && isWhole) {
    // A caller that leaves in the last moment, or a connection that ends then, changes nothing of it any more.
    book.check(input === line.input_tokens && output === line.output_tokens, 'the bill is the record', words)
    return
  }
  const arrived = arrivedOf(shipment)
  const isNear =
    Math.abs(input - line.input_tokens) <= 10 + line.input_tokens &&
    output <= 10 + 2 * line.output_tokens &&
    // What has come of an answer that is not streamed, or does not look so, can only be read once it is whole.
    (!line.stream || unlike.has(line.failure) || output >= (line.output_tokens * arrived) / 2 - 10)
  book.check(isNear, 'what is cut is estimated', words)
}

/** Which share of what was written has come. */
function arrivedOf(shipment: Shipment | undefined): number {
  const written = (shipment?.written ?? []).reduce((sum, { length }) => sum + length, 0)
  return (shipment?.arrived ?? 0) / Math.max(1, written)
}

function sumsOf({ usage = {} }: RecordedAttempt): { input: number; output: number } {
  const sum = { input: 0, output: 0 }
  for (const [kind, count] of Object.entries(usage)) {
    if (kind === 'output' || kind === 'reasoning') sum.output += count
    else sum.input += count
  }
  return sum
}

/** What a caller was told is whole came from an answer that was. */
function judgeSuccesses(
  { book, trials }: Evidence,
  {
    opened,
    shipments,
    lines,
  }: {
    opened: ReadonlyMap<string, Opened>
    shipments: ReadonlyMap<string, Shipment>
    lines: ReadonlyMap<string, BillLine>
  },
): void {
  for (const { number, reader, doneMs } of trials) {
    if (doneMs === undefined || (reader.outcome !== 'whole' && reader.outcome !== 'stream')) continue
    const attempt = reader.exchange?.decisive
    const tag = `${number}.${attempt?.n}`
    const [line, shipment] = [lines.get(tag), shipments.get(tag)]
    book.check(
      line !== undefined && opened.has(tag) && !spoiling.has(line.failure),
      'no truncated success',
      () => `call ${number} succeeded, and its answer was ${line?.failure ?? 'never asked for'}`,
    )
    if (line?.failure === 'disorder') continue
    const said = readText(Buffer.concat(shipment?.written ?? []).toString())
    const read = readText(reader.text)
    book.check(
      read === said,
      'no truncated success',
      () =>
        `call ${number} succeeded with ${JSON.stringify(read)}, and the answer was ${JSON.stringify(said)}`,
    )
  }
}

const rates: Readonly<Record<string, bigint>> = { ...tokenRates, reasoning: tokenRates.output }

function judgeCost(
  { id, cost, attempts }: { id: string; cost: string | undefined; attempts: RecordedAttempt[] },
  { book }: Evidence,
): void {
  if (cost === undefined) return
  let sum = 0n
  for (const { usage = {} } of attempts)
    for (const [kind, count] of Object.entries(usage)) sum += (rates[kind] ?? 0n) * BigInt(count)
  book.check(
    cost === String(sum),
    'the cost is the sum',
    () => `call ${id} cost ${cost}, its attempts ${sum}`,
  )
}
