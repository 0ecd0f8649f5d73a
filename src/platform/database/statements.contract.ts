import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Database, DatabaseUnavailable } from '#platform'

/** What any statement may rely on, on any engine. `shared` is one database for all of these tests. */
export function statementsContract(shared: () => Database): void {
  valuesContract(shared)
  errorsContract(shared)
  crowdContract(shared)
}

function valuesContract(shared: () => Database): void {
  const read = async (expression: string, values?: readonly unknown[]): Promise<unknown> =>
    (await shared().query<{ value: unknown }>({ text: `select ${expression} as value` }, values))[0]?.value

  describe('values', () => {
    const asRead: Record<string, [expression: string, expected: unknown]> = {
      'a bigint as a number': [`9007199254740991::bigint`, 9_007_199_254_740_991],
      'a negative bigint as a number': [`-42::bigint`, -42],
      'an array of bigint as numbers': [`array[1, 9007199254740991, null]::bigint[]`, [1, 2 ** 53 - 1, null]],
      'a numeric as text, digit by digit': [
        `123456789012345678901234567890.000000000001::numeric`,
        '123456789012345678901234567890.000000000001',
      ],
      'an integer as a number': [`2147483647::integer`, 2_147_483_647],
      'a double as a number': [`0.1::float8`, 0.1],
      'a boolean': [`true`, true],
      'a text with everything in it': [`$$ü '"\\ 🌊$$ || chr(10) || chr(1)`, ` ü '"\\ 🌊\n\u0001`.slice(1)],
      'a timestamptz as a Date': [
        `timestamptz '2030-01-31T12:00:00.123456+02:00'`,
        new Date('2030-01-31T10:00:00.123Z'),
      ],
      'json, parsed': [`'{"a": [1, null, "x"]}'::json`, { a: [1, null, 'x'] }],
      'jsonb, parsed': [`'{"a": [1, null, "x"]}'::jsonb`, { a: [1, null, 'x'] }],
      'an array of texts': [`array['a', 'b,c', '"', null]`, ['a', 'b,c', '"', null]],
      'an empty array': [`'{}'::text[]`, []],
      'a uuid as text': [
        `'0198C0DE-0000-7000-8000-000000000001'::uuid`,
        '0198c0de-0000-7000-8000-000000000001',
      ],
      'bytes as a Buffer': [`'\\x00ff0a'::bytea`, Buffer.from([0, 255, 10])],
      null: [`null::text`, null],
    }
    for (const [what, [expression, expected]] of Object.entries(asRead)) {
      it(`reads ${what}`, async () => assert.deepEqual(await read(expression), expected))
    }

    const roundTrips: Record<string, [type: string, value: unknown, back?: unknown]> = {
      'a text': ['text', `'; drop table calls; -- ü 🌊 \\`],
      'a number': ['bigint', 1_700_000_000_000],
      'a boolean': ['boolean', false],
      null: ['text', null],
      'an array': ['text[]', ['a', null, '{"', '']],
      'an empty array': ['bigint[]', []],
      'an object as json': ['json', { a: [1, { b: null }] }],
      'a Date': ['timestamptz', new Date('2030-01-31T10:00:00.123Z')],
      bytes: ['bytea', Buffer.from([0, 1, 255])],
    }
    for (const [what, [type, value]] of Object.entries(roundTrips)) {
      it(`gives back ${what} that was handed in`, async () =>
        assert.deepEqual(await read(`$1::${type}`, [value]), value))
    }

    it('carries 10 MB of text in either direction', async () => {
      const text = 'ü🌊x'.repeat(1_500_000)
      assert.equal(await read('length($1::text)', [text]), 4_500_000)
      assert.equal(await read(`repeat('ü🌊x', 1500000)`), text)
    })
  })
}

function errorsContract(shared: () => Database): void {
  describe('errors', () => {
    const wrong: Record<string, [text: string, code: string]> = {
      'a statement that is not SQL': ['selekt 1', '42601'],
      'a table that is not there': ['select * from nowhere', '42P01'],
      'a value twice in a unique column': [
        'insert into pg_description select * from pg_description limit 1',
        '23505',
      ],
      'a division by zero': ['select 1 / 0', '22012'],
    }
    for (const [what, [text, code]] of Object.entries(wrong)) {
      it(`are told of ${what} by their code, and are no outage`, async () => {
        await assert.rejects(
          shared().query({ text }),
          cause => !(cause instanceof DatabaseUnavailable) && isCode(cause, code),
        )
        assert.deepEqual(await shared().query({ text: 'select 1 as one' }), [{ one: 1 }])
      })
    }

    it('of a value that cannot be written are bugs, and no outage', async () => {
      await assert.rejects(shared().query({ text: 'select $1::json' }, [{ count: 1n }]), TypeError)
      assert.deepEqual(await shared().query({ text: 'select 1 as one' }), [{ one: 1 }])
    })

    it('leave a named statement as good as it was', async () => {
      const statement = { name: 'contract.divide', text: 'select 10 / $1::int as share' }
      assert.deepEqual(await shared().query(statement, [5]), [{ share: 2 }])
      await assert.rejects(shared().query(statement, [0]), cause => isCode(cause, '22012'))
      assert.deepEqual(await shared().query(statement, [2]), [{ share: 5 }])
    })
  })
}

function crowdContract(shared: () => Database): void {
  it('answers each of a hundred statements at once with its own answer', async () => {
    const asked = Array.from({ length: 100 }, (_, n) => n)
    const answers = await Promise.all(
      asked.map(async n => {
        const name = n % 2 === 0 ? { name: `contract.echo-${n % 6}` } : {}
        const text = `select $1::int as n, ${n % 6} as kind`
        return await shared().query({ text, ...name }, [n])
      }),
    )
    assert.deepEqual(
      answers,
      asked.map(n => [{ n, kind: n % 6 }]),
    )
  })
}

export function isCode(cause: unknown, code: string): boolean {
  return cause instanceof Error && 'code' in cause && cause.code === code
}
