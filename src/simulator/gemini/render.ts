import type { Answer, ChatAsk, Choice, ToolCall } from '../answer.ts'
import type { Frames } from '../delivery.ts'
import type { Order } from '../dialect.ts'
import { inTurns } from '../in-turns.ts'
import { logprobs } from '../openai/logprobs.ts'
import { sign } from '../signature.ts'
import { errorBody } from './envelope.ts'

type Part = Readonly<Record<string, unknown>>

/** What has been told so far, for the usage that every event of a stream carries. */
interface Progress {
  thoughts: number
  visible: number
}

/** Whether events are wanted; else the stream is one JSON array. */
export function isSse(query: URLSearchParams): boolean {
  return query.get('alt') === 'sse'
}

/** Answers of one request, whole or as events. */
export class Renderer {
  readonly #answer: Answer
  readonly #ask: ChatAsk
  readonly #order: Order
  readonly #wrap: (json: string) => string

  constructor(answer: Answer, ask: ChatAsk, order: Order) {
    this.#answer = answer
    this.#ask = ask
    this.#order = order
    const sse = isSse(order.query)
    this.#wrap = sse ? json => `data: ${json}\r\n\r\n` : json => `${json},\r\n`
  }

  /** One `GenerateContentResponse`. */
  whole(): string {
    const candidates = this.#answer.choices.map((choice, index) => {
      const blocked = choice.finish === 'filtered'
      return {
        ...(blocked ? {} : { content: content(wholeParts(choice, this.#answer)) }),
        ...this.#likelihood(choice.text),
        ...ending(choice),
        index,
      }
    })
    return this.#response(this.#total(), candidates)
  }

  /** Each event is a whole response with new parts only; the last of a candidate has its reason to finish. */
  frames(): Frames {
    const { choices } = this.#answer
    const shown = choices.reduce((sum, choice) => sum + choice.thoughts.length, 0)
    const progress: Progress = { thoughts: this.#answer.reasoningTokens - shown, visible: 0 }
    const sse = isSse(this.#order.query)
    const error = errorBody(this.#order.streamError)
    const last = this.#closing()
    return {
      opening: sse ? '' : '[',
      thoughts: inTurns(choices.map((choice, index) => this.#thoughts(choice, index, progress))),
      pieces: inTurns(choices.map((choice, index) => this.#pieces(choice, index, progress))),
      closing: sse ? last.map(this.#wrap).join('') : last.join(',\r\n'),
      done: sse ? '' : ']',
      separator: sse ? '' : ',\r\n',
      error: () => (sse ? this.#wrap(error) : `${error}]`),
      more: token => {
        progress.visible += 1
        return this.#event(progress, { content: content([{ text: token }]), index: 0 })
      },
      ping: sse ? ': keep-alive\r\n\r\n' : '\r\n',
      unknown: this.#wrap('{"simUnknown":{"note":"nobody knows this event"}}'),
    }
  }

  *#thoughts(choice: Choice, index: number, progress: Progress): Generator<string, void> {
    for (const token of choice.thoughts) {
      progress.thoughts += 1
      yield this.#event(progress, { content: content([{ text: token, thought: true }]), index })
    }
  }

  /** A text is told token by token; a call when all of it has been made, and not at all if it was cut off. */
  *#pieces(choice: Choice, index: number, progress: Progress): Generator<string, void> {
    for (const token of choice.text) {
      progress.visible += 1
      yield this.#event(progress, {
        content: content([{ text: token }]),
        ...this.#likelihood([token]),
        index,
      })
    }
    for (const [at, call] of choice.calls.entries()) {
      const part = callPart(call, at === 0)
      for (const step of call.arguments.keys()) {
        progress.visible += 1
        const complete = step === call.arguments.length - 1 && part
        yield complete ? this.#event(progress, { content: content([part]), index }) : ''
      }
    }
  }

  #closing(): string[] {
    const { choices } = this.#answer
    if (choices.some(choice => choice.refused)) return [this.#response(this.#total(), [])]
    return choices.map((choice, index) => {
      const said = choice.finish === 'filtered' ? {} : { content: content(lastParts(choice, this.#answer)) }
      return this.#response(this.#total(), [{ ...said, ...ending(choice), index }])
    })
  }

  #event(progress: Progress, candidate: object): string {
    return this.#wrap(this.#response(progress, [candidate]))
  }

  /** A blocked prompt has no candidates at all. */
  #response(progress: Progress, candidates: readonly object[]): string {
    const blocked = this.#answer.choices.some(choice => choice.refused)
    return JSON.stringify({
      ...(blocked ? { promptFeedback: { blockReason: 'PROHIBITED_CONTENT' } } : { candidates }),
      ...(this.#order.script.noUsage ? {} : { usageMetadata: this.#usage(progress) }),
      modelVersion: this.#order.model,
      responseId: this.#order.id,
    })
  }

  #total(): Progress {
    return { thoughts: this.#answer.reasoningTokens, visible: this.#answer.visibleTokens }
  }

  /** Cached tokens are among the prompt's; thoughts are not among the candidates'. */
  #usage({ thoughts, visible }: Progress) {
    const { inputTokens, cachedTokens } = this.#answer
    return {
      promptTokenCount: inputTokens,
      ...(visible > 0 ? { candidatesTokenCount: visible } : {}),
      totalTokenCount: inputTokens + visible + thoughts,
      ...(cachedTokens > 0 ? { cachedContentTokenCount: cachedTokens } : {}),
      promptTokensDetails: [{ modality: 'TEXT', tokenCount: inputTokens }],
      ...(thoughts > 0 ? { thoughtsTokenCount: thoughts } : {}),
    }
  }

  #likelihood(tokens: readonly string[]): object {
    if (this.#ask.logprobs === undefined || tokens.length === 0) return {}
    const list = logprobs(tokens, this.#ask.logprobs)
    const describe = ({ token, logprob }: { token: string; logprob: number }) => ({
      token,
      tokenId: token.length,
      logProbability: logprob,
    })
    const chosenCandidates = list.map(describe)
    const topCandidates = list.map(one => ({ candidates: one.top_logprobs.map(describe) }))
    const sum = list.reduce((total, one) => total + one.logprob, 0)
    return { avgLogprobs: sum / tokens.length, logprobsResult: { topCandidates, chosenCandidates } }
  }
}

/** Without parts there is no list of them: so it was recorded when all tokens had been thought. */
function content(parts: readonly Part[]) {
  return parts.length > 0 ? { parts, role: 'model' } : { role: 'model' }
}

function wholeParts(choice: Choice, answer: Answer): Part[] {
  const parts: Part[] = choice.thoughts.length > 0 ? [{ text: choice.thoughts.join(''), thought: true }] : []
  const text = choice.text.join('')
  if (choice.text.length > 0) parts.push({ text, ...textSeal(choice, answer) })
  for (const [at, call] of choice.calls.entries()) {
    const part = callPart(call, at === 0)
    if (part) parts.push(part)
  }
  return parts
}

/** The end of a stream: an empty text that carries the seal of a text answer. */
function lastParts(choice: Choice, answer: Answer): Part[] {
  if (choice.text.length + choice.calls.length === 0) return []
  return [{ text: '', ...(choice.calls.length > 0 ? {} : textSeal(choice, answer)) }]
}

function textSeal(choice: Choice, answer: Answer): Part {
  return answer.reasoningTokens > 0 ? { thoughtSignature: sign(choice.text.join('')) } : {}
}

/** The first of parallel calls carries the seal for all. Google gives no ids here. */
function callPart({ name, arguments: tokens }: ToolCall, first: boolean): Part | undefined {
  const json = tokens.join('')
  try {
    const functionCall = { name, args: JSON.parse(json) as unknown }
    return first ? { functionCall, thoughtSignature: sign(name + json) } : { functionCall }
  } catch {
    return undefined // cut off by the limit of tokens
  }
}

function ending({ finish }: Choice): object {
  if (finish === 'length') return { finishReason: 'MAX_TOKENS' }
  if (finish !== 'filtered') return { finishReason: 'STOP' }
  const rating = { category: 'HARM_CATEGORY_DANGEROUS_CONTENT', probability: 'HIGH', blocked: true }
  return { finishReason: 'SAFETY', safetyRatings: [rating] }
}
