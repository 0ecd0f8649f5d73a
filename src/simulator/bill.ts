import assert from 'node:assert'
import { type Asked, AskedPile, type Asking } from './asked.ts'
import { hexOf } from './dice.ts'

/** `count`: tokens are only counted, for nothing. */
export type BilledOperation = 'chat' | 'embeddings' | 'count'

/**
 * `running` → one of: `ended` (the whole answer was handed over), `refused` (answered without any work: an error
 * status, or a page that is no answer), `cut` (the answer did not reach its end: the client hung up, or the script
 * broke it off).
 */
export type Outcome = 'running' | 'ended' | 'cut' | 'refused'

/** One request on the bill. Output tokens include reasoning; input tokens include cached ones. */
interface BillLine {
  n: number
  /** The answer's id, as the caller saw it. */
  id: string
  /** Arrival, in milliseconds since the epoch. */
  at: number
  /** When its answer was over, however; null while it runs. */
  ended_at: number | null
  operation: BilledOperation
  /** As it was asked for, with its script. */
  model: string
  stream: boolean
  /** HTTP status; 0 while nothing has been sent. */
  status: number
  outcome: Outcome
  /** The scripted failure that happened to it. */
  failure: string | null
  input_tokens: number
  cached_input_tokens: number
  /** Produced so far, also when the client has hung up. */
  output_tokens: number
  reasoning_tokens: number
  tag: string | null
}

interface BillTotals {
  requests: number
  running: number
  /** The most that were under way at once. */
  most_running: number
  ended: number
  cut: number
  refused: number
  input_tokens: number
  cached_input_tokens: number
  output_tokens: number
  reasoning_tokens: number
}

/** The provider's bill, to be read. */
export interface Bill {
  totals(): BillTotals
  /** Lines with a number above `after`, oldest first, at most `limit`. */
  lines(page?: { after?: number; limit?: number }): BillLine[]
  /** The latest requests as they arrived, with a number above `after`, oldest first. */
  asked(after?: number): Asked[]
  /** How many of the oldest lines have been let go to bound memory; the totals still contain them. */
  dropped(): number
  /** A new bill that starts at 1. Requests still running finish on the old one. */
  reset(): void
}

const pageRows = 1024
const maxPages = 1024
const maxTextLength = 256
const operations: readonly BilledOperation[] = ['chat', 'embeddings', 'count']
const outcomes: readonly Outcome[] = ['running', 'ended', 'cut', 'refused']

/** Columns instead of objects: about 60 bytes a request without its tag, so that a load test does not show here. */
class Page {
  readonly at = new Float64Array(pageRows)
  readonly endedAt = new Float64Array(pageRows)
  readonly inputTokens = new Uint32Array(pageRows)
  readonly cachedTokens = new Uint32Array(pageRows)
  readonly outputTokens = new Uint32Array(pageRows)
  readonly reasoningTokens = new Uint32Array(pageRows)
  readonly status = new Uint16Array(pageRows)
  readonly outcome = new Uint8Array(pageRows)
  readonly operation = new Uint8Array(pageRows)
  readonly stream = new Uint8Array(pageRows)
  readonly idPrefix: string[] = []
  readonly model: string[] = []
  readonly failure: (string | null)[] = []
  readonly tag: (string | null)[] = []
}

/** One book of lines and their sum; a reset begins another, and requests on their way keep theirs. */
class Book {
  readonly pages: (Page | undefined)[] = []
  readonly asked = new AskedPile()
  readonly totals: BillTotals = {
    requests: 0,
    running: 0,
    most_running: 0,
    ended: 0,
    cut: 0,
    refused: 0,
    input_tokens: 0,
    cached_input_tokens: 0,
    output_tokens: 0,
    reasoning_tokens: 0,
  }
  readonly firstSerial: number
  dropped = 0

  constructor(firstSerial: number) {
    this.firstSerial = firstSerial
  }

  /** The page for the next line; the oldest page goes when there are too many. */
  next(): { page: Page; row: number } {
    const row = this.totals.requests % pageRows
    const index = (this.totals.requests - row) / pageRows
    let page = this.pages[index]
    if (!page) {
      page = new Page()
      this.pages[index] = page
      if (index >= maxPages) {
        this.pages[index - maxPages] = undefined
        this.dropped = (index - maxPages + 1) * pageRows
      }
    }
    return { page, row }
  }
}

/** A request's line while it is being served. */
export class Entry {
  readonly #book: Book
  readonly #page: Page
  readonly #row: number
  /** Number of the request since the simulator started, not disturbed by a reset; ids are made from it. */
  readonly serial: number

  constructor(book: Book, page: Page, row: number, serial: number) {
    this.#book = book
    this.#page = page
    this.#row = row
    this.serial = serial
  }

  /** Keeps what was asked, to be looked at. `bytes`: length of the body. */
  keep({ bytes, ...asked }: Omit<Asking, 'n'> & { bytes: number }): void {
    this.#book.asked.keep({ n: this.serial - this.#book.firstSerial + 1, ...asked }, bytes)
  }

  /** The prompt has been read: from here on it costs. */
  read(inputTokens: number, cachedTokens: number): void {
    this.#page.inputTokens[this.#row] = inputTokens
    this.#page.cachedTokens[this.#row] = cachedTokens
    this.#book.totals.input_tokens += inputTokens
    this.#book.totals.cached_input_tokens += cachedTokens
  }

  produce(tokens: number): void {
    this.#page.outputTokens[this.#row]! += tokens
    this.#book.totals.output_tokens += tokens
  }

  /** Reasoning is output too. */
  reason(tokens: number): void {
    this.produce(tokens)
    this.#page.reasoningTokens[this.#row]! += tokens
    this.#book.totals.reasoning_tokens += tokens
  }

  fail(name: string): void {
    this.#page.failure[this.#row] = name
  }

  /** Exactly once. `at`: milliseconds since the epoch. */
  close(outcome: Exclude<Outcome, 'running'>, { status, at }: { status: number; at: number }): void {
    assert(this.#page.outcome[this.#row] === 0, 'a line of the bill is closed once')
    this.#page.outcome[this.#row] = outcomes.indexOf(outcome)
    this.#page.status[this.#row] = status
    this.#page.endedAt[this.#row] = at
    this.#book.totals.running -= 1
    this.#book.totals[outcome] += 1
  }
}

export class BillBook implements Bill {
  readonly #seed: number
  readonly #names = new Map<string, string>()
  #book = new Book(1)

  constructor(seed: number) {
    this.#seed = seed
  }

  enter(request: {
    at: number
    operation: BilledOperation
    /** What its dialect begins an answer's id with. */
    idPrefix: string
    model: string
    stream: boolean
    tag: string | null
  }): Entry {
    const { page, row } = this.#book.next()
    const totals = this.#book.totals
    page.at[row] = request.at
    page.operation[row] = operations.indexOf(request.operation)
    page.stream[row] = request.stream ? 1 : 0
    page.idPrefix[row] = request.idPrefix
    page.model[row] = this.#name(request.model)
    page.failure[row] = null
    page.tag[row] = request.tag === null ? null : clip(request.tag)
    totals.requests += 1
    totals.running += 1
    if (totals.running > totals.most_running) totals.most_running = totals.running
    return new Entry(this.#book, page, row, this.#book.firstSerial + totals.requests - 1)
  }

  totals(): BillTotals {
    return { ...this.#book.totals }
  }

  lines({
    after = 0,
    limit = Number.POSITIVE_INFINITY,
  }: {
    after?: number
    limit?: number
  } = {}): BillLine[] {
    const lines: BillLine[] = []
    const first = Math.max(after, this.#book.dropped)
    const last = Math.min(this.#book.totals.requests, first + limit)
    for (let index = first; index < last; index += 1) lines.push(this.#line(index))
    return lines
  }

  asked(after = 0): Asked[] {
    return this.#book.asked.list(after)
  }

  dropped(): number {
    return this.#book.dropped
  }

  reset(): void {
    this.#book = new Book(this.#book.firstSerial + this.#book.totals.requests)
  }

  #line(index: number): BillLine {
    const row = index % pageRows
    const page = this.#book.pages[(index - row) / pageRows]
    assert(page, 'a line that was not dropped has its page')
    const operation = operations[page.operation[row]!]!
    return {
      n: index + 1,
      id: answerId(page.idPrefix[row]!, this.#seed, this.#book.firstSerial + index),
      at: page.at[row]!,
      ended_at: page.outcome[row] === 0 ? null : page.endedAt[row]!,
      operation,
      model: page.model[row]!,
      stream: page.stream[row] === 1,
      status: page.status[row]!,
      outcome: outcomes[page.outcome[row]!]!,
      failure: page.failure[row] ?? null,
      input_tokens: page.inputTokens[row]!,
      cached_input_tokens: page.cachedTokens[row]!,
      output_tokens: page.outputTokens[row]!,
      reasoning_tokens: page.reasoningTokens[row]!,
      tag: page.tag[row] ?? null,
    }
  }

  /** The same name is kept once, however many requests bring it. */
  #name(name: string): string {
    const known = this.#names.get(name)
    if (known !== undefined) return known
    if (this.#names.size >= 4096) this.#names.clear()
    const clipped = clip(name)
    this.#names.set(clipped, clipped)
    return clipped
  }
}

/** Ids are made from the seed and the request's number, so the bill need not keep them. */
export function answerId(prefix: string, seed: number, serial: number): string {
  return prefix + hexOf(seed, serial, 3)
}

/** A copy of bounded length: a slice would keep the whole text alive. */
function clip(text: string): string {
  return text.length <= maxTextLength ? text : Buffer.from(text.slice(0, maxTextLength)).toString()
}
