import type { AnswerPart, ChatEvent, Finish, Signature, TokenLogprob } from '#exchange'

interface CallStart {
  id: string
  name: string
  custom?: boolean
}

/** A tool call whose turn has not come: another one before it is not complete. */
interface WaitingCall {
  key: number
  start: CallStart
  text: string
  signature?: Signature
}

/**
 * Puts the pieces of one choice into order for a dialect whose stream has no beginnings and ends of parts: a part
 * ends where another kind begins. Pieces of parallel tool calls may come mixed: one call is open, the others wait
 * until its arguments are complete JSON, or until everything else is over.
 */
export class PartSequencer {
  readonly #choice: number
  #open: 'text' | 'reasoning' | 'refusal' | 'tool-call' | undefined
  #openCall: { key: number; text: string; custom: boolean } | undefined
  readonly #closedCalls = new Set<number>()
  #waiting: WaitingCall[] = []
  #finished = false

  constructor(choice: number) {
    this.#choice = choice
  }

  get hasToolCalls(): boolean {
    return this.#openCall !== undefined || this.#closedCalls.size > 0 || this.#waiting.length > 0
  }

  get finished(): boolean {
    return this.#finished
  }

  *text(
    kind: 'text' | 'reasoning' | 'refusal',
    text: string,
    logprobs?: readonly TokenLogprob[],
  ): Generator<ChatEvent> {
    if (text === '' && !logprobs) return
    if (this.#open !== kind) {
      yield* this.#closeAll()
      this.#open = kind
      yield { type: 'part-start', choice: this.#choice, part: { type: kind } }
    }
    yield {
      type: `${kind}-delta`,
      choice: this.#choice,
      text,
      ...(kind === 'text' && logprobs && { logprobs }),
    }
  }

  /** What stands beside the open part: a citation of its text, a seal. Opens an empty part where there is none. */
  *beside(
    kind: 'text' | 'reasoning',
    event:
      | Omit<Extract<ChatEvent, { type: 'signature' }>, 'choice'>
      | Omit<Extract<ChatEvent, { type: 'citation' }>, 'choice'>,
  ): Generator<ChatEvent> {
    if (this.#open !== kind) {
      yield* this.#closeAll()
      this.#open = kind
      yield { type: 'part-start', choice: this.#choice, part: { type: kind } }
    }
    yield { ...event, choice: this.#choice }
    if (event.type === 'signature') yield* this.#close() // what follows a seal is not under it
  }

  /** The next piece begins a part of its own, whatever its kind. */
  *endPart(): Generator<ChatEvent> {
    yield* this.#close()
  }

  /** A piece of the tool call that the provider numbers `key`; `start` is what is known of it by now. */
  *call(key: number, start: CallStart, text: string): Generator<ChatEvent> {
    if (this.#openCall?.key === key) return yield* this.#argument(text)
    if (this.#closedCalls.has(key)) {
      if (text.trim() === '') return
      throw new SyntaxError(`more arguments for tool call ${key}, which was complete`)
    }
    const waiting = this.#waiting.find(call => call.key === key)
    if (waiting) waiting.text += text
    else this.#waiting.push({ key, start, text })
    if (this.#openCall === undefined || isJson(this.#openCall.text)) yield* this.#openNext()
  }

  /** The seal of a tool call; lost where it comes after the call's end. */
  *sealCall(key: number, signature: Signature): Generator<ChatEvent> {
    if (this.#openCall?.key === key) yield { type: 'signature', choice: this.#choice, signature }
    const waiting = this.#waiting.find(call => call.key === key)
    if (waiting) waiting.signature = signature
  }

  *whole(part: AnswerPart): Generator<ChatEvent> {
    yield* this.#closeAll()
    yield { type: 'part-start', choice: this.#choice, part: { type: 'whole', part } }
    yield { type: 'part-end', choice: this.#choice }
  }

  *finish(finish: Finish): Generator<ChatEvent> {
    if (this.#finished) return
    this.#finished = true
    yield* this.#closeAll()
    const reason = finish.reason === 'stop' && this.hasToolCalls ? 'tool-calls' : finish.reason
    yield { type: 'finish', choice: this.#choice, finish: { ...finish, reason } }
  }

  *#argument(text: string): Generator<ChatEvent> {
    if (text === '' || !this.#openCall) return
    this.#openCall.text += text
    yield { type: 'arguments-delta', choice: this.#choice, text }
    if (this.#waiting.length > 0 && isJson(this.#openCall.text)) yield* this.#openNext()
  }

  *#openNext(): Generator<ChatEvent> {
    const next = this.#waiting.shift()
    if (!next) return
    yield* this.#close()
    this.#open = 'tool-call'
    this.#openCall = { key: next.key, text: '', custom: next.start.custom === true }
    yield { type: 'part-start', choice: this.#choice, part: { type: 'tool-call', ...next.start } }
    if (next.signature) yield { type: 'signature', choice: this.#choice, signature: next.signature }
    yield* this.#argument(next.text)
  }

  *#close(): Generator<ChatEvent> {
    if (this.#open === undefined) return
    if (this.#openCall) {
      this.#closedCalls.add(this.#openCall.key)
      // A function without arguments may be called with no text at all, which no SDK can parse.
      if (this.#openCall.text === '' && !this.#openCall.custom)
        yield { type: 'arguments-delta', choice: this.#choice, text: '{}' }
    }
    this.#open = undefined
    this.#openCall = undefined
    yield { type: 'part-end', choice: this.#choice }
  }

  *#closeAll(): Generator<ChatEvent> {
    while (this.#waiting.length > 0) yield* this.#openNext()
    yield* this.#close()
  }
}

function isJson(text: string): boolean {
  if (!text.trimEnd().endsWith('}')) return false
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
