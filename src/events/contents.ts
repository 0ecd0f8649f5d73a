import { type Database, DatabaseUnavailable, type Log } from '#platform'
import { insertContents } from './store.ts'

/** What was said in a call. */
export interface Content {
  call_id: string
  request: string | undefined
  answer: string | undefined
}

/** Of a request or an answer, as many bytes as are kept. */
const longestText = 1024 * 1024
/** Characters that wait for the database; past that, texts are let go. */
const mostWaiting = 32 * 1024 * 1024
/** A larger write would hold up other statements. */
const mostAtOnce = 1024 * 1024

/**
 * Texts on their way to the database, several in one statement. The record of a call does not depend on them: when
 * the database is away those that wait are let go, so that nobody waits for texts longer than for two statements.
 */
export class Contents {
  readonly #database: Database
  readonly #log: Log
  #waiting: Content[] = []
  #size = 0
  #writing: Promise<void> | undefined
  /** Kept, and committed or let go, since the start. */
  #keptNo = 0
  #doneNo = 0

  constructor({ database, log }: { database: Database; log: Log }) {
    this.#database = database
    this.#log = log
  }

  keep(callId: string, request: Buffer, answer: Buffer | undefined): void {
    const content = { call_id: callId, request: textOf(request), answer: answer && textOf(answer) }
    if (this.#size + sizeOf(content) > mostWaiting) {
      return this.#log.warn({ call: callId }, 'the texts of a call are not kept: too many wait')
    }
    this.#waiting.push(content)
    this.#size += sizeOf(content)
    this.#keptNo += 1
    this.#write()
  }

  /** Resolves when all that was kept before is committed, or has been let go. */
  async flush(): Promise<void> {
    const upTo = this.#keptNo
    while (this.#doneNo < upTo) await this.#writing
  }

  #write(): void {
    if (this.#writing || this.#waiting.length === 0) return
    this.#writing = this.#commit(this.#take(mostAtOnce)).finally(() => {
      this.#writing = undefined
      this.#write()
    })
  }

  /** Never fails. */
  async #commit(contents: Content[]): Promise<void> {
    try {
      await insertContents(this.#database, contents)
    } catch (cause) {
      if (cause instanceof DatabaseUnavailable) contents.push(...this.#take(mostWaiting))
      this.#log.error({ err: cause, calls: contents.length }, 'the texts of calls could not be kept')
    }
    this.#doneNo += contents.length
  }

  /** The first of them, one at least. */
  #take(size: number): Content[] {
    const taken: Content[] = []
    let left = size
    for (const content of this.#waiting) {
      left -= sizeOf(content)
      if (left < 0 && taken.length > 0) break
      taken.push(content)
      this.#size -= sizeOf(content)
    }
    this.#waiting.splice(0, taken.length)
    return taken
  }
}

function sizeOf({ request, answer }: Content): number {
  return (request?.length ?? 0) + (answer?.length ?? 0)
}

function textOf(bytes: Buffer): string {
  return bytes.subarray(0, longestText).toString('utf8').replaceAll('\u0000', '\ufffd')
}
