import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { type ChatAnswer, totalOutput } from '#exchange'
import { dialects } from '../dialects.ts'
import { foldEvents } from '../fold.ts'
import { openAiChat } from './index.ts'

/** What real traffic has shown of servers that are not OpenAI's; the shapes are theirs, the words ours. */

const hex = '0123456789abcdef0123456789abcdef'
const request = { body: Buffer.from('{}'), rest: '', query: {} }
const usage = { prompt_tokens: 9, completion_tokens: 4, total_tokens: 13 }

function line(json: unknown): string {
  return `data: ${JSON.stringify(json)}\n\n`
}

const quirks = new Set(['no_end_mark'] as const)

function chunk(delta: object, finish_reason: string | null = null): string {
  return line({ id: 'c-1', model: 'm-1', choices: [{ index: 0, delta, finish_reason }] })
}

function readStream(text: string): { answer: ChatAnswer; ended: boolean } {
  const reader = openAiChat.createReader({ hex, quirks })
  const events = [...reader.push(Buffer.from(text)), ...reader.finish()]
  return { answer: foldEvents(events), ended: events.at(-1)?.type === 'end' }
}

function relay(text: string): { text: string; ended: boolean } {
  const tap = openAiChat.createStreamTap({ showUsage: true, quirks })
  const bytes = Buffer.concat([tap.push(Buffer.from(text)), tap.finish()])
  return { text: bytes.toString(), ended: tap.facts.ended }
}

function readWhole(message: object, report: object = usage): ChatAnswer | undefined {
  const choices = [{ index: 0, message: { role: 'assistant', ...message }, finish_reason: 'stop' }]
  return openAiChat.readAnswer({ id: 'c-1', model: 'm-1', choices, usage: report }, { hex })
}

suite('a stream that closes without its end mark', () => {
  const begun = chunk({ role: 'assistant', content: 'Tea.' })
  const whole = begun + chunk({}, 'stop') + line({ id: 'c-1', model: 'm-1', choices: [], usage })

  test('is whole when every choice has its reason and the report has come', () => {
    assert.ok(readStream(whole).ended)
    const { text, ended } = relay(whole)
    assert.ok(ended)
    assert.equal(text, `${whole}data: [DONE]\n\n`)
  })

  for (const [name, text] of Object.entries({
    'a choice has no reason': begun + line({ id: 'c-1', model: 'm-1', choices: [], usage }),
    'the report is missing': begun + chunk({}, 'stop'),
    'it breaks off in an event': `${begun}${chunk({}, 'stop')}data: {"cho`,
    'nothing was said': '',
  })) {
    test(`is cut short when ${name}`, () => {
      assert.equal(readStream(text).ended, false)
      assert.equal(relay(text).ended, false)
      assert.equal(relay(text).text.includes('[DONE]'), false)
    })
  }

  test('is cut short at any provider that is not known to do so', () => {
    const reader = openAiChat.createReader({ hex })
    const events = [...reader.push(Buffer.from(whole)), ...reader.finish()]
    assert.notEqual(events.at(-1)?.type, 'end')
    const tap = openAiChat.createStreamTap({ showUsage: true })
    tap.push(Buffer.from(whole))
    assert.equal(tap.finish().length, 0)
    assert.equal(tap.facts.ended, false)
  })
})

suite('thinking that the completion does not include', () => {
  const totals = { prompt_tokens: 32, completion_tokens: 9, total_tokens: 135 }

  test('is billed where its tokens are told beside it', () => {
    const answer = readWhole(
      { content: 'Hm.' },
      { ...totals, completion_tokens_details: { reasoning_tokens: 94 } },
    )
    assert.deepEqual(answer?.usage, { input: 32, output: 9, reasoning: 94 })
  })

  test('is billed where only the total tells of it', () => {
    assert.deepEqual(readWhole({ content: 'Hm.' }, totals)?.usage, { input: 32, output: 9, reasoning: 94 })
  })

  test('is not counted twice where the completion includes it', () => {
    const report = { prompt_tokens: 2, completion_tokens: 9, total_tokens: 11 }
    const answer = readWhole({}, { ...report, completion_tokens_details: { reasoning_tokens: 5 } })
    assert.equal(totalOutput(answer?.usage ?? {}), 9)
  })
})

suite('a thought whose details hold only its seal', () => {
  const thought = {
    reasoning: 'Is it late?',
    reasoning_details: [{ type: 'reasoning.encrypted', data: 'c2VhbA==', index: 0 }],
  }

  test('keeps its words beside the seal, whole and streamed', () => {
    const parts = readWhole({ ...thought, content: 'No.' })?.choices[0]?.parts
    assert.deepEqual(parts, [
      { type: 'reasoning', text: 'Is it late?' },
      {
        type: 'reasoning',
        text: '',
        signature: { dialect: 'openai-chat', kind: 'sealed', value: 'c2VhbA==' },
      },
      { type: 'text', text: 'No.' },
    ])
    const streamed = readStream(`${chunk(thought)}${chunk({ content: 'No.' }, 'stop')}data: [DONE]\n\n`)
    assert.deepEqual(streamed.answer.choices[0]?.parts, parts)
  })
})

test('a choice whose number is none is passed over, and counted', () => {
  const choice = (index: string): string =>
    `data: {"choices":[{"index":${index},"delta":{"content":"?"},"finish_reason":"stop"}]}\n\n`
  for (const index of ['1e400', '-1', '0.5', '2000000000']) {
    const reader = openAiChat.createReader({ hex })
    const text = `${chunk({ content: 'Yes.' }, 'stop')}${choice(index)}${line({ choices: [], usage })}data: [DONE]\n\n`
    const events = [...reader.push(Buffer.from(text)), ...reader.finish()]
    assert.deepEqual(
      foldEvents(events).choices.map(({ parts }) => parts),
      [[{ type: 'text', text: 'Yes.' }]],
    )
    assert.equal(reader.skipped, 1)
    assert.equal(events.at(-1)?.type, 'end')
  }
})

suite('sources that stand beside the choices', () => {
  const citations = ['https://a.example/1', 'https://b.example/2']
  const search_results = [
    { title: 'One', url: citations[0], date: '2026-01-02', snippet: 'It is one.' },
    { title: 'Two', url: citations[1] },
  ]
  const cited = [
    { kind: 'url', url: citations[0], title: 'One', quote: 'It is one.' },
    { kind: 'url', url: citations[1], title: 'Two' },
  ]
  const finished = { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }], usage }
  const citationsOf = (beside: object): unknown => {
    const choices = [{ index: 0, message: { content: 'Yes [1].' }, finish_reason: 'stop' }]
    const [part] = openAiChat.readAnswer({ choices, usage, ...beside }, { hex })?.choices[0]?.parts ?? []
    const first = line({ choices: [{ index: 0, delta: { content: 'Yes [1].' } }], ...beside })
    const streamed = readStream(`${first}${line({ ...finished, ...beside })}data: [DONE]\n\n`)
    assert.deepEqual(streamed.answer.choices[0]?.parts, part && [part])
    return part?.type === 'text' && part.citations
  }

  test('are citations of its text: with titles by Perplexity, repeated with every chunk', () => {
    assert.deepEqual(citationsOf({ citations, search_results }), cited)
    assert.deepEqual(citationsOf({ search_results }), cited)
  })

  test('are citations of its text: addresses alone by xAI', () => {
    assert.deepEqual(
      citationsOf({ citations }),
      citations.map(url => ({ kind: 'url', url })),
    )
    assert.deepEqual(citationsOf({ citations: [], search_results: null }), undefined)
  })

  test('are not told twice where an annotation has told them', () => {
    const annotation = { type: 'url_citation', url_citation: { url: citations[0], title: 'One' } }
    const urls = readWhole({ content: 'Yes.', annotations: [annotation] })?.choices[0]?.parts[0]
    assert.equal(urls?.type === 'text' && urls.citations?.length, 1)
    const first = line({
      choices: [{ index: 0, delta: { content: 'Yes.', annotations: [annotation] } }],
      citations,
    })
    const [part] = readStream(`${first}${line(finished)}data: [DONE]\n\n`).answer.choices[0]?.parts ?? []
    assert.deepEqual(part?.type === 'text' && part.citations?.map(({ url }) => url), citations)
  })

  test('reach callers of every other dialect', () => {
    const answer = openAiChat.readAnswer(
      { choices: [{ message: { content: 'Yes.' }, finish_reason: 'stop' }], citations },
      { hex },
    )
    for (const name of ['anthropic-messages', 'gemini', 'openai-responses'] as const) {
      const dialect = dialects[name]
      assert.ok(dialect.operation === 'chat' && answer)
      const context = { hex, createdAtMs: 0, model: 'm', estimatedInputTokens: 1, showUsage: true, request }
      const text = JSON.stringify(dialect.renderAnswer(answer, context))
      for (const url of citations) assert.ok(text.includes(url), name)
    }
  })
})

suite("a request in Mistral's manner", () => {
  const body = {
    model: 'magistral',
    messages: [
      { role: 'user', content: 'Tea or coffee?' },
      {
        role: 'assistant',
        content: [
          {
            type: 'thinking',
            thinking: [
              { type: 'text', text: 'It is ' },
              { type: 'text', text: 'noon.' },
            ],
          },
          { type: 'text', text: 'Coffee.' },
        ],
      },
      { role: 'user', content: 'Order it.' },
    ],
    tools: [{ function: { name: 'order', parameters: { type: 'object' } } }],
    tool_choice: 'any',
  }

  test('is understood: thinking among the content, a tool without its type, `any`', () => {
    const asked = openAiChat.parseRequest({ body: Buffer.from(JSON.stringify(body)), rest: '', query: {} })
    assert.ok(asked.ok)
    const chat = asked.value.toChat?.()
    assert.ok(chat?.ok)
    assert.deepEqual(chat.value.messages[1]?.parts, [
      { type: 'reasoning', text: 'It is noon.' },
      { type: 'text', text: 'Coffee.' },
    ])
    assert.equal(chat.value.tools[0]?.type, 'function')
    assert.deepEqual(chat.value.toolChoice, { type: 'required' })
  })
})

test('an error without its frame is read', () => {
  const error = {
    object: 'error',
    message: 'No such model.',
    type: 'invalid_model',
    param: null,
    code: '1500',
  }
  assert.deepEqual(openAiChat.readError(error), {
    code: '1500',
    type: 'invalid_model',
    param: undefined,
    message: 'No such model.',
  })
})
