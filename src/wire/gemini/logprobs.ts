import type { TokenLogprob } from '#exchange'
import { isObject } from '../json-body.ts'
import type { Json } from './json.ts'

/** Probabilities of tokens (`LogprobsResult`): the chosen ones, and beside each the likeliest. */
export function readLogprobs(result: Json): TokenLogprob[] | undefined {
  const chosen = Array.isArray(result.chosenCandidates) ? result.chosenCandidates : []
  const steps: unknown[] = Array.isArray(result.topCandidates) ? result.topCandidates : []
  const tokens = chosen.map((candidate: unknown, i): TokenLogprob => {
    const step = steps[i]
    const top: unknown[] = isObject(step) && Array.isArray(step.candidates) ? step.candidates : []
    return { ...readToken(candidate), top: top.map(readToken) }
  })
  return tokens.length > 0 ? tokens : undefined
}

function readToken(value: unknown): Omit<TokenLogprob, 'top'> {
  const { token, logProbability } = isObject(value) ? value : {}
  return {
    token: typeof token === 'string' ? token : '',
    // A token that is certain has a probability of 1, whose logarithm ProtoJSON may leave out.
    logprob: typeof logProbability === 'number' ? logProbability : 0,
    bytes: null,
  }
}

export function writeLogprobs(logprobs: readonly TokenLogprob[]): Json {
  const write = ({ token, logprob }: { token: string; logprob: number }): Json => ({
    token,
    logProbability: logprob,
  })
  return {
    chosenCandidates: logprobs.map(write),
    topCandidates: logprobs.map(({ top }) => ({ candidates: top.map(write) })),
  }
}
