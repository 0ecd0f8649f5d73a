import { type ChatAsk, carryOn } from './answer.ts'
import { hash } from './dice.ts'
import { countTokens } from './tokens.ts'

/** Tokens that frame one message, and the ones that begin the answer; about what real chat formats take. */
const messageTokens = 3
const openingTokens = 3
/** A picture, a sound or a file, whatever its size. */
const attachmentTokens = 85

/** One message, whatever dialect it came in. */
export interface Turn {
  role: string
  text: string
  /** The calls of tools in it as JSON; empty if there are none. */
  calls: string
  attachments: number
  /** Whether a person is speaking: what the answer is about. */
  fromUser: boolean
}

/** Counts the prompt, and remembers what the answer depends on. `extras`: tools and formats, which cost as JSON. */
export function weigh(
  turns: readonly Turn[],
  extras: readonly unknown[],
  seed: string,
): Pick<ChatAsk, 'inputTokens' | 'essence' | 'lastText'> {
  let inputTokens = openingTokens
  let essence = hash(seed)
  let lastText = ''
  for (const { role, text, calls, attachments, fromUser } of turns) {
    if (fromUser) lastText = text
    inputTokens += messageTokens + countTokens(text) + countTokens(calls) + attachments * attachmentTokens
    essence = carryOn(carryOn(carryOn(essence, role), text), calls)
  }
  for (const extra of extras) {
    if (extra !== undefined && extra !== null) inputTokens += countTokens(JSON.stringify(extra))
  }
  return { inputTokens, essence, lastText }
}
