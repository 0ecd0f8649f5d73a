import type { Dice } from './dice.ts'
import {
  admissions,
  afterTools,
  closers,
  commonWords,
  greetings,
  openers,
  type Phrases,
  refusals,
  thoughts,
} from './phrases.ts'
import { tokenize } from './tokens.ts'

export interface Prompting {
  /** The user's last message. */
  lastText: string
  /** Whether a tool has just answered. */
  afterTool: boolean
}

/** Up to two words that a text seems to be about, in their order; the longer ones win. */
export function topicWords(text: string): string[] {
  const words = text.slice(-1000).match(/\p{L}[\p{L}\p{M}\p{N}-]{2,29}/gu) ?? []
  const telling = [...new Set(words)].filter(word => !commonWords.has(word.toLowerCase()))
  const longest = [...telling].sort((one, other) => other.length - one.length).slice(0, 2)
  return telling.filter(word => longest.includes(word))
}

/** An answer of its natural length, or of exactly `length` tokens. */
export function speak(prompting: Prompting, dice: Dice, length?: number): string[] {
  const words = topicWords(prompting.lastText)
  const topic = words.length === 0 ? 'this' : words.join(' and ')
  const say = (phrase: string): string => capitalize(phrase.replaceAll('{topic}', topic))
  if (length !== undefined) return speakAtLength(opener(prompting, words, dice), say, dice, length)
  const sentences = [opener(prompting, words, dice), ...shuffled(thoughts, dice).slice(0, 2 + dice.below(3))]
  const admits = !asksWho(prompting) && dice.roll() < 0.4
  sentences.push(admits ? dice.pick(admissions) : dice.pick(closers))
  return tokenize(sentences.map(say).join(' '))
}

/** Why the model does not answer. */
export function decline(dice: Dice): string[] {
  return tokenize(dice.pick(refusals))
}

function opener(prompting: Prompting, words: readonly string[], dice: Dice): string {
  if (prompting.afterTool) return dice.pick(afterTools)
  if (asksWho(prompting)) return dice.pick(admissions)
  return dice.pick(words.length === 0 ? greetings : openers)
}

/** Who asks the model about itself is told the truth first. */
function asksWho({ lastText }: Prompting): boolean {
  return /\b(who|what|are) (are )?you\b|simulat/i.test(lastText.slice(0, 1000))
}

/** Paragraphs of six sentences until there is enough; the last token makes a plausible end. */
function speakAtLength(first: string, say: (phrase: string) => string, dice: Dice, length: number): string[] {
  const tokens = tokenize(say(first))
  const next: string[] = []
  for (let count = 1; tokens.length < length; count += 1) {
    if (next.length === 0) next.push(...admissions.slice(0, 1), ...shuffled(thoughts, dice))
    const sentence = say(next.pop() ?? first)
    for (const token of tokenize(count % 6 === 0 ? `\n\n${sentence}` : ` ${sentence}`)) tokens.push(token)
  }
  tokens.length = length
  const before = tokens[length - 2] ?? ''
  if (length > 2) tokens[length - 1] = /[\p{L}\p{N}]$/u.test(before) ? '.' : before.trim() === '' ? '…' : ' …'
  return tokens
}

function shuffled(phrases: Phrases, dice: Dice): string[] {
  const list: string[] = [...phrases]
  for (let last = list.length - 1; last > 0; last -= 1) {
    const other = dice.below(last + 1)
    const held = list[last]!
    list[last] = list[other]!
    list[other] = held
  }
  return list
}

function capitalize(sentence: string): string {
  return sentence.charAt(0).toUpperCase() + sentence.slice(1)
}
