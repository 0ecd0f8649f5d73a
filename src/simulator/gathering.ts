import type { Delivery } from './delivery.ts'

const fullLength = 16_384

/** Frames on their way to the line: where there is no pace to keep, many go in one write. */
export class Gathering {
  readonly #line: Delivery['line']
  readonly #entry: Delivery['entry']
  readonly #fullLength: number
  #text: string
  #tokens = 0
  #thoughts = 0

  constructor({ line, entry, script }: Delivery, opening: string) {
    this.#line = line
    this.#entry = entry
    this.#text = opening
    // What is written has been produced; where writing takes its time, each token goes for itself.
    this.#fullLength = script.splitBytes === undefined && script.dripMs === undefined ? fullLength : 0
  }

  get full(): boolean {
    return this.#text.length > this.#fullLength
  }

  /** What brings no token. */
  say(text: string): void {
    this.#text += text
  }

  add(piece: string, thought: boolean): void {
    this.#text += piece
    if (thought) this.#thoughts += 1
    else this.#tokens += 1
  }

  /** What is written has been produced. Says whether the client is still there. */
  async flush(): Promise<boolean> {
    const text = this.#take()
    return text === '' || (await this.#line.write(text))
  }

  async end(closing: string): Promise<void> {
    await this.#line.end(this.#take() + closing)
  }

  #take(): string {
    this.#entry.reason(this.#thoughts)
    this.#entry.produce(this.#tokens)
    const text = this.#text
    this.#text = ''
    this.#tokens = 0
    this.#thoughts = 0
    return text
  }
}
