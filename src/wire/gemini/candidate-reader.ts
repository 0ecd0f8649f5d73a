import type { AnswerPart, ChatEvent, Signature, TokenLogprob } from '#exchange'
import { isObject } from '../json-body.ts'
import { readCitations } from './citations.ts'
import { readFinish } from './finish.ts'
import { type Json, plainBase64, readSeal } from './json.ts'
import { readLogprobs } from './logprobs.ts'
import { addPartialArg } from './partial-args.ts'

/**
 * Reads one candidate, whole or in pieces: every piece brings new parts, and texts that follow each other are one. A
 * part ends where another kind begins, or where its seal has come. The reason why it ends may stand on every piece,
 * and its sources come at the end, so both are told by `finish`.
 */
export class CandidateReader {
  readonly #choice: number
  readonly #makeId: () => string
  readonly #out: (event: ChatEvent) => void
  #open: 'text' | 'reasoning' | 'tool-call' | undefined
  #sealed = false
  /** Of the latest text, in which the places of citations count. */
  #text = ''
  /** Arguments of the open call. */
  #arguments: Record<string, unknown> = {}
  #calls = 0
  #finishWord: string | undefined
  #grounding: Json | undefined
  #cited: Json | undefined
  skipped = 0

  constructor(choice: number, makeId: () => string, out: (event: ChatEvent) => void) {
    this.#choice = choice
    this.#makeId = makeId
    this.#out = out
  }

  /** Whether the provider has said why it ended. */
  get ended(): boolean {
    return this.#finishWord !== undefined
  }

  read(candidate: Json): void {
    const parts = isObject(candidate.content) ? candidate.content.parts : undefined
    let logprobs = isObject(candidate.logprobsResult) ? readLogprobs(candidate.logprobsResult) : undefined
    for (const part of Array.isArray(parts) ? parts : []) {
      if (!isObject(part)) this.skipped += 1
      else if (this.#read(part, logprobs)) logprobs = undefined
    }
    if (logprobs && this.#open === 'text') this.#readText('text', { text: '', logprobs })
    if (isObject(candidate.groundingMetadata))
      this.#grounding = merge(this.#grounding, candidate.groundingMetadata)
    if (isObject(candidate.citationMetadata)) this.#cited = merge(this.#cited, candidate.citationMetadata)
    if (typeof candidate.finishReason === 'string' && candidate.finishReason !== 'FINISH_REASON_UNSPECIFIED')
      this.#finishWord = candidate.finishReason
  }

  /** The provider has ended; `word` where it gave its reason elsewhere. */
  finish(word?: string): void {
    const citations = readCitations(this.#grounding, this.#cited, this.#text)
    if (citations.length > 0 && this.#open !== 'text') this.#begin('text')
    for (const citation of citations) this.#out({ type: 'citation', choice: this.#choice, citation })
    this.#close()
    const finish = readFinish(this.#finishWord ?? word, this.#calls > 0)
    this.#out({ type: 'finish', choice: this.#choice, finish })
  }

  /** True where the part has taken the probabilities of its tokens along. */
  #read(part: Json, logprobs: readonly TokenLogprob[] | undefined): boolean {
    const seal = readSeal(part.thoughtSignature)
    if (typeof part.text === 'string') {
      const kind = part.thought === true ? 'reasoning' : 'text'
      this.#readText(kind, { text: part.text, seal, logprobs: kind === 'text' ? logprobs : undefined })
      return kind === 'text'
    }
    if (isObject(part.functionCall)) this.#readCall(part.functionCall, seal)
    else if (seal && Object.keys(part).every(name => name === 'thoughtSignature' || name === 'thought'))
      this.#readText(part.thought === true ? 'reasoning' : 'text', { text: '', seal })
    else this.#readWhole(part, seal)
    return false
  }

  #readText(
    kind: 'text' | 'reasoning',
    said: {
      text: string
      seal?: Signature | undefined
      logprobs?: readonly TokenLogprob[] | undefined
    },
  ): void {
    const { text, seal, logprobs } = said
    if (text === '' && !seal && !logprobs) return
    if (this.#open !== kind || this.#sealed) this.#begin(kind)
    if (kind === 'text') this.#text += text
    const choice = this.#choice
    if (kind === 'reasoning' && text !== '') this.#out({ type: 'reasoning-delta', choice, text })
    else if (text !== '' || logprobs)
      this.#out({ type: 'text-delta', choice, text, ...(logprobs && { logprobs }) })
    if (seal) this.#out({ type: 'signature', choice, signature: seal })
    this.#sealed = seal !== undefined
  }

  /**
   * A call comes whole, or as its name, then pieces of its arguments, then an empty one; that last one is missing at
   * times, so that whatever else comes ends it too.
   */
  #readCall(call: Json, seal: Signature | undefined): void {
    const pieces = Array.isArray(call.partialArgs) ? call.partialArgs : []
    if (typeof call.name === 'string' && call.name !== '') {
      this.#close()
      this.#open = 'tool-call'
      this.#calls += 1
      this.#arguments = {}
      const id = typeof call.id === 'string' && call.id !== '' ? call.id : this.#makeId()
      const part = { type: 'tool-call', id, name: call.name } as const
      this.#out({ type: 'part-start', choice: this.#choice, part })
    } else if (this.#open !== 'tool-call') {
      this.skipped += 1
      return
    }
    if (seal) this.#out({ type: 'signature', choice: this.#choice, signature: seal })
    if (isObject(call.args)) this.#arguments = { ...this.#arguments, ...call.args } // `assign` would lose a `__proto__`
    for (const piece of pieces) addPartialArg(this.#arguments, piece)
    const more = pieces.some(piece => isObject(piece) && piece.willContinue === true)
    if (call.willContinue !== true && !more) this.#close()
  }

  #readWhole(value: Json, signature: Signature | undefined): void {
    this.#close()
    const part = readMedia(value, signature) ?? ({ type: 'opaque', dialect: 'gemini', value } as const)
    this.#out({ type: 'part-start', choice: this.#choice, part: { type: 'whole', part } })
    this.#out({ type: 'part-end', choice: this.#choice })
  }

  #begin(kind: 'text' | 'reasoning'): void {
    this.#close()
    this.#open = kind
    if (kind === 'text') this.#text = ''
    this.#out({ type: 'part-start', choice: this.#choice, part: { type: kind } })
  }

  #close(): void {
    if (this.#open === undefined) return
    if (this.#open === 'tool-call')
      this.#out({ type: 'arguments-delta', choice: this.#choice, text: JSON.stringify(this.#arguments) })
    this.#open = undefined
    this.#sealed = false
    this.#out({ type: 'part-end', choice: this.#choice })
  }
}

/** An image or a sound that the model made; one that is only part of its thinking is not for showing. */
function readMedia(part: Json, signature: Signature | undefined): AnswerPart | undefined {
  const { inlineData } = part
  if (!isObject(inlineData) || part.thought === true) return undefined
  const { mimeType, data } = inlineData
  if (typeof mimeType !== 'string' || typeof data !== 'string') return undefined
  const source = { kind: 'data', mediaType: mimeType, base64: plainBase64(data) } as const
  if (mimeType.startsWith('image/')) return { type: 'image', source, ...(signature && { signature }) }
  return mimeType.startsWith('audio/') && !signature ? { type: 'audio', source } : undefined
}

/** What a later piece says anew stands; an empty list takes nothing back. */
function merge(before: Json | undefined, after: Json): Json {
  if (!before) return after
  const news = Object.entries(after).filter(([, value]) => !Array.isArray(value) || value.length > 0)
  return { ...before, ...Object.fromEntries(news) }
}
