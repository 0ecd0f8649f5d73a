import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withCollection } from './model-address.ts'

test('a method of a model that stands under no collection is put under the models', () => {
  for (const [url, served] of [
    ['/v1beta/openai/gpt-5:generateContent', '/v1beta/models/openai/gpt-5:generateContent'],
    [
      '/v1beta/house/a/b:c:streamGenerateContent?alt=sse',
      '/v1beta/models/house/a/b:c:streamGenerateContent?alt=sse',
    ],
  ])
    assert.equal(withCollection(String(url)), served)
})

test('every other address stays as it is', () => {
  for (const url of [
    '/v1beta/models/openai/gpt-5:generateContent',
    '/v1beta/tunedModels/mine:generateContent',
    '/v1beta/projects/p/locations/l/publishers/google/models/m:generateContent',
    '/v1beta/openai/chat/completions',
    '/v1beta/files/a:download?alt=x/y:generateContent',
    '/v1beta/cachedContents',
    '/v1/openai/gpt-5:generateContent',
    '/v1/chat/completions',
  ])
    assert.equal(withCollection(url), url)
})
