import type { Citation, PartStart } from '#exchange'

/**
 * Texts that follow each other are one to whoever reads Gemini's answers, so the places of their citations are counted
 * from the first one's beginning; another part, or a seal, begins anew. Only the last run can be cited: the places of
 * an earlier one's are left out. A citation that names no place is for the text that it stands in, as Anthropic and
 * Bedrock have it; one of Gemini's own without a place is for the answer.
 */
export class TextRun {
  readonly #cited: { run: number; citation: Citation; within?: Stretch }[] = []
  #run = 0
  #text = ''
  /** The open text. */
  #stretch: Stretch = { start: 0, end: 0 }
  #open = false
  #broken = false

  begin(type: PartStart['type'] | 'image' | 'audio' | 'opaque'): void {
    this.#open = type === 'text' || type === 'refusal'
    if (!this.#open || this.#broken) this.#broken = true
    if (!this.#open) return
    if (this.#broken) {
      this.#broken = false
      this.#run += 1
      this.#text = ''
    }
    this.#stretch = { start: this.#text.length, end: this.#text.length }
  }

  add(text: string): void {
    if (!this.#open) return
    this.#text += text
    this.#stretch.end = this.#text.length
  }

  seal(): void {
    this.#broken = true
  }

  cite(citation: Citation): void {
    const { start, end, raw } = citation
    const base = this.#stretch.start
    const run = this.#run
    if (start !== undefined && end !== undefined)
      this.#cited.push({ run, citation: { ...citation, start: start + base, end: end + base } })
    else if (raw?.dialect === 'gemini') this.#cited.push({ run, citation })
    else this.#cited.push({ run, citation, within: this.#stretch })
  }

  citations(): (Citation & { text: string })[] {
    return this.#cited.map(({ run, citation, within }) => ({
      ...citation,
      ...(within && within.end > within.start && within),
      text: run === this.#run ? this.#text : '',
    }))
  }
}

/** In characters of the run; its end moves while it is written. */
interface Stretch {
  start: number
  end: number
}
