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
  finish: 'stop' | 'length' | 'tool-calls'
}

interface ToolCall {
  id: string
  name: string
  /** JSON, cut into tokens. */
  arguments: readonly string[]
}

/** Makes the answer. The same seed, conversation and script give the same answer, streamed or not. */
export function compose(ask: ChatAsk, script: Script, seed: number): Answer {
  const reasoningTokens = Math.min(script.reasoningTokens, ask.maxTokens ?? script.reasoningTokens)
  const cap = ask.maxTokens === undefined ? undefined : ask.maxTokens - reasoningTokens
  const choices = Array.from({ length: ask.choices }, (_, index) =>
    composeChoice(ask, script, { seed: mix(seed ^ ask.essence ^ Math.imul(index, 0x9e3779b9)), cap }),
  )
  return {
    choices,
    inputTokens: ask.inputTokens,
    cachedTokens: Math.min(script.cachedTokens, ask.inputTokens),
    reasoningTokens: reasoningTokens * ask.choices,
    visibleTokens: choices.reduce((sum, choice) => sum + visibleTokens(choice), 0),
  }
}

function composeChoice(
  ask: ChatAsk,
  script: Script,
  { seed, cap }: { seed: number; cap: number | undefined },
): Choice {
  return capped(uncapped(), cap)
  function uncapped(): Choice {
    if (script.refusal) return { text: decline(createDice(seed)), refused: true, calls: [], finish: 'stop' }
    const count = toolCallCount(ask, script)
    if (count > 0)
      return { text: [], refused: false, calls: makeCalls(ask, seed, count), finish: 'tool-calls' }
    const text = stopped(makeText(ask, script, seed), ask.stops)
    return { text, refused: false, calls: [], finish: 'stop' }
  }
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
      return speak(ask, dice, script.tokens)
  }
}

/** The tokens up to the first stop sequence, without it. */
function stopped(tokens: string[], stops: readonly string[]): string[] {
  if (stops.length === 0) return tokens
  const text = tokens.join('')
  const found = stops.map(stop => text.indexOf(stop)).filter(at => at >= 0)
  return found.length === 0 ? tokens : tokenize(text.slice(0, Math.min(...found)))
}

function capped(choice: Choice, cap: number | undefined): Choice {
  if (cap === undefined || visibleTokens(choice) <= cap) return choice
  let left = cap
  const calls: ToolCall[] = []
  for (const call of choice.calls) {
    if (left > 0) calls.push({ ...call, arguments: call.arguments.slice(0, left) })
    left -= call.arguments.length
  }
  return { ...choice, text: choice.text.slice(0, cap), calls, finish: 'length' }
}

function visibleTokens(choice: Choice): number {
  return choice.calls.reduce((sum, call) => sum + call.arguments.length, choice.text.length)
}

/** A number for a text that can be carried on: hash of the hash so far and the next text. */
export function carryOn(essence: number, text: string): number {
  return hash(text, essence)
}
