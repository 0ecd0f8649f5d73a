import { type Asked, type AskedOutput, accept, type ChatRequest, type Decision } from '#exchange'
import { boundChat, tokensOfTools, tokensPerRequest } from './close-bound.ts'
import { boundByBytes, type MediaTally } from './media-tally.ts'

/** What a request can come to, as far as it stands in its body. */
export type Bounds = Pick<Asked, 'inputBound' | 'countInputBound' | 'output' | 'boundless' | 'withOutputCap'>

export interface BoundParts {
  bytes: number
  tally: MediaTally
  hasTools: boolean
  boundless: string | undefined
  output: AskedOutput
  toChat(): Decision<ChatRequest>
  /** Reads the request again, with another cap in its body. */
  capped(tokens: number): Decision<Asked>
}

/** Of a request that a model answers. */
export function chatBounds({ bytes, tally, hasTools, capped, toChat, ...said }: BoundParts): Bounds {
  const inputBound = boundByBytes(bytes, tally) + tokensPerRequest + (hasTools ? tokensOfTools : 0)
  return {
    ...said,
    inputBound,
    countInputBound(model) {
      const read = toChat()
      return read.ok ? Math.min(boundChat(read.value, model), inputBound) : inputBound
    },
    withOutputCap: tokens => accept(capped(tokens)),
  }
}

/** Of a request that is not answered, or not with tokens; `inputBound` is 0 where nothing is billed. */
export function inputBounds(inputBound: number): Bounds {
  return {
    inputBound,
    countInputBound: () => inputBound,
    output: undefined,
    boundless: undefined,
    withOutputCap() {
      throw new Error('what gives no tokens takes no cap')
    },
  }
}

/** OpenAI's Responses refuse less, so that a smaller cap is raised on its way there (`fewestOutputTokens`). */
const fewestTokens = 16

/** A bound that bounds: not `-1` for all there is, not 0, not more than can be counted. */
export function readCap(value: unknown): number | undefined {
  const isCap = typeof value === 'number' && Number.isSafeInteger(value) && value > 0
  return isCap ? Math.max(value, fewestTokens) : undefined
}

/** The looser of two names for a cap, since not every server looks at the same one. */
export function loosestCap(values: readonly unknown[]): number | undefined {
  const caps = values.filter(value => value !== undefined && value !== null).map(readCap)
  return caps.some(cap => cap === undefined) || caps.length === 0 ? undefined : Math.max(...caps.map(Number))
}

/** How many answers: some servers take a number in quotes for one. */
export function readChoices(value: unknown): number {
  const choices = typeof value === 'string' ? Number(value) : value
  return typeof choices === 'number' && choices > 1 ? Math.min(Math.ceil(choices), mostChoices) : 1
}

/** More than any provider gives; it keeps sums of hostile numbers countable. */
const mostChoices = 1_000_000
