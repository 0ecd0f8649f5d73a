import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { CallerDialect } from '#exchange'
import type { StreamTap } from './dialect.ts'
import { dialects, providerDialects } from './dialects.ts'
import { ThoughtListener } from './thoughts.ts'
import { TranslatingTap } from './translating-tap.ts'

type Json = Readonly<Record<string, unknown>>
type Name = Extract<CallerDialect, 'openai-chat' | 'anthropic-messages' | 'openai-responses' | 'gemini'>

interface Stream {
  /** What comes before any of its content. */
  opening: readonly Json[]
  /** Pieces that say nothing. */
  empty: readonly Json[]
  /** Pieces that say something, each of them in a stream of its own. */
  telling: readonly Json[]
}

const chat = (delta: Json, more: Json = {}): Json => ({
  id: 'c-1',
  model: 'm',
  choices: [{ index: 0, delta, finish_reason: null, ...more }],
})
const block = (delta: Json): Json => ({ type: 'content_block_delta', index: 0, delta })
const gemini = (parts: readonly Json[], more: Json = {}): Json => ({
  candidates: [{ index: 0, content: { role: 'model', parts }, ...more }],
})

const streams: Record<Name, Stream> = {
  'openai-chat': {
    opening: [chat({ role: 'assistant', content: '' })],
    empty: [
      chat({}),
      chat({ content: '' }),
      chat({ role: 'assistant' }),
      chat({ role: 'assistant', content: null, reasoning_content: '', tool_calls: [] }),
      { ...chat({ content: '' }), usage: { prompt_tokens: 5, completion_tokens: 0, total_tokens: 5 } },
      { id: 'c-1', model: 'm', choices: [] },
    ],
    telling: [
      chat({ content: 'a' }),
      chat({ reasoning_content: 'a' }),
      chat({ refusal: 'a' }),
      chat({ tool_calls: [{ index: 0, id: 'c', function: { name: 'f', arguments: '' } }] }),
      chat({}, { finish_reason: 'stop' }),
    ],
  },
  'anthropic-messages': {
    opening: [
      {
        type: 'message_start',
        message: { id: 'm', model: 'm', usage: { input_tokens: 5, output_tokens: 1 } },
      },
      { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
    ],
    empty: [{ type: 'ping' }, block({ type: 'text_delta', text: '' })],
    telling: [block({ type: 'text_delta', text: 'a' }), { type: 'content_block_stop', index: 0 }],
  },
  'openai-responses': {
    opening: [
      { type: 'response.created', response: { id: 'r', model: 'm', status: 'in_progress', output: [] } },
      {
        type: 'response.output_item.added',
        output_index: 0,
        item: { type: 'message', id: 'i', role: 'assistant', status: 'in_progress', content: [] },
      },
      {
        type: 'response.content_part.added',
        item_id: 'i',
        output_index: 0,
        content_index: 0,
        part: { type: 'output_text', text: '', annotations: [] },
      },
    ],
    empty: [
      { type: 'keepalive', sequence_number: 9 },
      { type: 'response.output_text.delta', item_id: 'i', output_index: 0, content_index: 0, delta: '' },
    ],
    telling: [
      { type: 'response.output_text.delta', item_id: 'i', output_index: 0, content_index: 0, delta: 'a' },
    ],
  },
  gemini: {
    opening: [gemini([{ text: 'a' }])],
    empty: [
      gemini([]),
      gemini([{ text: '' }]),
      gemini([{ text: '', thought: true }]),
      gemini([{ text: '' }], { safetyRatings: [{ category: 'HARM', probability: 'NEGLIGIBLE' }] }),
      { ...gemini([{ text: '' }]), usageMetadata: { promptTokenCount: 5, totalTokenCount: 5 } },
    ],
    telling: [gemini([{ text: 'a' }]), gemini([{ text: 'a', thought: true }])],
  },
}

const names = Object.keys(streams) as Name[]

/** By every way that a stream of this dialect can go. */
function taps(name: Name): Record<string, () => StreamTap> {
  const own = dialects[name]
  const theirs = providerDialects[name]
  assert.ok(own.operation === 'chat' && theirs.operation === 'chat')
  const caller = dialects[name === 'openai-chat' ? 'anthropic-messages' : 'openai-chat']
  assert.ok(caller.operation === 'chat')
  const request = { body: Buffer.from('{}'), rest: '', query: {} }
  return {
    relayed: () => own.createStreamTap({ showUsage: true }),
    translated: () =>
      new TranslatingTap({
        reader: theirs.createReader({ hex: '0'.repeat(32) }),
        writer: caller.createWriter({
          hex: '0'.repeat(32),
          createdAtMs: 0,
          model: 'm',
          estimatedInputTokens: 1,
          showUsage: true,
          request,
        }),
        listener: new ThoughtListener({ remember: () => undefined, recall: () => undefined }),
      }),
  }
}

function bytesOf(event: Json): Buffer {
  const name = typeof event.type === 'string' ? `event: ${event.type}\n` : ''
  return Buffer.from(`${name}data: ${JSON.stringify(event)}\n\n`)
}

/** Whether this counts as progress, behind what opens a stream. */
function counts(create: () => StreamTap, { opening }: Stream, event: Json): boolean {
  const tap = create()
  for (const first of opening) tap.push(bytesOf(first))
  const { progress } = tap.facts
  tap.push(bytesOf(event))
  assert.equal(tap.facts.malformed, undefined)
  return tap.facts.progress > progress
}

suite('the time between two pieces', () => {
  for (const name of names) {
    for (const [way, create] of Object.entries(taps(name))) {
      const stream = streams[name]
      test(`goes on through pieces of nothing: ${name}, ${way}`, () => {
        for (const event of stream.empty) assert.ok(!counts(create, stream, event), JSON.stringify(event))
        const tap = create()
        tap.push(Buffer.from(': still here\n\n'))
        assert.equal(tap.facts.progress, 0)
      })

      test(`begins anew with whatever is said: ${name}, ${way}`, () => {
        for (const event of stream.telling) assert.ok(counts(create, stream, event), JSON.stringify(event))
      })

      test(`the first token is not a piece of nothing: ${name}, ${way}`, () => {
        for (const event of stream.empty) {
          const tap = create()
          const opening = name === 'gemini' ? [] : stream.opening
          for (const first of [...opening, event]) tap.push(bytesOf(first))
          assert.equal(tap.facts.pieces, 0, JSON.stringify(event))
        }
      })
    }
  }
})
