import type { Asked, ChatRequest } from '#exchange'
import { textsOf, tokensPerImage } from './count-tokens.ts'

/**
 * Words with the space before them, numbers by three digits, each character of scripts without spaces, runs of
 * signs, runs of space: nearly what OpenAI's newest tokenizer (o200k) cuts a text into before it looks at its tables.
 */
const pieces =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]| ?\p{L}[\p{L}\p{M}]*|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+|\s+/gu

/** What frames one message, and what begins the answer (OpenAI's counting guide). */
const tokensPerMessage = 3

/** A longer word is more than one token. */
const lettersPerToken = 12

/** Of a long text the beginning stands for the rest: this is asked when a stream has been cut, perhaps of thousands. */
const mostCountedCharacters = 65_536

/**
 * Input tokens of a request whose provider will not tell any more, by what is in it: no markup, no base64. Costs a
 * reading of the request, so that it is asked only where an answer broke off.
 */
export function estimateInput(asked: Asked): number {
  const said = asked.toChat?.()
  return said?.ok ? countRequest(said.value) : asked.estimatedInputTokens
}

function countRequest(request: ChatRequest): number {
  const images = request.messages.reduce(
    (sum, { parts }) => sum + parts.filter(({ type }) => type === 'image').length,
    0,
  )
  const tokens = textsOf(request).reduce((sum, text) => sum + countText(text), 0)
  return tokens + images * tokensPerImage + (request.messages.length + 1) * tokensPerMessage
}

function countText(text: string): number {
  const counted = text.slice(0, mostCountedCharacters)
  let tokens = 0
  for (const [piece] of counted.matchAll(pieces))
    tokens += Math.ceil(piece.trimStart().length / lettersPerToken) || 1
  return counted.length === text.length ? tokens : Math.ceil((tokens * text.length) / counted.length)
}
