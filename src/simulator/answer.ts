import { createDice, hash, hexOf, mix } from './dice.ts'
import { decline, speak, topicWords } from './prose.ts'
import { sampleSchema } from './schema-sample.ts'
import type { Script } from './script.ts'
import { tokenize } from './tokens.ts'

/** What a chat is asked for, whatever the dialect. */
export interface ChatAsk {
  stream: boolean
  /** Whether the stream is to end with a usage report. */
  wantsUsage: boolean
  /** How many alternative answers. */
  choices: number
  /** Most tokens of one answer, reasoning included. */
  maxTokens: number | undefined
  stops: readonly string[]
  tools: readonly Tool[]
  toolUse: ToolUse
  parallelTools: boolean
  format: Format
  /** Alternatives for each token; `undefined`: no log probabilities at all. */
  logprobs: number | undefined
  inputTokens: number
  /** A hash of all that was said, so that the same conversation has the same answer. */
  essence: number
  lastText: string
  afterTool: boolean
  /** What the request says about thinking; absent: it thinks as much as the script says, and shows nothing. */
  thinking?: Thinking
  /** Whether a refusal has no words, because the dialect has another way to tell it. */
  refusesSilently?: boolean
}

/** Tokens of reasoning: as many as the script says, else `usual`; never more than `most`. */
export interface Thinking {
  usual: number
  most: number
  shown: boolean
}

export interface Tool {
  name: string
  schema: unknown
}

/** `auto`: the model decides; `required`: it must call one; `none`: it must not. */
export type ToolUse = 'auto' | 'required' | 'none'

export type Format = { kind: 'text' } | { kind: 'json' } | { kind: 'schema'; schema: unknown }

/** What the model says, before any dialect has put it into words. */
export interface Answer {
  choices: readonly Choice[]
  inputTokens: number
  cachedTokens: number
  reasoningTokens: number
  visibleTokens: number
}

export interface Choice {
  /** Text, or calls, never both. */
  text: readonly string[]
  /** Whether the text says why the model does not answer. */
  refused: boolean
  calls: readonly ToolCall[]
  /** What was thought, if it is shown. */
  thoughts: readonly string[]
  /** `filtered`: broken off in the middle because of what it says. */
  finish: 'stop' | 'length' | 'tool-calls' | 'filtered'
  /** The stop sequence that ended it. */
  stop: string | undefined
}

export interface ToolCall {
  id: string
  name: string
  /** JSON, cut into tokens. */
  arguments: readonly string[]
}

/** Makes the answer. The same seed, conversation and script give the same answer, streamed or not. */
export function compose(ask: ChatAsk, script: Script, seed: number): Answer {
  const reasoningTokens = reasoningLength(ask, script)
  const cap = ask.maxTokens === undefined ? undefined : ask.maxTokens - reasoningTokens
  const choices = Array.from({ length: ask.choices }, (_, index) =>
    composeChoice(ask, script, {
      seed: mix(seed ^ ask.essence ^ Math.imul(index, 0x9e3779b9)),
      cap,
      reasoningTokens,
    }),
  )
  return {
    choices,
    inputTokens: ask.inputTokens,
    cachedTokens: Math.min(script.cachedTokens, ask.inputTokens),
    reasoningTokens: reasoningTokens * ask.choices,
    visibleTokens: choices.reduce((sum, choice) => sum + visibleTokens(choice), 0),
  }
}

/** How long it thinks. A refused prompt is not thought about where the refusal has no words. */
function reasoningLength(ask: ChatAsk, script: Script): number {
  if (script.refusal && ask.refusesSilently) return 0
  const wanted = script.reasoningTokens ?? ask.thinking?.usual ?? 0
  return Math.min(wanted, ask.thinking?.most ?? wanted, ask.maxTokens ?? wanted)
}

function composeChoice(
  ask: ChatAsk,
  script: Script,
  { seed, cap, reasoningTokens }: { seed: number; cap: number | undefined; reasoningTokens: number },
): Choice {
  const plain: Choice = {
    text: [],
    refused: false,
    calls: [],
    thoughts: ask.thinking?.shown ? think(ask, seed, reasoningTokens) : [],
    finish: 'stop',
    stop: undefined,
  }
  return capped(uncapped(), cap)
  function uncapped(): Choice {
    if (script.refusal) {
      return { ...plain, text: ask.refusesSilently ? [] : decline(createDice(seed)), refused: true }
    }
    const count = toolCallCount(ask, script)
    if (count > 0 && !script.filtered) {
      return { ...plain, calls: makeCalls(ask, seed, count), finish: 'tool-calls' }
    }
    const text = makeText(ask, script, seed)
    if (script.filtered)
      return { ...plain, text: text.slice(0, Math.ceil(text.length / 2)), finish: 'filtered' }
    return { ...plain, ...stopped(text, ask.stops) }
  }
}

function think(ask: ChatAsk, seed: number, length: number): string[] {
  return length === 0 ? [] : speak({ ...ask, afterTool: false }, createDice(mix(seed + 1)), length)
}

/** A script that asks for tools has them called once; when a tool has answered, the model speaks. */
function toolCallCount(ask: ChatAsk, script: Script): number {
  if (ask.tools.length === 0 || ask.toolUse === 'none') return 0
  const scripted = ask.afterTool ? 0 : script.toolCalls
  const count = ask.toolUse === 'required' ? Math.max(1, scripted) : scripted
  return ask.parallelTools ? count : Math.min(1, count)
}

function makeCalls(ask: ChatAsk, seed: number, count: number): ToolCall[] {
  const dice = createDice(seed)
  const words = topicWords(ask.lastText)
  return Array.from({ length: count }, (_, index) => {
    const tool = ask.tools[index % ask.tools.length]!
    const value = sampleSchema(tool.schema, dice, words)
    return {
      id: `call_${hexOf(seed, index, 3)}`,
      name: tool.name,
      arguments: tokenize(JSON.stringify(value)),
    }
  })
}

function makeText(ask: ChatAsk, script: Script, seed: number): string[] {
  const dice = createDice(seed)
  const words = topicWords(ask.lastText)
  switch (ask.format.kind) {
    case 'schema':
      return tokenize(JSON.stringify(sampleSchema(ask.format.schema, dice, words)))
    case 'json':
      return tokenize(JSON.stringify({ topic: words, answer: speak(ask, dice).join(''), simulated: true }))
    case 'text':
      return dress(speak(ask, dice, script.tokens), script)
  }
}

/** Letters of two, three and four bytes in UTF-8, so that there is something to split. */
const wideLetters: Readonly<Record<string, string>> = { a: 'ä', e: 'ẻ', o: '𝒐' }

/** The same tokens, as a script wants their bytes to be. */
function dress(tokens: string[], { wide, longBytes }: Script): string[] {
  const dressed = wide ? tokens.map(token => token.replace(/[aeo]/g, letter => wideLetters[letter]!)) : tokens
  const middle = Math.floor(dressed.length / 2)
  if (longBytes === undefined || dressed.length === 0) return dressed
  return dressed.with(middle, ` ${'x'.repeat(longBytes - 1)}`)
}

/** The tokens up to the first stop sequence, without it. */
function stopped(tokens: string[], stops: readonly string[]): Pick<Choice, 'text' | 'stop'> {
  if (stops.length === 0) return { text: tokens, stop: undefined }
  const text = tokens.join('')
  const found = stops.map(stop => ({ stop, at: text.indexOf(stop) })).filter(({ at }) => at >= 0)
  const [first] = found.sort((one, other) => one.at - other.at)
  return first
    ? { text: tokenize(text.slice(0, first.at)), stop: first.stop }
    : { text: tokens, stop: undefined }
}

function capped(choice: Choice, cap: number | undefined): Choice {
  if (cap === undefined || visibleTokens(choice) <= cap) return choice
  let left = cap
  const calls: ToolCall[] = []
  for (const call of choice.calls) {
    if (left > 0) calls.push({ ...call, arguments: call.arguments.slice(0, left) })
    left -= call.arguments.length
  }
  return { ...choice, text: choice.text.slice(0, cap), calls, finish: 'length', stop: undefined }
}

function visibleTokens(choice: Choice): number {
  return choice.calls.reduce((sum, call) => sum + call.arguments.length, choice.text.length)
}

/** A number for a text that can be carried on: hash of the hash so far and the next text. */
export function carryOn(essence: number, text: string): number {
  return hash(text, essence)
}
