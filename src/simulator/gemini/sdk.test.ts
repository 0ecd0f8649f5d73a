import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ApiError, FunctionCallingConfigMode, GoogleGenAI, Type } from '@google/genai'
import { setStage } from '../stage.ts'

const contents = 'What about lighthouses?'
const tools = [
  {
    functionDeclarations: [
      {
        name: 'find',
        parameters: { type: Type.OBJECT, properties: { place: { type: Type.STRING } }, required: ['place'] },
      },
    ],
  },
]

function connect(root: string): GoogleGenAI {
  return new GoogleGenAI({ apiKey: 'any', httpOptions: { baseUrl: root } })
}

test('the SDK reads answers, plain and streamed, and scripts from the header', async t => {
  const { root } = await setStage(t)
  const { models } = connect(root)
  const plain = await models.generateContent({ model: 'sim-1', contents })
  let text = ''
  let finish: string | undefined
  for await (const chunk of await models.generateContentStream({ model: 'sim-1', contents })) {
    text += chunk.text ?? ''
    finish = chunk.candidates?.[0]?.finishReason
  }
  assert.deepEqual([text, finish], [plain.text, 'STOP'])
  const config = { httpOptions: { headers: { 'x-sim-script': 'tokens=4' } } }
  const short = await models.generateContent({ model: 'sim-1', contents, config })
  assert.equal(short.usageMetadata?.candidatesTokenCount, 4)
})

test('the SDK calls functions and sends their responses back in a chat', async t => {
  const { root } = await setStage(t)
  const toolConfig = { functionCallingConfig: { mode: FunctionCallingConfigMode.AUTO } }
  const httpOptions = { headers: { 'x-sim-script': 'tool=2' } }
  const chat = connect(root).chats.create({
    model: 'gemini-3-sim',
    config: { tools, toolConfig, httpOptions },
  })
  const { functionCalls } = await chat.sendMessage({ message: contents })
  assert.equal(functionCalls?.length, 2)
  const message = (functionCalls ?? []).map(({ name }) => ({
    functionResponse: { name: name ?? '', response: { result: 'here' } },
  }))
  const spoken = await chat.sendMessage({ message })
  assert.ok((spoken.text ?? '').length > 0)
})

test('the SDK counts, embeds, lists models and throws its error with the status', async t => {
  const { root } = await setStage(t)
  const { models } = connect(root)
  assert.ok(((await models.countTokens({ model: 'sim-1', contents })).totalTokens ?? 0) > 0)
  const { embeddings } = await models.embedContent({ model: 'sim-embed', contents: ['a', 'b'] })
  assert.deepEqual(
    embeddings?.map(one => one.values?.length),
    [256, 256],
  )
  const names: (string | undefined)[] = []
  for await (const model of await models.list({ config: { pageSize: 2 } })) names.push(model.name)
  assert.ok(names.includes('models/sim-embed'))
  await assert.rejects(
    models.generateContent({ model: 'sim-down', contents }),
    error => error instanceof ApiError && error.status === 503,
  )
})
