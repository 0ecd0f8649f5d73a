import type { Fault } from '#exchange'

/** What an answer begins with. */
export interface AnswerHead {
  streamed: boolean
  status: number
  headers: Readonly<Record<string, string>>
  /** `provider/model` that gave it. */
  target: string
}

/** Memory for all tapes together. */
export interface Room {
  /** Takes so many bytes; false when there is no room for them. */
  take(bytes: number): boolean
  give(bytes: number): void
}

const pageBytes = 16 * 1024

/**
 * The answer of one call, held so that others can have it from its beginning while it is being made. States: blank →
 * begun → done | failed, and from blank or begun → spilled, when it has become larger than what is held: then what
 * was held is let go, and nobody can have it any more.
 */
export class Tape {
  /** The call that was made. */
  readonly callId: string
  readonly #most: number
  readonly #room: Room
  readonly #pages: Buffer[] = []
  readonly #followers = new Set<() => void>()
  #state: 'open' | 'done' | 'failed' | 'spilled' = 'open'
  #head: AnswerHead | undefined
  #bytes = 0
  #counted = 0
  #fault: Fault | undefined

  constructor(callId: string, { most, room }: { most: number; room: Room }) {
    this.callId = callId
    this.#most = most
    this.#room = room
  }

  get head(): AnswerHead | undefined {
    return this.#head
  }

  get state(): 'open' | 'done' | 'failed' | 'spilled' {
    return this.#state
  }

  /** Why it failed. */
  get fault(): Fault | undefined {
    return this.#fault
  }

  /** What there is from byte `at` on, or a part of it; empty when there is no more yet. */
  read(at: number): Buffer {
    const inPage = at % pageBytes
    return this.#pages[(at - inPage) / pageBytes]?.subarray(inPage, inPage + this.#bytes - at) ?? nothing
  }

  /** All there is. */
  whole(): Buffer {
    return Buffer.concat(this.#pages, this.#bytes)
  }

  /** Calls `work` whenever there is more to read or to know, until the returned function is called. */
  follow(work: () => void): () => void {
    this.#followers.add(work)
    return () => this.#followers.delete(work)
  }

  begin(head: AnswerHead): void {
    this.#head = head
    this.#tell()
  }

  /** A copy is held: what comes is often a small part of a large buffer. */
  add(bytes: Buffer): void {
    if (this.#state !== 'open') return
    if (this.#bytes + bytes.length > this.#most) return this.spill()
    for (let from = 0; from < bytes.length; ) {
      const page = this.#pageFor(this.#bytes)
      if (!page) return this.spill()
      const copied = bytes.copy(page, this.#bytes % pageBytes, from)
      from += copied
      this.#bytes += copied
    }
    this.#tell()
  }

  done(): void {
    this.#end('done')
  }

  fail(fault: Fault): void {
    this.#fault = fault
    this.#end('failed')
  }

  spill(): void {
    this.#pages.length = 0
    this.free()
    this.#end('spilled')
  }

  /** Nobody else will be given this tape; who reads it reads on. */
  free(): void {
    this.#room.give(this.#counted)
    this.#counted = 0
  }

  #pageFor(at: number): Buffer | undefined {
    const known = this.#pages[Math.floor(at / pageBytes)]
    if (known) return known
    if (!this.#room.take(pageBytes)) return undefined
    this.#counted += pageBytes
    const page = Buffer.allocUnsafeSlow(pageBytes)
    this.#pages.push(page)
    return page
  }

  #end(state: 'done' | 'failed' | 'spilled'): void {
    if (this.#state !== 'open') return
    this.#state = state
    this.#tell()
  }

  #tell(): void {
    for (const work of [...this.#followers]) work()
  }
}

const nothing = Buffer.alloc(0)
