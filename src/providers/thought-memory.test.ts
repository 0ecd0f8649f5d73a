import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Clock } from '#platform'
import { createThoughtMemories } from './thought-memory.ts'

function createMemories(): { memories: ReturnType<typeof createThoughtMemories>; pass(ms: number): void } {
  let nowMs = 1_000
  const clock = { now: () => nowMs } as Clock
  return {
    memories: createThoughtMemories({ clock }),
    pass(ms) {
      nowMs += ms
    },
  }
}

const thoughts = (text: string): { parts: [{ type: 'reasoning'; text: string }] } => ({
  parts: [{ type: 'reasoning', text }],
})

suite('what models thought before their calls', () => {
  test('is told to nobody but the tenant whose call it was', () => {
    const { memories } = createMemories()
    memories.of('acme/shop').remember('call_1', thoughts('a'))
    assert.deepEqual(memories.of('acme/shop').recall('call_1'), thoughts('a'))
    assert.equal(memories.of('acme/other').recall('call_1'), undefined)
    assert.equal(memories.of('acme').recall('shop/call_1'), undefined)
  })

  test('is forgotten after an hour', () => {
    const { memories, pass } = createMemories()
    memories.of('t').remember('call_1', thoughts('a'))
    pass(60 * 60 * 1000)
    assert.equal(memories.of('t').recall('call_1'), undefined)
  })

  test('is bounded: the oldest goes first', () => {
    const { memories } = createMemories()
    const megabyte = 'x'.repeat(1024 * 1024)
    for (let n = 0; n < 20; n += 1) memories.of('t').remember(`call_${n}`, thoughts(megabyte))
    assert.equal(memories.of('t').recall('call_0'), undefined)
    assert.ok(memories.of('t').recall('call_19'))
    const kept = Array.from({ length: 20 }, (_, n) => memories.of('t').recall(`call_${n}`)).filter(Boolean)
    assert.ok(kept.length >= 14 && kept.length <= 16, String(kept.length))
  })

  test('is replaced where an id comes again', () => {
    const { memories } = createMemories()
    memories.of('t').remember('call_1', thoughts('a'))
    memories.of('t').remember('call_1', thoughts('b'))
    assert.deepEqual(memories.of('t').recall('call_1'), thoughts('b'))
  })
})
