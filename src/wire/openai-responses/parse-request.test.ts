import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { accept } from '#exchange'
import { itemsSent, type Json, parse } from './asking.fixture.ts'

suite('a request of Responses that goes through', () => {
  const body =
    '{ "model":"smart","n":1.50, "previous_response_id": "resp_1","input":[ {"role":"user","content":"\\u0048i"} ], "top_p":1e0 }'

  test('keeps every byte but the model', () => {
    const asked = accept(parse(body))
    assert.equal(asked.renderFor('gpt-5', new Set()).toString(), body.replace('smart', 'gpt-5'))
  })

  test('goes on from a history, with nothing else changed', () => {
    const asked = accept(parse(body))
    assert.equal(asked.conversation?.previous, 'resp_1')
    const next = asked.conversation?.after([{ id: 'msg_1', type: 'message', role: 'user', content: 'Yo' }])
    assert.equal(next?.conversation?.previous, undefined)
    assert.equal(
      next?.renderFor('gpt-5', new Set()).toString(),
      '{ "model":"gpt-5","n":1.50,"input":[{"type":"message","role":"user","content":"Yo"},{"role":"user","content":"\\u0048i"}], "top_p":1e0 }',
    )
    const said = accept(next?.toChat?.() ?? assert.fail())
    assert.deepEqual(
      said.messages.map(({ parts }) => parts[0]),
      [
        { type: 'text', text: 'Yo' },
        { type: 'text', text: 'Hi' },
      ],
    )
    assert.equal(next?.incoming.body.toString(), body)
  })

  test('puts a history before a text, and before the history it had', () => {
    const asked = accept(parse({ model: 'm', input: 'c' }))
    const item = (content: string): Json => ({ type: 'message', role: 'user', content })
    const next = asked.conversation?.after([item('b')])?.conversation?.after([item('a')])
    assert.deepEqual(next && itemsSent(next), [item('a'), item('b'), item('c')])
  })

  test('answers a call that its history made', () => {
    const asked = accept(
      parse({
        model: 'm',
        previous_response_id: 'resp_1',
        input: [{ type: 'function_call_output', call_id: 'c', output: 'found' }],
      }),
    )
    const call = {
      id: 'fc_1',
      type: 'function_call',
      call_id: 'c',
      name: 'find',
      arguments: '{}',
      status: 'completed',
    }
    const next = asked.conversation?.after([call])
    const said = accept(next?.toChat?.() ?? assert.fail())
    assert.equal(said.messages.length, 2)
    assert.deepEqual(said.extras, [])
  })

  test('takes back the thoughts that a provider can read, and no others', () => {
    const said = { type: 'message', role: 'assistant', content: 'x' }
    const thought = { type: 'reasoning', summary: [] }
    const ours = 'rs_0123456789abcdef0123456789abcdef_0'
    const asked = accept(parse({ model: 'm', input: 'Hi' }))
    const next = asked.conversation?.after([
      { ...thought, id: 'rs_1', encrypted_content: 'gAAA', status: 'completed' },
      { ...thought, id: 'rs_2', encrypted_content: null },
      said,
      { ...thought, id: 'rs_3' },
      { role: 'user', content: 'y' },
      { ...thought, id: ours },
      said,
      { ...thought, id: 'rs_4', encrypted_content: 'sluice1:anthropic-messages:seal:Eq' },
      {
        type: 'function_call',
        id: 'fc_1',
        call_id: 'c',
        name: 'f',
        arguments: '{}',
        encrypted_content: 'sluice1:gemini:seal:C',
      },
    ])
    assert.deepEqual(next && itemsSent(next), [
      { ...thought, encrypted_content: 'gAAA' },
      { ...thought, id: 'rs_2' },
      said,
      { role: 'user', content: 'y' },
      said,
      { type: 'function_call', call_id: 'c', name: 'f', arguments: '{}' },
      { type: 'message', role: 'user', content: 'Hi' },
    ])
  })

  test('shows no provider of its dialect what another sealed, or what we alone know by its id', () => {
    const thought = (more: Json): Json => ({ type: 'reasoning', summary: [], ...more })
    const kept = [
      thought({ id: 'rs_1', encrypted_content: 'gAAA' }),
      thought({ id: 'rs_2' }),
      { type: 'message', id: 'msg_1', role: 'assistant', content: 'x' },
      { role: 'user', content: 'y' },
    ]
    const sealed = thought({ encrypted_content: 'sluice1:anthropic-messages:seal:Eq' })
    const ours = thought({ id: 'rs_0123456789abcdef0123456789abcdef_0' })
    for (const foreign of [sealed, ours]) {
      const asked = accept(parse({ model: 'm', input: [foreign, ...kept] }))
      assert.deepEqual(itemsSent(asked), kept)
      const said = accept(asked.toChat?.() ?? assert.fail())
      assert.equal(said.messages[0]?.parts.length, 4)
    }
  })

  test('has its own input as items to be kept, each with an id', () => {
    const hex = '0123456789abcdef0123456789abcdef'
    const kept = (input: unknown): unknown =>
      accept(parse({ model: 'm', input })).conversation?.inputItems(hex)
    assert.deepEqual(kept('Hi'), [
      {
        id: `msg_${hex}_0`,
        type: 'message',
        status: 'completed',
        role: 'user',
        content: [{ type: 'input_text', text: 'Hi' }],
      },
    ])
    const output = { type: 'function_call_output', call_id: 'c', output: 'x' }
    assert.deepEqual(kept([{ id: 'msg_7', role: 'user', content: [] }, output]), [
      { id: 'msg_7', type: 'message', status: 'completed', role: 'user', content: [] },
      { id: `fco_${hex}_1`, ...output },
    ])
  })

  test('is kept unless it says otherwise', () => {
    const store = (more: Json): unknown =>
      accept(parse({ model: 'm', input: 'Hi', ...more })).conversation?.store
    assert.deepEqual(
      [store({}), store({ store: true }), store({ store: false }), store({ store: null })],
      [true, true, false, true],
    )
  })
})
