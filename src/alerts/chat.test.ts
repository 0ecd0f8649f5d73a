import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { renderChat } from './chat.ts'
import { alertOf } from './desk.contract.ts'

type Message = { text: string; blocks: { text: { type: string; text: string } }[] }

const render = (title: string, detail = {}): Message =>
  renderChat({ ...alertOf({ title, detail }), id: '0'.repeat(32), raisedAtMs: 0 }) as Message

describe('a message to a chat', () => {
  it('says all of it in its text, for those that read no blocks, and again in blocks', () => {
    const { text, blocks } = render('Calls have no price.', { target: 'openai/x', by: { a: 1 }, none: null })
    for (const part of ['WARNING: Calls have no price.', '*target:* openai/x', '*by:* {"a":1}', 'alert_000'])
      assert.ok(text.includes(part), part)
    assert.ok(!text.includes('none'))
    assert.deepEqual(
      blocks.map(({ text: { type } }) => type),
      ['plain_text', 'mrkdwn'],
    )
    assert.ok(blocks[1]?.text.text.includes('*target:* openai/x'))
  })

  it('lets nothing that a caller has put into a name become a mention or a link', () => {
    const { text, blocks } = render('Budget of <!channel> @everyone <https://evil.test|here>', {
      user: '<@U1>',
    })
    for (const shown of [text, blocks[1]?.text.text ?? '']) {
      assert.doesNotMatch(shown, /[<>]|@[A-Za-z]/)
      assert.match(shown, /&lt;!channel&gt; @\u200beveryone/)
    }
  })

  it('keeps to the lengths that Slack takes', () => {
    const { blocks } = render('x'.repeat(400), { a: 'y'.repeat(9_000) })
    assert.deepEqual(
      blocks.map(({ text }) => text.text.length),
      [150, 3_000],
    )
  })
})
