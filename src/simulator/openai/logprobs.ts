import { hash } from '../dice.ts'

/** Log probabilities that are plausible and mean nothing: the token itself is the likeliest. */
export function logprobs(tokens: readonly string[], alternatives: number) {
  return tokens.map(token => {
    const own = -(hash(token) % 1000) / 1000
    const describe = (text: string, logprob: number) => ({
      token: text,
      logprob,
      bytes: [...Buffer.from(text)],
    })
    const others = Array.from({ length: alternatives }, (_, rank) =>
      rank === 0 ? describe(token, own) : describe(` option${rank}`, own - rank),
    )
    return { ...describe(token, own), top_logprobs: others }
  })
}
