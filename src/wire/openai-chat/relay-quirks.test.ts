import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openAiChat } from './index.ts'

/** What a vendor with these ways is sent for a caller's bytes. */
function relayed(body: string, ...quirks: string[]): string {
  const asked = openAiChat.parseRequest({ body: Buffer.from(body), rest: '', query: {} })
  assert.ok(asked.ok)
  return asked.value.renderFor('m', new Set(quirks)).toString()
}

const messages = '[ {"role":"developer", "content":"Be brief."},{"role":"user","content":"1e400 \\u00e9"} ]'

test('a vendor that knows `max_tokens` is told the limit by that name, and nothing else is changed', () => {
  const body = `{"model":"x","max_completion_tokens": 20,"messages":${messages},"seed":12345678901234567890}`
  const sent = relayed(body, 'max_tokens')
  assert.deepEqual(JSON.parse(sent), {
    model: 'm',
    max_tokens: 20,
    messages: JSON.parse(messages),
    seed: Number('12345678901234567890'),
  })
  assert.ok(sent.includes(messages) && sent.includes('12345678901234567890'), sent)
})

test('a limit that stands there by both names stays as it is', () => {
  const body = `{"model":"x","max_completion_tokens":20,"max_tokens":30,"messages":${messages}}`
  assert.equal(relayed(body, 'max_tokens'), body.replace('"x"', '"m"'))
})

test('a vendor that refuses `stream_options` is sent none, the caller’s own neither', () => {
  for (const options of ['', ',"stream_options":{"include_usage":true}']) {
    const sent = relayed(`{"model":"x","stream":true${options},"messages":${messages}}`, 'no_stream_options')
    assert.deepEqual(JSON.parse(sent), { model: 'm', stream: true, messages: JSON.parse(messages) })
  }
})

test('a vendor that knows no developer hears the same from the system', () => {
  const sent = JSON.parse(relayed(`{"model":"x","messages":${messages}}`, 'system_for_developer'))
  assert.deepEqual(
    sent.messages.map(({ role }: { role: string }) => role),
    ['system', 'user'],
  )
})

test('all of these ways go together', () => {
  const body = `{"model":"x","stream":true,"stream_options":{},"max_completion_tokens":5,"messages":${messages}}`
  const sent = JSON.parse(relayed(body, 'max_tokens', 'no_stream_options', 'system_for_developer'))
  assert.deepEqual(Object.keys(sent).sort(), ['max_tokens', 'messages', 'model', 'stream'])
})
