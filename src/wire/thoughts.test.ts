import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { ChatAnswer, ChatRequest, ReasoningPart } from '#exchange'
import { unfoldAnswer } from './fold.ts'
import {
  recallThoughts,
  rememberAnswer,
  ThoughtListener,
  type ThoughtMemory,
  type Thoughts,
} from './thoughts.ts'

function createMemory(): ThoughtMemory & { kept: Map<string, Thoughts> } {
  const kept = new Map<string, Thoughts>()
  return { kept, remember: (id, thoughts) => void kept.set(id, thoughts), recall: id => kept.get(id) }
}

const thought: ReasoningPart = {
  type: 'reasoning',
  text: 'First look it up.',
  signature: { dialect: 'anthropic-messages', kind: 'seal', value: 'c2VhbA==' },
}

const answer: ChatAnswer = {
  choices: [
    {
      parts: [
        thought,
        { type: 'text', text: 'Let me see.' },
        { type: 'tool-call', id: 'toolu_1', name: 'look', arguments: '{}' },
        {
          type: 'tool-call',
          id: 'toolu_2',
          name: 'look',
          arguments: '{}',
          signature: { dialect: 'gemini', kind: 'seal', value: 'eA==' },
        },
      ],
      finish: { reason: 'tool-calls' },
    },
  ],
}

/** What a caller sends back whose framework keeps texts and calls alone. */
const bare: ChatRequest = {
  messages: [
    {
      role: 'assistant',
      parts: [
        { type: 'text', text: 'Let me see.' },
        { type: 'tool-call', id: 'toolu_1', name: 'look', arguments: '{}' },
        { type: 'tool-call', id: 'toolu_2', name: 'look', arguments: '{}' },
      ],
    },
  ],
  tools: [],
  extras: [],
}

suite('thoughts that a caller has lost', () => {
  test('are remembered alike from a whole answer and from its stream', () => {
    const [whole, streamed] = [createMemory(), createMemory()]
    rememberAnswer(answer, whole)
    const listener = new ThoughtListener(streamed)
    for (const event of unfoldAnswer(answer)) listener.hear(event)
    assert.deepEqual(streamed.kept, whole.kept)
    assert.equal(whole.kept.size, 2)
  })

  test('are put back before the call, for the dialect whose seal they have', () => {
    const memory = createMemory()
    rememberAnswer(answer, memory)
    assert.deepEqual(recallThoughts(bare, memory, 'anthropic-messages').messages[0]?.parts, [
      thought,
      ...(bare.messages[0]?.parts ?? []),
    ])
    const gemini = recallThoughts(bare, memory, 'gemini').messages[0]?.parts
    assert.equal(gemini?.length, 3)
    assert.deepEqual(gemini[2], answer.choices[0]?.parts[3])
    assert.deepEqual(recallThoughts(bare, memory, 'openai-chat'), bare)
  })

  test('do not stand beside those that the caller has kept', () => {
    const memory = createMemory()
    rememberAnswer(answer, memory)
    const whole: ChatRequest = {
      ...bare,
      messages: [{ role: 'assistant', parts: answer.choices[0]?.parts ?? [] }],
    }
    assert.deepEqual(recallThoughts(whole, memory, 'anthropic-messages'), whole)
  })
})
