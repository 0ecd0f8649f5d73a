import type { Citation, PartStart } from '#exchange'

/**
 * Texts that follow each other are one to whoever reads Gemini's answers, so the places of their citations are counted
 * from the first one's beginning; another part, or a seal, begins anew. Only the last run can be cited: the places of
 * an earlier one's are left out.
 */
export class TextRun {
  readonly #cited: { run: number; citation: Citation }[] = []
  #run = 0
  #text = ''
  /** Where the open text begins. */
  #base = 0
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
    this.#base = this.#text.length
  }

  add(text: string): void {
    if (this.#open) this.#text += text
  }

  seal(): void {
    this.#broken = true
  }

  cite(citation: Citation): void {
    const { start, end } = citation
    const shifted =
      start === undefined || end === undefined
        ? citation
        : { ...citation, start: start + this.#base, end: end + this.#base }
    this.#cited.push({ run: this.#run, citation: shifted })
  }

  citations(): (Citation & { text: string })[] {
    return this.#cited.map(({ run, citation }) => ({
      ...citation,
      text: run === this.#run ? this.#text : '',
    }))
  }
}
