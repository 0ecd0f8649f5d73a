import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withUsableSeals } from './relay.ts'

const lost = 'skip_thought_signature_validator'
const user = { role: 'user', parts: [{ text: 'Hi' }] }
const call = (name: string, more: object = {}): object => ({ functionCall: { name, args: {} }, ...more })
const results = (...names: string[]): object => ({
  role: 'user',
  parts: names.map(name => ({ functionResponse: { name, response: {} } })),
})
const relayed = (contents: object[], model = 'gemini-3-pro'): { sent: Buffer; seals: unknown[] } => {
  const body = Buffer.from(JSON.stringify({ contents, other: 1 }))
  const sent = withUsableSeals(body, model)
  const json = JSON.parse(sent.toString()) as { contents: { parts: { thoughtSignature?: string }[] }[] }
  assert.equal(sent === body, sent.equals(body), 'what is not changed is not written anew')
  return {
    sent,
    seals: json.contents.flatMap(({ parts }) =>
      parts.flatMap(part => ('functionCall' in part ? [part.thoughtSignature] : [])),
    ),
  }
}

test('the first call of each step that another provider made goes to Google with its word for a lost seal', () => {
  const turn = [
    user,
    { role: 'model', parts: [{ text: 'Hm' }, call('a'), call('b')] },
    results('a', 'b'),
    { role: 'model', parts: [call('c')] },
    results('c'),
  ]
  assert.deepEqual(relayed(turn).seals, [lost, undefined, lost])
  assert.deepEqual(relayed(turn, 'gemini-2.5-pro').seals, [undefined, undefined, undefined])
})

test('a step that the SDK has cut into contents is one step', () => {
  const { seals } = relayed([
    user,
    { role: 'model', parts: [call('a', { thoughtSignature: 'AAAA' })] },
    { role: 'model', parts: [call('b')] },
    results('a', 'b'),
  ])
  assert.deepEqual(seals, ['AAAA', undefined])
})

test('what is sealed, what is over and what is foreign stay as they are, but for the foreign seal', () => {
  const sealed = [user, { role: 'model', parts: [call('a', { thoughtSignature: 'AAAA' })] }, results('a')]
  assert.deepEqual(relayed(sealed).seals, ['AAAA'])
  const over = [user, { role: 'model', parts: [call('a')] }, results('a'), user]
  assert.deepEqual(relayed(over).seals, [undefined])
  const thoughtSignature = Buffer.from('sluice1:openai-responses:sealed:x').toString('base64')
  const foreign = [user, { role: 'model', parts: [call('a', { thoughtSignature })] }, results('a')]
  assert.deepEqual(relayed(foreign).seals, [lost])
  assert.deepEqual(relayed(foreign, 'gemini-2.5-pro').seals, [undefined])
})

test('contents that are not what they should be are left to Google', () => {
  for (const odd of [
    [null],
    [{ parts: 'functionCall' }],
    [{ role: 'model', parts: [null, 1, { functionCall: null }] }],
  ]) {
    const body = Buffer.from(JSON.stringify({ contents: odd, x: { functionCall: 1 } }))
    assert.doesNotThrow(() => withUsableSeals(body, 'gemini-3-pro'))
  }
})
