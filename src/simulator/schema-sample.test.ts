import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import fc from 'fast-check'
import { createDice } from './dice.ts'
import { samplePattern } from './pattern-sample.ts'
import { sampleSchema } from './schema-sample.ts'

const node = { anyOf: [{ $ref: '#/$defs/node' }, { type: 'null' }] }

const schemas: Record<string, object> = {
  'a tool': {
    type: 'object',
    properties: {
      city: { type: 'string' },
      unit: { enum: ['c', 'f'] },
      days: { type: 'integer', minimum: 1, maximum: 14 },
    },
    required: ['city', 'unit'],
    additionalProperties: false,
  },
  'nested lists': {
    type: 'object',
    properties: {
      steps: {
        type: 'array',
        minItems: 3,
        maxItems: 4,
        items: {
          type: 'object',
          properties: { text: { type: 'string', minLength: 40, maxLength: 60 } },
          required: ['text'],
        },
      },
      tags: { type: 'array', uniqueItems: true, minItems: 3, items: { enum: ['a', 'b', 'c', 'd'] } },
      pair: {
        type: 'array',
        prefixItems: [{ type: 'number' }, { type: 'boolean' }],
        items: false,
        minItems: 2,
      },
    },
    required: ['steps', 'tags', 'pair'],
  },
  numbers: {
    type: 'object',
    properties: {
      share: { type: 'number', exclusiveMinimum: 0, exclusiveMaximum: 1 },
      narrow: { type: 'number', minimum: 0.1, maximum: 0.2 },
      even: { type: 'integer', multipleOf: 2, exclusiveMinimum: 2, maximum: 6 },
      below: { type: 'integer', maximum: -5 },
      either: { type: ['integer', 'null'] },
    },
    required: ['share', 'narrow', 'even', 'below', 'either'],
  },
  'a tree': {
    $ref: '#/$defs/node',
    $defs: {
      node: {
        type: 'object',
        properties: {
          value: { type: 'string' },
          left: node,
          right: node,
          all: { type: 'array', items: node },
        },
        required: ['value', 'left', 'right', 'all'],
        additionalProperties: false,
      },
    },
  },
  combined: {
    allOf: [
      { type: 'object', properties: { kind: { const: 'x' } }, required: ['kind'] },
      { properties: { count: { type: 'integer' } }, required: ['count'] },
    ],
    oneOf: [
      { properties: { a: { type: 'string', pattern: '^[A-Z]{3}-\\d{4}$' } }, required: ['a'] },
      { properties: { b: { type: 'boolean' } }, required: ['b'] },
    ],
  },
  'anything goes': {},
}

for (const [name, schema] of Object.entries(schemas)) {
  test(`makes values that are valid by their schema: ${name}`, () => {
    const validate = new Ajv2020({ strict: false }).compile(schema)
    for (let seed = 0; seed < 100; seed += 1) {
      const value = sampleSchema(schema, createDice(seed), ['lighthouses'])
      assert.ok(validate(value), `${JSON.stringify(value)}: ${JSON.stringify(validate.errors)}`)
    }
  })
}

test('makes texts that match their pattern', () => {
  const patterns = [
    '^(?:\\+\\d{1,3} )?\\d{3,4}$',
    '^[^a-z\\s]{4}$',
    '^#[0-9a-fA-F]{6}$',
    'a|b(c|d)*e+',
    '^\\w+@\\w+\\.com$',
  ]
  fc.assert(
    fc.property(fc.nat(), fc.constantFrom(...patterns), (seed, pattern) => {
      assert.match(samplePattern(pattern, createDice(seed)) ?? 'nothing', new RegExp(pattern))
    }),
  )
})

test('gives up on patterns it does not know, rather than make a wrong text', () => {
  for (const pattern of ['(?=a)b', '(a)\\1', '\\p{L}', '(unclosed', '((((a{9}){999}){999}){999})', '*']) {
    assert.equal(samplePattern(pattern, createDice(1)), undefined, pattern)
  }
})

test('comes to an end on a schema that requires itself without end', () => {
  const endless = { $ref: '#', properties: { a: { $ref: '#' }, b: { $ref: '#' } }, required: ['a', 'b'] }
  assert.equal(typeof sampleSchema(endless, createDice(1), []), 'object')
})
