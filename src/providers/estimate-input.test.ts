import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base'
import { type Asked, allow, type ChatRequest, refuse } from '#exchange'
import { dialects } from '#wire'
import { estimateInput } from './estimate-input.ts'

function asked(content: unknown): Asked {
  const body = Buffer.from(JSON.stringify({ model: 'm', messages: [{ role: 'user', content }] }))
  const read = dialects['openai-chat'].parseRequest({ body, rest: '', query: {} })
  assert.ok(read.ok)
  return read.value
}

const english = `The keepers climbed the stairs each evening at dusk, trimmed the wicks, wound the clockwork that
turned the lens, and wrote into the log what they had seen: three schooners, one steamer, fog after midnight.`
const texts: Record<string, string> = {
  English: english,
  German:
    'Die Wärter stiegen jeden Abend die Treppe hinauf, putzten die Linse und schrieben ins Buch, was sie sahen.',
  'code and JSON':
    'const lights = [{ "name": "Westerheversand", "height": 41 }]\nfor (const l of lights) log(l.name)\n',
  'numbers and signs': 'On 1854-11-21, 3 ships; 4,096 lamps: 99.5 % lit (or so).',
}

suite('input tokens of a request whose provider does not tell', () => {
  for (const [what, text] of Object.entries(texts)) {
    test(`are near the count of a real tokenizer: ${what}`, () => {
      const repeated = text.repeat(20)
      const counted = countTokens(repeated)
      const share = estimateInput(asked(repeated)) / counted
      assert.ok(share > 0.7 && share < 1.3, `${share.toFixed(2)} of ${counted}`)
    })
  }

  test('of a text that is too long to be counted go by its beginning', () => {
    const once = estimateInput(asked(english.repeat(200)))
    const share = estimateInput(asked(english.repeat(2_000))) / once
    assert.ok(share > 9.9 && share < 10.1)
  })

  test('do not contain the base64 of a picture', () => {
    const url = `data:image/png;base64,${'A'.repeat(400_000)}`
    const tokens = estimateInput(asked([{ type: 'image_url', image_url: { url } }]))
    assert.ok(tokens > 100 && tokens < 2_000)
  })

  test('go by the size of what cannot be read', () => {
    const one = { ...asked('x'), estimatedInputTokens: 77 }
    const unread = refuse('invalid_request', 'No.') as ReturnType<NonNullable<Asked['toChat']>>
    assert.equal(estimateInput({ ...one, toChat: () => unread }), 77)
    const { toChat: _toChat, ...silent } = one
    assert.equal(estimateInput(silent), 77)
    assert.equal(
      estimateInput({ ...one, toChat: () => allow<ChatRequest>({ messages: [], tools: [] } as never) }),
      3,
    )
  })
})
