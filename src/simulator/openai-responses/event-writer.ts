/** What a text delta is padded with, so that its length does not tell what it says. */
const padding = 'qXw7RbmZ2kVt9LcH'

type Fields = Readonly<Record<string, unknown>>

/** Numbers the events of one stream, without a gap, in the order in which they are sent. */
export class EventWriter {
  readonly #obfuscates: boolean
  #sequence = 0
  /** Where the latest text began to count. */
  #before = 0
  #waiting: { type: string; fields: Fields }[] = []

  constructor(obfuscates: boolean) {
    this.#obfuscates = obfuscates
  }

  /** An event that goes out together with the next token, or at the end; no earlier, and not if the stream breaks. */
  queue(type: string, fields: Fields): void {
    this.#waiting.push({ type, fields })
  }

  /** A token, after the events that waited for it. */
  delta(type: string, fields: Fields, token: string): string {
    const more = this.#obfuscates ? { obfuscation: padding.slice(token.length % padding.length) } : {}
    return this.flush() + this.#write(type, { ...fields, delta: token, ...more })
  }

  flush(): string {
    this.#before = this.#sequence
    const text = this.#waiting.map(({ type, fields }) => this.#write(type, fields)).join('')
    this.#waiting = []
    return text
  }

  /** The stream has broken: the latest text and what waited will never be sent. */
  takeBack(): void {
    this.#waiting = []
    this.#sequence = this.#before
  }

  #write(type: string, fields: Fields): string {
    const text = `event: ${type}\ndata: ${JSON.stringify({ type, sequence_number: this.#sequence, ...fields })}\n\n`
    this.#sequence += 1
    return text
  }
}
