import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { checkPublished, comparePublished, parsePublished, readPublishedPrices } from '#metering'
import { publishedFile } from './published.ts'

const origin = '{"package":"house","version":"1","released":"2099-01-01","licence":"MIT"}'
const vendor = '{"vendor":"house"}'
const line = (model: object): string =>
  JSON.stringify({ model: 'llama', match: { equals: 'llama' }, ...model })
const priced = (price: object): string => [origin, vendor, line({ prices: [price] })].join('\n')

test('the prices that come with Sluice are such a file', () => {
  checkPublished(readFileSync(publishedFile, 'latin1'))
})

describe('is no file of prices', () => {
  for (const [about, text, why] of [
    ['no JSON', 'prices', /^line 1: /],
    ['nothing', '', /^line 1: /],
    ['no day', '{"package":"a","version":"1"}', /^line 1: `released` is not a day/],
    ['no models', origin, /^line 2: no vendor and no model/],
    ['a model before any vendor', `${origin}\n${line({ prices: [] })}`, /^line 2: a model before any vendor/],
    [
      'a vendor that is not told first',
      `${origin}\n{"source":"x","vendor":"house"}`,
      /^line 2: `vendor` comes first/,
    ],
    [
      'no names',
      [origin, vendor, line({ match: {}, prices: [] })].join('\n'),
      /^line 3: `match` of llama says no names/,
    ],
    [
      'a pattern that is none',
      [origin, vendor, line({ match: { regex: '(' }, prices: [] })].join('\n'),
      /^line 3: .*regular expression/,
    ],
    ['a price that is none', priced({ rates: { input: '-1' } }), /^line 3: "-1" is not a price/],
    ['a price with an exponent', priced({ rates: { input: '1e3' } }), /^line 3: "1e3" is not a price/],
    ['a price as a number', priced({ rates: { input: 1 } }), /^line 3: a rate is not a decimal text/],
    ['a price too fine', priced({ rates: { input: '0.0000001' } }), /^line 3: .*finer/],
    ['a kind nobody knows', priced({ rates: { outputs: '1' } }), /^line 3: `outputs` is no kind of tokens/],
    ['a fee nobody knows', priced({ rates: {}, fees: { tax: '1' } }), /^line 3: `tax` is no fee/],
    ['a day that is none', priced({ from: '2099-13-01', rates: {} }), /^line 3: `from` is not a day/],
    [
      'hours that are none',
      priced({ daily: ['25:00:00', '1'], rates: {} }),
      /^line 3: `daily` is not two times/,
    ],
    [
      'a length that is none',
      priced({ rates: { input: { base: '1', tiers: [{ aboveInputTokens: -1, price: '2' }] } } }),
      /^line 3: a rate is not/,
    ],
  ] as const) {
    test(about, () => {
      assert.throws(
        () => checkPublished(text),
        (cause: unknown) => cause instanceof RangeError && why.test(cause.message),
      )
    })
  }
})

describe('says what changes', () => {
  const list = (...models: string[]) => parsePublished([origin, vendor, ...models].join('\n'))
  const of = (input: string, more: object = {}) => line({ prices: [{ rates: { input, ...more } }] })

  for (const [about, before, after, said] of [
    ['a price', [of('1')], [of('2')], 'changed llama: input 1 → 2'],
    ['a kind', [of('1')], [of('1', { output: '3' })], 'changed llama: output none → 3'],
    ['a model that is new', [], [of('1')], 'new llama: input 1'],
    ['a model that is gone', [of('1')], [], 'gone llama: input 1'],
    [
      'a price that is no more',
      [of('1')],
      [line({ prices: [], unpriced: 'by the hour' })],
      'changed llama: input 1 → none',
    ],
    [
      'a long request',
      [of('1')],
      [line({ prices: [{ rates: { input: { base: '1', tiers: [{ aboveInputTokens: 9, price: '2' }] } } }] })],
      'changed llama: input 1 → 1 (2 above 9 tokens)',
    ],
    [
      'what was before',
      [of('1')],
      [line({ prices: [{ rates: { input: '3' } }, { from: '2020-01-01', rates: { input: '1' } }] })],
      'changed llama: its earlier prices, or when they hold',
    ],
  ] as const) {
    test(about, () => {
      const changes = comparePublished(list(...before), list(...after))
      assert.deepEqual(
        changes.map(({ kind, model, what }) => `${kind} ${model}: ${what}`),
        [said],
      )
    })
  }

  test('nothing, of the same list', () => {
    const same = readPublishedPrices()
    assert.deepEqual(comparePublished(same, same), [])
  })
})
