import type { Bill, ChatEvent, Usage } from '#exchange'
import { withoutTier } from '../bill.ts'
import { isObject } from '../json-body.ts'
import { CandidateReader } from './candidate-reader.ts'
import type { Json } from './json.ts'
import { readGeminiBill, readGeminiUsage } from './usage.ts'

/** More candidates than any model gives; a number past it is no index. */
const mostCandidates = 64

/**
 * Reads answers (`GenerateContentResponse`): a whole one is a stream of one. There is no end mark, so what the close
 * means is asked by `close`.
 */
export class AnswerReader {
  readonly #hex: string
  readonly #candidates: CandidateReader[] = []
  #events: ChatEvent[] = []
  #begun = false
  #madeIds = 0
  #blockWord: string | undefined
  #serviceTier: string | undefined
  #skipped = 0

  constructor(hex: string) {
    this.#hex = hex
  }

  /** The usage came with, or after, the last candidate's reason. */
  counted = false

  get skipped(): number {
    return this.#candidates.reduce((sum, { skipped }) => sum + skipped, this.#skipped)
  }

  read(answer: Json): ChatEvent[] {
    this.#events = []
    const usage = readGeminiUsage(answer.usageMetadata)
    const bill = withoutTier(readGeminiBill(answer.usageMetadata), readServiceTier(answer.usageMetadata))
    this.#serviceTier = readServiceTier(answer.usageMetadata) ?? this.#serviceTier
    if (this.#begun) {
      if (usage) this.#events.push({ type: 'usage', usage, ...(bill && { bill }) })
    } else this.#start(answer, { ...(usage && { usage }), ...(bill && { bill }) })
    const candidates = Array.isArray(answer.candidates) ? answer.candidates : []
    for (const [position, candidate] of candidates.entries()) {
      if (isObject(candidate)) this.#candidateAt(candidate.index ?? position)?.read(candidate)
      else this.#skipped += 1
    }
    const feedback = isObject(answer.promptFeedback) ? answer.promptFeedback.blockReason : undefined
    if (typeof feedback === 'string' && feedback !== 'BLOCKED_REASON_UNSPECIFIED') this.#blockWord = feedback
    if (usage) this.counted = this.#isOver()
    return this.#events
  }

  /** The provider has closed: the end where each candidate was ended or the prompt was blocked, else nothing. */
  close(): ChatEvent[] {
    return this.#isOver() ? [...this.finish(), this.#endEvent()] : []
  }

  #isOver(): boolean {
    const ended = this.#candidates.length > 0 && this.#candidates.every(({ ended }) => ended)
    return ended || this.#blockWord !== undefined
  }

  /** What a whole answer ends with, whether or not it gives its reasons. */
  finish(): ChatEvent[] {
    this.#events = []
    if (this.#blockWord !== undefined) this.#candidateAt(0)
    for (const candidate of this.#candidates) candidate.finish(this.#blockFinish())
    return this.#events
  }

  get serviceTier(): string | undefined {
    return this.#serviceTier
  }

  /** Whatever blocked a prompt, it was a filter: OTHER says so too here. */
  #blockFinish(): string | undefined {
    return this.#blockWord === 'OTHER' ? 'PROHIBITED_CONTENT' : this.#blockWord
  }

  #endEvent(): ChatEvent {
    return { type: 'end', ...(this.#serviceTier !== undefined && { serviceTier: this.#serviceTier }) }
  }

  #start({ responseId, modelVersion }: Json, told: { usage?: Usage; bill?: Bill }): void {
    this.#begun = true
    this.#events.push({
      type: 'start',
      ...(typeof responseId === 'string' && { id: responseId }),
      ...(typeof modelVersion === 'string' && { model: modelVersion }),
      ...told,
    })
  }

  /** Candidates are numbered without gaps: one that is named ahead of its turn brings those before it. */
  #candidateAt(index: unknown): CandidateReader | undefined {
    if (typeof index !== 'number' || !Number.isInteger(index) || index < 0 || index >= mostCandidates) {
      this.#skipped += 1
      return undefined
    }
    while (this.#candidates.length <= index) {
      const reader = new CandidateReader(
        this.#candidates.length,
        () => this.#makeId(),
        event => this.#events.push(event),
      )
      this.#candidates.push(reader)
    }
    return this.#candidates[index]
  }

  /** The latter digits of `hex` are the random ones; 29 characters fit every dialect's ids. */
  #makeId(): string {
    const number = (this.#madeIds++).toString(16).padStart(4, '0')
    return `call_${this.#hex.slice(-20)}${number}`
  }
}

/** In OpenAI's words, where Gemini has its own. */
function readServiceTier(usage: unknown): string | undefined {
  const tier = isObject(usage) ? usage.serviceTier : undefined
  if (typeof tier !== 'string') return undefined
  const word = tier.toLowerCase()
  return word === 'standard' ? 'default' : word === 'unspecified' ? undefined : word
}
