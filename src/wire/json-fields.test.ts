import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { exchangeFields, findFields } from './json-fields.ts'

const space = fc.string({ unit: fc.constantFrom(' ', '\t', '\n', '\r'), maxLength: 3 })

/** Names that callers use, that trip up objects used as maps, or that are anything. */
const name = fc.oneof(
  fc.constantFrom('model', 'stream_options', 'messages', '', 'constructor', '__proto__', 'toString', 'mödel'),
  fc.string({ unit: 'binary', maxLength: 8 }),
)

/** The same string in the spellings that JSON has for it: as it is, or with every character escaped. */
const spelled = (text: string): fc.Arbitrary<string> =>
  fc.constantFrom(
    JSON.stringify(text),
    `"${[...Array(text.length).keys()].map(i => `\\u${text.charCodeAt(i).toString(16).padStart(4, '0')}`).join('')}"`,
  )

const oddValues = [
  '12345678901234567890',
  '1.0',
  '-0e+7',
  '1E400',
  '"\\u00e9\\ud83c\\udf0a\\/"',
  '"\\\\"',
  '"a\\\\\\""',
  '"},{"',
  '[ ]',
  '{\n}',
  '{"model":"inner","model":"inner"}',
  '[[[{"a":[1,{"b":"]"}]}]]]',
  'null',
  'true',
]

const value = fc.oneof(
  fc.constantFrom(...oddValues),
  fc.json({ maxDepth: 3 }),
  fc.string({ maxLength: 12 }).map(text => JSON.stringify(text)),
)

interface Member {
  name: string
  before: string
  key: string
  between: [string, string]
  value: string
  after: string
}

const member: fc.Arbitrary<Member> = name.chain(text =>
  fc.record({
    name: fc.constant(text),
    before: space,
    key: spelled(text),
    between: fc.tuple(space, space),
    value,
    after: space,
  }),
)

/** A JSON object as text, with a different text for the values of some of its members. */
function write(members: readonly Member[], blank: string, instead: ReadonlyMap<string, string>): string {
  const written = members.map(
    ({ name, before, key, between: [left, right], value, after }) =>
      `${before}${key}${left}:${right}${instead.get(name) ?? value}${after}`,
  )
  return `{${members.length === 0 ? blank : written.join(',')}}`
}

const object = fc.record({
  lead: space,
  members: fc.array(member, { maxLength: 6 }),
  blank: space,
  trail: space,
})

test('exchanges the named values and no other byte, whatever the text looks like', () => {
  fc.assert(
    fc.property(object, ({ lead, members, blank, trail }) => {
      const instead = new Map([
        ['model', '"other"'],
        ['stream_options', '{"include_usage":true}'],
      ])
      const json = Buffer.from(`${lead}${write(members, blank, new Map())}${trail}`)
      const found = findFields(json)
      assert(found)
      const missing = [...instead].filter(([name]) => !members.some(member => member.name === name))
      const added = missing.map(([name, value]) => `"${name}":${value}`).join()
      const separator = added !== '' && members.length > 0 ? ',' : ''
      const rest = write(members, blank, instead).slice(1)
      assert.equal(
        exchangeFields(json, found, Object.fromEntries(instead)).toString(),
        `{${added}${separator}${rest}${trail}`,
      )
    }),
    { numRuns: 500 },
  )
})

test('finds every field by its name, at the bytes of its value', () => {
  fc.assert(
    fc.property(object, ({ lead, members, blank, trail }) => {
      const json = Buffer.from(`${lead}${write(members, blank, new Map())}${trail}`)
      const fields = findFields(json)?.fields.map(({ name, start, end }) => [
        name,
        json.subarray(start, end).toString(),
      ])
      assert.deepEqual(
        fields,
        members.map(({ name, value }) => [name, value]),
      )
    }),
  )
})

test('counts how deep an object nests', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 40 }), fc.boolean(), (depth, inArrays) => {
      const [open, close] = inArrays ? ['[', ']'] : ['{"a":', '}']
      const inner = inArrays ? '' : '1'
      const json = `{"flat":[1],"deep":${open.repeat(depth)}${inner}${close.repeat(depth)}}`
      assert.equal(findFields(Buffer.from(json))?.depth, Math.max(2, depth + 1))
    }),
  )
})

test('takes nothing but an object for an object', () => {
  for (const text of ['', ' ', '[]', '"{}"', '1', 'null', '{', '{"a":1', '{"a"', '{"a":"', '{"a":1]']) {
    assert.equal(findFields(Buffer.from(text)), undefined, text)
  }
})
