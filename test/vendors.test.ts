import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { suite, test } from 'node:test'
import OpenAI from 'openai'
import { systemClock } from '#platform'
import { awsCredential } from '../src/providers/credential.aws.ts'
import { answers, exception, streamOf } from '../src/wire/bedrock-converse/recorded.ts'
import { startSluice } from './support/sluice.ts'
import { type SeenRequest, startUpstream } from './support/upstream.ts'

const key = 'sk-test-web-0123456789'
const awsSecret = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY'
const called = answers['parallel tools, one without arguments'] ?? {}

const upstream = await startUpstream((request, response) => {
  if (request.path.includes('/model/refused/')) return refuse(response)
  if (request.path.endsWith('/converse-stream')) return stream(request, response)
  const body = request.path.includes('/converse') ? called : chatAnswer
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
})

const chatAnswer = {
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1,
  model: 'm',
  choices: [{ index: 0, message: { role: 'assistant', content: 'Hi' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
}

function stream(request: SeenRequest, response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/vnd.amazon.eventstream' })
  const frames = streamOf(called)
  const isThrottled = request.path.includes('/model/throttled/')
  response.end(
    Buffer.concat(
      isThrottled ? [...frames.slice(0, 2), exception('throttlingException', 'Slow down')] : frames,
    ),
  )
}

/** As a service may that repeats what it was given. */
function refuse(response: ServerResponse): void {
  response.writeHead(403, { 'content-type': 'application/json', 'x-amzn-errortype': 'AccessDeniedException' })
  response.end(JSON.stringify({ message: `The secret ${awsSecret} is wrong.` }))
}

const base = upstream.url.replace(/\/v1$/, '')
const sluice = await startSluice({
  config: `
providers:
  rock: { vendor: bedrock, base_url: ${base}, region: us-east-1, access_key_id: AKIDEXAMPLE, secret_access_key: ${awsSecret} }
  blue: { vendor: azure, base_url: ${base}/openai, api_version: 2024-10-21, api_key: azure-key-0123 }
keys:
  - { name: web, key: ${key}, organization: acme, project: shop }
`,
})
const client = new OpenAI({ baseURL: `${sluice.url}/v1`, apiKey: key, maxRetries: 0 })
const messages = [{ role: 'user' as const, content: 'Weather?' }]

suite('a provider that is Bedrock', () => {
  test('is asked by Converse, with a signature over what it gets, and answers in the caller’s dialect', async () => {
    const answer = await client.chat.completions.create({ model: 'rock/eu.claude:0', messages })
    const [choice] = answer.choices
    assert.equal(choice?.message.content, 'I look.')
    assert.equal(choice?.finish_reason, 'tool_calls')
    const calls = choice?.message.tool_calls?.map(call => call.type === 'function' && call.function.arguments)
    assert.deepEqual(calls, ['{"city":"Zürich","days":[1,2]}', '{}'])
    assert.equal(answer.usage?.total_tokens, 658)
    const request = upstream.requests.at(-1)
    assert.ok(request)
    assert.equal(request.path, '/model/eu.claude%3A0/converse')
    assert.equal(request.headers.authorization, await signatureOf(request))
  })

  test('streams by AWS’s event stream, which the caller gets as its own', async () => {
    const stream = client.chat.completions.stream({
      model: 'rock/m',
      messages,
      stream_options: { include_usage: true },
    })
    const answer = await stream.finalChatCompletion()
    assert.equal(answer.choices[0]?.message.content, 'I look.')
    assert.equal(answer.choices[0]?.message.tool_calls?.length, 2)
    assert.equal(answer.usage?.total_tokens, 658)
    assert.equal(upstream.requests.at(-1)?.headers.accept, 'application/vnd.amazon.eventstream')
  })

  test('that throttles in the midst of its stream ends it with an error', async () => {
    const stream = await client.chat.completions.create({ model: 'rock/throttled', messages, stream: true })
    let text = ''
    await assert.rejects(async () => {
      for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? ''
    }, OpenAI.APIError)
    assert.equal(text, 'I lo')
  })

  test('that does not accept the key tells the caller nothing of it', async () => {
    await assert.rejects(
      client.chat.completions.create({ model: 'rock/refused', messages }),
      (error: unknown) => {
        assert.ok(error instanceof OpenAI.APIError)
        assert.equal(error.code, 'provider_credential_rejected')
        assert.ok(!JSON.stringify(error.error).includes(awsSecret))
        return true
      },
    )
  })
})

test('a provider that is Azure has its deployment in the path and its key in a header of its own', async () => {
  const answer = await client.chat.completions.create({ model: 'blue/my-gpt', messages })
  assert.equal(answer.choices[0]?.message.content, 'Hi')
  const { path, headers } = upstream.requests.at(-1) ?? assert.fail('nothing came')
  assert.equal(path, '/openai/deployments/my-gpt/chat/completions?api-version=2024-10-21')
  assert.equal(headers['api-key'], 'azure-key-0123')
  assert.equal(headers.authorization, undefined)
})

async function signatureOf({ headers, path, body }: SeenRequest): Promise<string | undefined> {
  const [, year, month, day, hour, minute, second] =
    /^(....)(..)(..)T(..)(..)(..)Z$/.exec(String(headers['x-amz-date'])) ?? []
  const signedAt = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
  const signed = await awsCredential({
    accessKeyId: 'AKIDEXAMPLE',
    secretAccessKey: awsSecret,
    sessionToken: undefined,
    region: 'us-east-1',
    service: 'bedrock',
    clock: { ...systemClock, now: () => signedAt },
  }).authorize({
    method: 'POST',
    origin: `http://${headers.host}`,
    path,
    headers: { 'content-type': String(headers['content-type']) },
    body: Buffer.from(body),
  })
  return signed.authorization
}
