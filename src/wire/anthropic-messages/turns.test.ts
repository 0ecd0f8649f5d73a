import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Message, UserPart } from '#exchange'
import { call, type Json, outline, render, result, said, system, tool, user } from './asking.fixture.ts'

suite('a conversation for Anthropic', () => {
  test('has leading system texts apart, with their marks and in order', () => {
    const cached: Message = { role: 'developer', parts: [{ type: 'text', text: 'B', cache: { ttl: '1h' } }] }
    const body = render({ messages: [system('A'), cached, user('Hi')] })
    assert.deepEqual(body.system, [
      { type: 'text', text: 'A' },
      { type: 'text', text: 'B', cache_control: { type: 'ephemeral', ttl: '1h' } },
    ])
  })

  test('has later system texts where Anthropic takes them, else said by the user', () => {
    const messages = [
      system('A'),
      user('Hi'),
      system('B'),
      said('Hello'),
      system('C'),
      user('Bye'),
      system('D'),
    ]
    assert.deepEqual(outline({ messages }, 'claude-opus-4-8'), [
      'user: Hi',
      'system: B',
      'assistant: Hello',
      'user: C Bye',
      'system: D',
    ])
    assert.deepEqual(outline({ messages }), ['user: Hi B', 'assistant: Hello', 'user: C Bye D'])
  })

  test('has all results of a turn in one turn, first, and in the order of the calls', () => {
    const calls: Message = { role: 'assistant', parts: [...call('a').parts, ...call('b').parts] as never }
    const messages = [user('Hi'), calls, user('Wait'), result('b'), result('a'), said('So')]
    assert.deepEqual(outline({ messages, tools: [tool] }), [
      'user: Hi',
      'assistant: call(a) call(b)',
      'user: result(a) result(b) Wait',
      'assistant: So',
    ])
  })

  test('answers a call that nobody answered, and leaves out what answers no call', () => {
    const messages = [user('Hi'), call('a'), said('More'), result('x'), call('b')]
    assert.deepEqual(outline({ messages, tools: [tool] }), [
      'user: Hi',
      'assistant: call(a) More',
      'user: error(a)',
      'assistant: call(b)',
      'user: error(b)',
    ])
    const { messages: sent } = render({ messages }) as { messages: { content: Json[] }[] }
    assert.deepEqual(sent[2]?.content[0], {
      type: 'tool_result',
      tool_use_id: 'a',
      content: 'No result was given for this call.',
      is_error: true,
    })
  })

  test('keeps a system text out from between a call and its result', () => {
    const messages = [user('Hi'), call('a'), system('Hurry'), result('a')]
    assert.deepEqual(outline({ messages, tools: [tool] }, 'claude-opus-5'), [
      'user: Hi',
      'assistant: call(a)',
      'user: result(a)',
      'system: Hurry',
    ])
  })

  test('has ids that fit, the same on both sides, and none twice', () => {
    const messages = [
      user('Hi'),
      call('a.1'),
      result('a.1'),
      call('a.1'),
      result('a.1'),
      call('a_1'),
      result('a_1'),
      call(''),
    ]
    const { messages: sent } = render({ messages, tools: [tool] }) as { messages: { content: Json[] }[] }
    const all = sent.flatMap(({ content }) => content)
    const calls = all.flatMap(block => (block.type === 'tool_use' ? [block.id] : []))
    const results = all.flatMap(block => (block.type === 'tool_result' ? [block.tool_use_id] : []))
    assert.deepEqual(results, calls)
    assert.equal(new Set(calls).size, 4)
    for (const id of calls) assert.match(String(id), /^[a-zA-Z0-9_-]+$/)
    assert.equal(calls[2], 'a_1')
  })

  test('names the tools of earlier calls where none are defined any more', () => {
    const body = render({ messages: [user('Hi'), call('a', 'old'), result('a')] })
    assert.deepEqual(body.tools, [{ name: 'old', input_schema: { type: 'object', properties: {} } }])
    assert.deepEqual(body.tool_choice, { type: 'none' })
  })

  test('asks what would be the system text alone', () => {
    const body = render({ messages: [system('Say hi.')] })
    assert.equal(body.system, undefined)
    assert.deepEqual(body.messages, [{ role: 'user', content: [{ type: 'text', text: 'Say hi.' }] }])
  })

  test('has no empty texts, and no white space at the end of a given beginning', () => {
    assert.deepEqual(outline({ messages: [user('Hi'), said(' \n'), user(''), said('The answer is ')] }), [
      'user: Hi',
      'assistant: The answer is',
    ])
  })

  test('has Anthropic’s own thinking byte for byte, and no other', () => {
    const signed = {
      type: 'reasoning',
      text: '',
      signature: { dialect: 'anthropic-messages', kind: 'seal', value: 'Eq' },
    } as const
    const sealed = {
      type: 'reasoning',
      text: '',
      signature: { dialect: 'anthropic-messages', kind: 'sealed', value: 'Em' },
    } as const
    const foreign = {
      type: 'reasoning',
      text: 'x',
      signature: { dialect: 'gemini', kind: 'seal', value: 'G' },
    } as const
    const parts = [
      signed,
      sealed,
      foreign,
      { type: 'reasoning', text: 'y' },
      { type: 'text', text: 'z' },
    ] as const
    const { messages } = render({ messages: [user('Hi'), { role: 'assistant', parts }, user('Bye')] }) as {
      messages: { content: unknown }[]
    }
    assert.deepEqual(messages[1]?.content, [
      { type: 'thinking', thinking: '', signature: 'Eq' },
      { type: 'redacted_thinking', data: 'Em' },
      { type: 'text', text: 'z' },
    ])
  })

  test('has files as documents, and images in results', () => {
    const pdf: UserPart = {
      type: 'file',
      source: { kind: 'data', mediaType: 'application/pdf', base64: 'AAAA' },
      filename: 'a.pdf',
      cite: true,
    }
    const csv: UserPart = {
      type: 'file',
      source: { kind: 'data', mediaType: 'text/csv', base64: Buffer.from('ä,b').toString('base64') },
    }
    const image = { type: 'image', source: { kind: 'data', mediaType: 'image/png', base64: 'AAAA' } } as const
    const shown: Message = { role: 'user', parts: [{ type: 'tool-result', callId: 'a', parts: [image] }] }
    const { messages } = render({
      messages: [{ role: 'user', parts: [pdf, csv] }, call('a'), shown],
      tools: [tool],
    }) as {
      messages: { content: unknown }[]
    }
    assert.deepEqual(messages[0]?.content, [
      {
        type: 'document',
        source: { type: 'base64', media_type: 'application/pdf', data: 'AAAA' },
        title: 'a.pdf',
        citations: { enabled: true },
      },
      { type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'ä,b' } },
    ])
    const source = { type: 'base64', media_type: 'image/png', data: 'AAAA' }
    assert.deepEqual(messages[2]?.content, [
      { type: 'tool_result', tool_use_id: 'a', content: [{ type: 'image', source }] },
    ])
  })
})
