import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readJson, type Stage, setStage } from '../stage.ts'

async function vectors(stage: Stage, input: unknown, more: object = {}): Promise<number[][]> {
  const answer = await readJson(stage.post('/embeddings', { model: 'sim-embed', input, ...more }))
  return answer.data.map((one: { embedding: number[] }) => one.embedding)
}

function similarity(one: number[] = [], other: number[] = []): number {
  return one.reduce((sum, value, at) => sum + value * (other[at] ?? 0), 0)
}

test('puts texts that share words nearer than texts that do not, on vectors of length 1', async t => {
  const stage = await setStage(t)
  const inputs = [
    'How do I reset my password?',
    'I forgot my password, how can I reset it?',
    'Best pizza in Naples',
  ]
  const [reset, forgot, pizza] = await vectors(stage, inputs)
  assert.equal(reset?.length, 256)
  assert.ok(Math.abs(similarity(reset, reset) - 1) < 1e-6)
  assert.ok(similarity(reset, forgot) > 0.4)
  assert.ok(similarity(reset, pizza) < 0.2)
})

test('gives the same vector as floats and as little-endian base64, of the size asked for', async t => {
  const stage = await setStage(t)
  const [floats] = await vectors(stage, 'hello', { dimensions: 8 })
  const body = { model: 'any-name', input: 'hello', dimensions: 8, encoding_format: 'base64' }
  const { data } = await readJson(stage.post('/embeddings', body))
  const bytes = Buffer.from(data[0].embedding, 'base64')
  assert.deepEqual(
    floats?.map((_, at) => bytes.readFloatLE(at * 4)),
    floats,
  )
})

test('takes texts, tokens and lists of tokens, and counts them', async t => {
  const stage = await setStage(t)
  const inputs: [unknown, number, number][] = [
    ['one two', 1, 2],
    [['one two', 'three'], 2, 3],
    [[1, 2, 3], 1, 3],
    [[[1, 2], [3]], 2, 3],
  ]
  for (const [input, count, tokens] of inputs) {
    const { data, usage } = await readJson(stage.post('/embeddings', { model: 'sim-embed', input }))
    assert.equal(data.length, count)
    assert.deepEqual(usage, { prompt_tokens: tokens, total_tokens: tokens })
  }
  assert.equal(stage.bill.totals().input_tokens, 11)
  assert.equal(stage.bill.totals().ended, 4)
})

test('refuses inputs it cannot embed', async t => {
  const stage = await setStage(t)
  for (const body of [{}, { input: '' }, { input: [] }, { input: [true] }, { input: 'a', dimensions: 0 }]) {
    assert.equal((await stage.post('/embeddings', { model: 'sim-embed', ...body })).status, 400)
  }
})
