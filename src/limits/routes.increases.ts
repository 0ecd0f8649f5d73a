import { type Static, Type } from 'typebox'
import { Fault, parseUsd, type Route } from '#exchange'
import { Amount, parseTime, recordReader } from '#platform'
import { endIncrease, findEntry, increase, sentenceOf } from './change-rules.ts'
import { isSubjectOf, subjectForm } from './match.ts'
import type { About, ShownDesk } from './routes.rules.ts'
import type { Rule } from './rule.ts'
import { pickRule } from './rule-book.ts'
import { increaseShape, showIncrease } from './show-rules.ts'

const longestMs = 10 * 366 * 24 * 3_600_000

const newIncrease = Type.Object(
  {
    amount: Type.Unsafe<string | number>({
      description: 'How much more: US dollars such as "$100", or a number such as 10000 or "10k".',
    }),
    until: Type.String({
      pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d(:\\d\\d(\\.\\d{1,9})?)?(Z|[+-]\\d\\d:\\d\\d)$',
      description: 'When it ends, a time in the future such as 2030-01-31T00:00:00Z.',
    }),
    reason: Type.String({
      minLength: 1,
      maxLength: 500,
      pattern: '^[^\\u0000]*$',
      description: 'Why. It stands in the audit.',
    }),
    subject: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 8_000,
        pattern: '^[^\\u0000]*$',
        description: 'Whose counter alone, as `counters` show it; every one of the rule when absent.',
      }),
    ),
    rule: Type.Optional(
      Type.String({
        maxLength: 100,
        description: 'Which of several limits, by its id or by what it counts: `requests`.',
      }),
    ),
  },
  { additionalProperties: false },
)

const readIncrease = recordReader(
  Type.Object({ amount: Amount({ description: 'How much more.' }) }, { additionalProperties: false }),
)

/** More for a time, of any rule, for all of its subjects or for one. */
export function increaseRoutes({ kind, root, one, params }: About, desk: ShownDesk): Route[] {
  const increaseParams = Type.Object({
    id: Type.String({ pattern: `^${kind}_[0-9a-f]{32}$`, description: `The id of a ${one}.` }),
    increase: Type.String({ pattern: '^increase_[0-9a-f]{32}$', description: 'The id of an increase.' }),
  })
  return [
    {
      method: 'POST',
      path: `${root}/{id}/increases`,
      requires: 'admin',
      summary: `Allows more than a ${one} says, until a time; also where it stands in the configuration.`,
      params,
      body: newIncrease,
      answer: { status: 201, schema: increaseShape },
      async handle({ params, body, caller }): Promise<Static<typeof increaseShape>> {
        const asked: Static<typeof newIncrease> = body
        const rule = pickRule(findEntry(desk, kind, params.id), asked.rule)
        const wish = {
          rule,
          subject: asked.subject === undefined ? undefined : checkedSubject(rule, asked.subject),
          amount: readAmount(asked.amount, rule),
          untilMs: futureMs(asked.until, desk.clock.now()),
          reason: asked.reason,
        }
        const id = await increase(desk, wish, caller)
        const row = findEntry(desk, kind, params.id).increases.find(found => found.id === id)
        if (row) return showIncrease(row, rule.unit)
        throw new Fault('conflict', 'It was made, and ended by somebody else in the meantime.')
      },
    },
    {
      method: 'DELETE',
      path: `${root}/{id}/increases/{increase}`,
      requires: 'admin',
      summary: 'Ends an increase now.',
      params: increaseParams,
      answer: { status: 200, schema: increaseShape },
      async handle({ params, caller }): Promise<Static<typeof increaseShape>> {
        const entry = findEntry(desk, kind, params.id)
        return await endIncrease(desk, { id: params.increase, entry }, caller)
      },
    },
  ]
}

function readAmount(given: string | number, { unit }: Rule): bigint {
  const read = readIncrease({ amount: given })
  if (!read.ok)
    throw new Fault('invalid_request', read.problems.map(sentenceOf).join(' '), { param: 'amount' })
  const text = read.value.amount
  if (unit === 'usd') return parseUsd(text.replace('$', ''))
  if (!text.startsWith('$') && !text.includes('.')) return BigInt(text)
  throw new Fault(
    'invalid_request',
    `\`amount\` is a number of ${unit.replace('_', ' ')} here, such as 10k.`,
    {
      param: 'amount',
    },
  )
}

function futureMs(text: string, nowMs: number): number {
  const atMs = parseTime(text)
  if (atMs > nowMs && atMs <= nowMs + longestMs) return atMs
  throw new Fault(
    'invalid_request',
    '`until` must be a time in the next ten years, such as 2030-01-31T00:00:00Z.',
    { param: 'until' },
  )
}

/** A subject that the rule can never have would be an increase for nobody, and a counter that nothing counts in. */
export function checkedSubject(rule: Rule, subject: string): string {
  if (isSubjectOf(rule, subject)) return subject
  throw new Fault(
    'invalid_request',
    `\`subject\` is written \`${subjectForm(rule)}\` for this one, with / and % in values as %2F and %25.`,
    { param: 'subject' },
  )
}
