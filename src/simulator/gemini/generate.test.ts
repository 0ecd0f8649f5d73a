import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { readJson, setStage, until } from '../stage.ts'
import { countTokens } from '../tokens.ts'

const said = 'Tell me about lighthouses, please.'
const contents = [{ role: 'user', parts: [{ text: said }] }]
const parameters = { type: 'OBJECT', properties: { city: { type: 'STRING' } }, required: ['city'] }
const tools = [{ functionDeclarations: [{ name: 'get_weather', parameters }] }]

async function open(t: TestContext) {
  const stage = await setStage(t)
  const post = (model: string, verb: string, body: object, headers: Record<string, string> = {}) =>
    fetch(`${stage.root}/v1beta/models/${encodeURIComponent(model)}:${verb}`, {
      method: 'POST',
      headers: { 'x-goog-api-key': 'any', ...headers },
      body: JSON.stringify(body),
    })
  const ask = (model: string, more: object = {}) => post(model, 'generateContent', { contents, ...more })
  const stream = (model: string, more: object = {}) =>
    post(model, 'streamGenerateContent?alt=sse', { contents, ...more })
  const events = async (model: string, more: object = {}) =>
    eventsOf(await (await stream(model, more)).text())
  return { stage, post, ask, stream, events }
}

function eventsOf(text: string) {
  return text
    .split('\r\n\r\n')
    .filter(frame => frame !== '')
    .map(frame => JSON.parse(frame.replace(/^data: /, '')))
}

type Event = ReturnType<typeof eventsOf>[number]

/** Parts of all events of one candidate, texts of one kind joined as a client does. */
function gather(events: Event[], index = 0) {
  const parts: Record<string, unknown>[] = []
  const candidates = events.flatMap(event => event.candidates.filter((one: Event) => one.index === index))
  for (const part of candidates.flatMap(candidate => candidate.content?.parts ?? [])) {
    const last = parts.at(-1)
    const joins = last && 'text' in last && 'text' in part && last.thought === part.thought
    if (!joins) parts.push({ ...part })
    else Object.assign(last, part, { text: `${last.text}${part.text}` })
  }
  return parts.filter(part => part.text !== '')
}

test('streams whole responses with new parts, usage on each, the reason to finish on the last only', async t => {
  const { stream } = await open(t)
  const answer = await stream('sim-1?tokens=3&cached=2')
  assert.equal(answer.headers.get('content-type'), 'text/event-stream')
  const all = eventsOf(await answer.text())
  assert.equal(all.length, 3 + 1)
  assert.deepEqual(
    all.map(event => event.candidates[0].finishReason),
    [undefined, undefined, undefined, 'STOP'],
  )
  assert.deepEqual(
    all.map(event => event.usageMetadata.candidatesTokenCount),
    [1, 2, 3, 3],
  )
  for (const { usageMetadata: usage } of all) {
    assert.equal(usage.cachedContentTokenCount, 2)
    assert.equal(usage.totalTokenCount, usage.promptTokenCount + usage.candidatesTokenCount)
  }
  assert.equal(new Set(all.map(event => event.responseId)).size, 1)
})

test('streams one JSON array to who does not ask for SSE', async t => {
  const { post, events } = await open(t)
  const answer = await post('sim-1?tokens=3', 'streamGenerateContent', { contents })
  assert.match(answer.headers.get('content-type') ?? '', /^application\/json/)
  const array = await readJson(answer)
  const all = await events('sim-1?tokens=3')
  assert.deepEqual(gather(array), gather(all))
  const failed = await post('sim-1?tokens=4&fail=stream-error', 'streamGenerateContent', { contents })
  assert.equal((await readJson(failed)).at(-1).error.status, 'INTERNAL')
  const refused = await post('sim-1?fail=503', 'streamGenerateContent', { contents })
  assert.equal((await readJson(refused))[0].error.status, 'UNAVAILABLE')
  const cut = await post('sim-1?tokens=4&fail=eof', 'streamGenerateContent', { contents })
  await assert.rejects(readJson(cut))
})

test('says the same streamed and plain: text, thoughts, calls, several candidates', async t => {
  const cases: [string, object][] = [
    ['sim-1', {}],
    ['sim-1?tool=2', { tools }],
    ['sim-1?reasoning=8', { generationConfig: { thinkingConfig: { includeThoughts: true } } }],
    ['sim-1?tool=1&reasoning=8', { tools, generationConfig: { thinkingConfig: { includeThoughts: true } } }],
    ['sim-1', { generationConfig: { candidateCount: 3 } }],
  ]
  for (const [model, more] of cases) {
    const { ask, events } = await open(t)
    const plain = await readJson(ask(model, more))
    const all = await events(model, more)
    for (const [index, candidate] of plain.candidates.entries()) {
      assert.deepEqual(gather(all, index), candidate.content.parts, model)
    }
    assert.deepEqual(all.at(-1).usageMetadata, plain.usageMetadata)
  }
})

test('counts cached tokens inside the prompt and thoughts outside the candidates, as its bill does', async t => {
  const { stage, ask } = await open(t)
  const { usageMetadata } = await readJson(ask('sim-1?tokens=7&reasoning=40&cached=5'))
  const prompt = 3 + 3 + countTokens(said)
  assert.deepEqual(usageMetadata, {
    ...{ promptTokenCount: prompt, candidatesTokenCount: 7, totalTokenCount: prompt + 47 },
    ...{ cachedContentTokenCount: 5, thoughtsTokenCount: 40 },
    promptTokensDetails: [{ modality: 'TEXT', tokenCount: prompt }],
  })
  const { input_tokens, cached_input_tokens, output_tokens, reasoning_tokens } = stage.bill.totals()
  assert.deepEqual([input_tokens, cached_input_tokens, output_tokens, reasoning_tokens], [prompt, 5, 47, 40])
})

test('shows thoughts only to who asks, within the budget, and seals the text', async t => {
  const { ask } = await open(t)
  const think = async (thinkingConfig: object, model = 'sim-1') =>
    await readJson(ask(model, { generationConfig: { thinkingConfig } }))
  const hidden = await readJson(ask('sim-1?reasoning=9'))
  assert.equal(hidden.candidates[0].content.parts.length, 1)
  assert.match(hidden.candidates[0].content.parts[0].thoughtSignature, /^[A-Za-z0-9+/]{40,}=*$/)
  const shown = await think({ includeThoughts: true })
  assert.equal(shown.candidates[0].content.parts[0].thought, true)
  assert.ok(shown.usageMetadata.thoughtsTokenCount > 0)
  const none = await think({ includeThoughts: true, thinkingBudget: 0 }, 'sim-1?reasoning=9')
  assert.equal(none.usageMetadata.thoughtsTokenCount, undefined)
  const few = await think({ thinkingBudget: 4 }, 'sim-1?reasoning=9')
  assert.equal(few.usageMetadata.thoughtsTokenCount, 4)
})

test('calls a function whole in one part, only the first with a signature, billed token by token', async t => {
  const { stage, ask, events, stream } = await open(t)
  const all = await events('sim-1?tool=2', { tools })
  const parts = all.slice(0, -1).map(event => event.candidates[0].content.parts[0])
  assert.equal(parts.length, 2)
  assert.ok(
    parts.every(part => typeof part.functionCall.args.city === 'string' && !('id' in part.functionCall)),
  )
  assert.deepEqual(
    parts.map(part => 'thoughtSignature' in part),
    [true, false],
  )
  assert.deepEqual(
    [all.at(-1).candidates[0].finishReason, all.at(-1).candidates[0].content.parts],
    ['STOP', [{ text: '' }]],
  )
  assert.equal(all.at(-1).usageMetadata.candidatesTokenCount, stage.bill.totals().output_tokens)
  const responses = parts.map(({ functionCall }) => ({
    functionResponse: { name: functionCall.name, response: { result: 'sunny' } },
  }))
  const talk = [...contents, { role: 'model', parts }, { role: 'user', parts: responses }]
  const spoken = await readJson(ask('sim-1?tool=2', { tools, contents: talk }))
  assert.equal(typeof spoken.candidates[0].content.parts[0].text, 'string')
  const broken = eventsOf(await (await stream('sim-1?tool=1&fail=eof&after=2', { tools })).text())
  assert.equal(broken.length, 0)
  await until(() => stage.bill.totals().cut === 1)
  assert.equal(stage.bill.lines().at(-1)?.output_tokens, 2)
})

test('obeys the calling config: ANY, NONE, and the names that are allowed', async t => {
  const { ask } = await open(t)
  const two = [
    { functionDeclarations: [{ name: 'one' }, { name: 'two', parametersJsonSchema: { type: 'object' } }] },
  ]
  const call = async (functionCallingConfig: object, model = 'sim-1') => {
    const { candidates } = await readJson(ask(model, { tools: two, toolConfig: { functionCallingConfig } }))
    return candidates[0].content.parts[0].functionCall?.name
  }
  assert.equal(await call({ mode: 'ANY', allowedFunctionNames: ['two'] }), 'two')
  assert.equal(await call({ mode: 'NONE' }, 'sim-1?tool=1'), undefined)
  assert.equal(await call({ mode: 'AUTO' }, 'sim-1?tool=1'), 'one')
})

test('answers in JSON by either kind of schema', async t => {
  const { ask } = await open(t)
  const json = async (config: object) => {
    const generationConfig = { responseMimeType: 'application/json', ...config }
    const { candidates } = await readJson(ask('sim-1', { generationConfig }))
    return JSON.parse(candidates[0].content.parts[0].text)
  }
  assert.equal(typeof (await json({ responseSchema: parameters })).city, 'string')
  const responseJsonSchema = { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'] }
  assert.ok(Number.isInteger((await json({ responseJsonSchema })).n))
  assert.equal((await json({})).simulated, true)
})

test('finishes at the limit, at a stop sequence, and by its filters, each in its shape', async t => {
  const { stage, ask, events } = await open(t)
  const config = async (model: string, generationConfig: object) =>
    (await readJson(ask(model, { generationConfig }))).candidates[0]
  assert.equal((await config('sim-1', { maxOutputTokens: 2 })).finishReason, 'MAX_TOKENS')
  const thought = await config('sim-1?reasoning=9', { maxOutputTokens: 5 })
  assert.deepEqual([thought.finishReason, thought.content], ['MAX_TOKENS', { role: 'model' }])
  const stopped = await config('sim-1?tokens=60', { stopSequences: ['.'] })
  assert.deepEqual([stopped.finishReason, stopped.content.parts[0].text.includes('.')], ['STOP', false])
  for (const blocked of [await readJson(ask('sim-1?refusal')), (await events('sim-1?refusal'))[0]]) {
    assert.equal(blocked.candidates, undefined)
    assert.equal(blocked.promptFeedback.blockReason, 'PROHIBITED_CONTENT')
    assert.equal(blocked.usageMetadata.totalTokenCount, blocked.usageMetadata.promptTokenCount)
  }
  assert.equal(stage.bill.lines().at(-1)?.output_tokens, 0)
  const filtered = await readJson(ask('sim-1?filter&tokens=8'))
  assert.deepEqual(
    [filtered.candidates[0].finishReason, filtered.candidates[0].content],
    ['SAFETY', undefined],
  )
  const cut = await events('sim-1?filter&tokens=8')
  assert.deepEqual([cut.length, cut.at(-1).candidates[0].finishReason], [5, 'SAFETY'])
})

test('tells each failure with code, message and status; when to come back is a detail', async t => {
  const { stage, ask, stream } = await open(t)
  const expected: [string, number, string][] = [
    ['400', 400, 'INVALID_ARGUMENT'],
    ['401', 401, 'UNAUTHENTICATED'],
    ['403', 403, 'PERMISSION_DENIED'],
    ['404', 404, 'NOT_FOUND'],
    ['429', 429, 'RESOURCE_EXHAUSTED'],
    ['quota', 429, 'RESOURCE_EXHAUSTED'],
    ['500', 500, 'INTERNAL'],
    ['503', 503, 'UNAVAILABLE'],
    ['504', 504, 'DEADLINE_EXCEEDED'],
  ]
  for (const [name, status, word] of expected) {
    const answer = await ask(`sim-1?fail=${name}`)
    const { error } = await readJson(answer)
    assert.deepEqual([answer.status, error.code, error.status], [status, status, word])
    assert.equal(answer.headers.get('retry-after'), null)
  }
  const delay = async (script: string) =>
    (await readJson(ask(`sim-1?${script}`))).error.details?.find((one: Event) =>
      one['@type'].endsWith('RetryInfo'),
    )?.retryDelay
  assert.equal(await delay('fail=429&retry_after=7'), '7s')
  assert.equal(await delay('fail=quota'), undefined)
  await (await ask('sim-1?limit=1')).text()
  assert.equal(await delay('limit=1'), '60s')
  const told = eventsOf(await (await stream('sim-1?fail=stream-error&after=2&tokens=5')).text())
  assert.deepEqual([told.length, told.at(-1).error.status], [3, 'INTERNAL'])
  const truncated = await (await stream('sim-1?fail=truncated-json&tool=1&after=1', { tools })).text()
  assert.match(truncated, /^data: \{/)
  assert.throws(() => eventsOf(truncated))
  assert.equal(stage.bill.totals().refused, expected.length + 3)
})

test('takes scripts in the path, percent-encoded, and in the header; names may have slashes', async t => {
  const { stage, post } = await open(t)
  const answer = await post(
    'vendor/sim-1?tokens=2',
    'generateContent',
    { contents },
    { 'x-sim-script': 'tokens=3' },
  )
  const { modelVersion, usageMetadata } = await readJson(answer)
  assert.deepEqual([modelVersion, usageMetadata.candidatesTokenCount], ['vendor/sim-1', 3])
  assert.equal(stage.bill.lines()[0]?.model, 'vendor/sim-1?tokens=2')
  const raw = await fetch(`${stage.root}/v1beta/models/vendor/sim-1:generateContent?key=any`, {
    method: 'POST',
    body: JSON.stringify({ contents }),
  })
  assert.equal((await readJson(raw)).modelVersion, 'vendor/sim-1')
  const bad = await fetch(`${stage.root}/v1beta/models/%E0:generateContent`, { method: 'POST', body: '{}' })
  assert.equal(bad.status, 400)
  assert.equal(stage.bill.asked().at(1)?.path, '/v1beta/models/vendor/sim-1:generateContent?key=…')
})

test('refuses what the Gemini API refuses, at no cost', async t => {
  const { stage, ask } = await open(t)
  const user = (...parts: object[]) => ({ role: 'user', parts })
  const model = (...parts: object[]) => ({ role: 'model', parts })
  const call = { functionCall: { name: 'f', args: {} } }
  const response = { functionResponse: { name: 'f', response: {} } }
  const declare = (declaration: object) => ({ tools: [{ functionDeclarations: [declaration] }] })
  const config = (generationConfig: object) => ({ generationConfig })
  const bad: [object, RegExp][] = [
    [{ messages: [] }, /Unknown name "messages": Cannot find field\./],
    [config({ max_tokens: 3 }), /Unknown name "max_tokens" at 'generation_config': Cannot find field\./],
    [
      config({ maxOutputTokens: 'many' }),
      /Invalid value at 'generation_config\.max_output_tokens' \(TYPE_INT32\), "many"/,
    ],
    [{ contents: [user({ txt: 'x' })] }, /Unknown name "txt" at 'contents\[0\]\.parts\[0\]'/],
    [{ contents: [] }, /contents is not specified/],
    [{ contents: [{ role: 'assistant', parts: [{ text: 'x' }] }] }, /valid role: user, model/],
    [{ contents: [user()] }, /contents\[0\]\.parts: contents\.parts must not be empty/],
    [{ contents: [user({})] }, /required oneof field 'data' must have one initialized field/],
    [{ contents: [user({ inlineData: { mimeType: 'image/png', data: 'n o' } })] }, /TYPE_BYTES/],
    [
      { contents: [user({ text: 'x' }), user(response)] },
      /function response turn comes immediately after a function call/,
    ],
    [
      { contents: [user({ text: 'x' }), model(call, call), user(response)] },
      /number of function response parts is equal/,
    ],
    [{ contents: [model(call), user(response)] }, /function call turn comes immediately after a user turn/],
    [
      { contents: [user({ text: 'x' }), model(call), user({ text: 'y' })] },
      /function response turn comes immediately/,
    ],
    [
      { contents: [user({ text: 'x' }), model({ ...call, thoughtSignature: 'AAAA' }), user(response)] },
      /signature is not valid/,
    ],
    [declare({ name: 'a b' }), /Invalid function name/],
    [
      declare({ name: 'f', parameters: { type: 'OBJECT', properties: {} } }),
      /should be non-empty for OBJECT type/,
    ],
    [
      declare({ name: 'f', parameters: { type: 'OBJECT', additionalProperties: false } }),
      /Unknown name "additionalProperties" at/,
    ],
    [declare({ name: 'f', parameters: { $ref: '#/x' } }), /Unknown name "\$ref"/],
    [{ toolConfig: { functionCallingConfig: { mode: 'ANY' } } }, /is set without function_declarations/],
    [{ toolConfig: { functionCallingConfig: { mode: 'SOME' } } }, /FunctionCallingConfig\.Mode\), "SOME"/],
    [
      { tools, toolConfig: { functionCallingConfig: { mode: 'AUTO', allowedFunctionNames: ['f'] } } },
      /only be set when mode is ANY/,
    ],
    [config({ temperature: 3 }), /temperature must be in the range \[0, 2\]/],
    [config({ responseSchema: parameters }), /only allowed when response_mime_type/],
    [config({ thinkingConfig: { thinkingBudget: 1, thinkingLevel: 'LOW' } }), /only one of thinking budget/],
  ]
  for (const [more, expected] of bad) {
    const answer = await ask('sim-1', more)
    assert.equal(answer.status, 400, JSON.stringify(more))
    const { error } = await readJson(answer)
    assert.equal(error.status, 'INVALID_ARGUMENT')
    assert.match(error.message, expected)
  }
  assert.deepEqual([stage.bill.totals().refused, stage.bill.totals().input_tokens], [bad.length, 0])
})

test('wants signatures back from who calls a Gemini 3, or the documented sentinel', async t => {
  const { ask } = await open(t)
  const { candidates } = await readJson(ask('gemini-3-pro?tool=1', { tools }))
  const [part] = candidates[0].content.parts
  const reply = async (called: object) => {
    const response = { functionResponse: { name: 'get_weather', response: {} } }
    const talk = [...contents, { role: 'model', parts: [called] }, { role: 'user', parts: [response] }]
    return (await ask('gemini-3-pro', { tools, contents: talk })).status
  }
  assert.equal(await reply(part), 200)
  assert.equal(await reply({ functionCall: part.functionCall }), 400)
  const thoughtSignature = 'skip_thought_signature_validator'
  assert.equal(await reply({ functionCall: part.functionCall, thoughtSignature }), 200)
})

test('reads names in snake_case too, as proto does', async t => {
  const { ask } = await open(t)
  const more = {
    system_instruction: { parts: [{ text: 'x' }] },
    generation_config: { max_output_tokens: '2' },
  }
  assert.equal((await readJson(ask('sim-1', more))).candidates[0].finishReason, 'MAX_TOKENS')
})

test('counts tokens for nothing, and embeds one or many as OpenAI’s desk does', async t => {
  const { stage, post, ask } = await open(t)
  const { totalTokens } = await readJson(post('sim-1', 'countTokens', { contents }))
  const nested = { generateContentRequest: { model: 'models/sim-1', contents, tools } }
  assert.ok((await readJson(post('sim-1', 'countTokens', nested))).totalTokens > totalTokens)
  assert.deepEqual([stage.bill.totals().ended, stage.bill.totals().input_tokens], [2, 0])
  assert.equal((await readJson(ask('sim-1'))).usageMetadata.promptTokenCount, totalTokens)

  const content = { parts: [{ text: 'a small lighthouse' }] }
  const one = await readJson(post('sim-embed', 'embedContent', { content, outputDimensionality: 8 }))
  const requests = [{ model: 'models/sim-embed', content, outputDimensionality: 8 }]
  const many = await readJson(post('sim-embed', 'batchEmbedContents', { requests }))
  const openai = await readJson(
    stage.post('/embeddings', { model: 'sim-embed', input: 'a small lighthouse', dimensions: 8 }),
  )
  assert.deepEqual(one.embedding.values, openai.data[0].embedding)
  assert.deepEqual(many.embeddings, [one.embedding])
  assert.deepEqual(
    stage.bill.lines({ after: 3 }).map(line => [line.operation, line.input_tokens]),
    Array(3).fill(['embeddings', openai.usage.prompt_tokens]),
  )
  assert.equal((await post('sim-embed', 'embedContent', { content: { parts: [] } })).status, 400)
})

test('lists models page by page, finds any but the missing one, and answers unknown addresses in its shape', async t => {
  const { stage } = await open(t)
  const get = async (path: string) => await readJson(fetch(`${stage.root}/v1beta/${path}`))
  const page = await get('models?pageSize=2')
  assert.equal(page.models[0].name, 'models/sim-1')
  const rest = await get(`models?pageSize=100&pageToken=${page.nextPageToken}`)
  assert.deepEqual([rest.nextPageToken, rest.models[0].name === page.models[1].name], [undefined, false])
  assert.equal((await get('models/vendor%2Fany')).name, 'models/vendor/any')
  assert.equal((await get('models/sim-missing')).error.status, 'NOT_FOUND')
  assert.equal((await get('files')).error.code, 404)
  const stable = fetch(`${stage.url}/models`, { headers: { 'x-goog-api-key': 'any' } })
  assert.deepEqual((await readJson(stable)).models[0], page.models[0])
})
