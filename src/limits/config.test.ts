import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Type } from 'typebox'
import { configReader } from '#platform'
import { checkRules } from './check-rules.ts'
import { type BudgetConfig, budgetsConfig, type RateLimitConfig, rateLimitsConfig } from './config.ts'
import { readBudget, readRateLimit } from './read-rules.ts'
import type { Rule } from './rule.ts'

const schema = Type.Object({
  budgets: budgetsConfig,
  rate_limits: rateLimitsConfig,
  models: Type.Record(Type.String(), Type.Unknown(), { default: { smart: {}, fast: {}, 'house-*': {} } }),
  providers: Type.Record(Type.String(), Type.Unknown(), { default: { openai: {}, sim: {} } }),
})

const reads = ['budgets', 'rate_limits', 'models', 'providers'] as const
const read = configReader({ schema, checks: [{ reads, check: checkRules }] })

function load(text: string) {
  return read({ text, file: 'sluice.yaml', env: {} })
}

function rulesOf(text: string): Rule[] {
  const loaded = load(text)
  assert(loaded.ok, loaded.ok ? '' : JSON.stringify(loaded.problems))
  const { budgets, rate_limits: limits } = loaded.config as {
    budgets: BudgetConfig[]
    rate_limits: RateLimitConfig[]
  }
  const from = { origin: 'configuration', entryId: 'entry', increasesOf: () => [] } as const
  return [
    ...budgets.map(budget => readBudget(budget, from)),
    ...limits.flatMap(limit => readRateLimit(limit, from)),
  ]
}

function problemsOf(text: string): string[] {
  const loaded = load(text)
  assert(!loaded.ok, 'expected a mistake')
  return loaded.problems.map(({ path, message, hint }) => `${path}: ${message}${hint ? ` ${hint}` : ''}`)
}

const budget = (fields: string): string => `budgets: [{ ${fields} }]`

describe('budgets in the configuration', () => {
  it('are read as they are written, short or in full', () => {
    const [rule] = rulesOf(`
budgets:
  - name: chat daily
    per: [project, feature]
    match: { feature: chat, model: "openai/*", environment: [prod, staging] }
    limit: $500.25
    every: day
    time_zone: Europe/Berlin
    soft: [{ at: 80%, then: { use: fast } }, { at: $450, then: confirm }, { at: 12.5%, then: { output: 2k } }, { at: 50%, then: { class: batch } }]
    unpriced: allow
    when_store_is_away: { open: $1 }
`)
    assert(rule)
    assert.deepEqual(
      { ...rule, match: Object.keys(rule.match), window: rule.window.name, counterId: '' },
      {
        id: 'entry',
        entryId: 'entry',
        counterId: '',
        origin: 'configuration',
        name: 'chat daily',
        kind: 'budget',
        unit: 'usd',
        most: 500_250_000_000_000n,
        increases: [],
        per: ['project', 'feature'],
        match: ['feature', 'model', 'environment'],
        window: 'day in Europe/Berlin',
        hard: true,
        soft: [
          { at: { ppm: 800_000n }, action: { kind: 'use', model: 'fast' } },
          { at: { amount: 450_000_000_000_000n }, action: { kind: 'confirm' } },
          { at: { ppm: 125_000n }, action: { kind: 'output', tokens: 2_000 } },
          { at: { ppm: 500_000n }, action: { kind: 'batch' } },
        ],
        unpriced: 'allow',
        whenStoreIsAway: { open: 1_000_000_000_000n },
        requiresUser: false,
        visible: true,
        dependsOnTarget: false,
      },
    )
  })

  it('are hard, monthly, for all, in UTC, and closed without the store, where nothing else is said', () => {
    const [rule] = rulesOf(budget('limit: 500'))
    assert.deepEqual(
      [rule?.name, rule?.hard, rule?.window.name, rule?.per, rule?.whenStoreIsAway, rule?.unpriced],
      ['money every month', true, 'month in UTC', [], 'closed', 'refuse'],
    )
    assert.equal(rule?.visible, false)
  })

  it('take money as people write it, to the pico-dollar', () => {
    const amounts: Record<string, bigint> = {
      $500: 500_000_000_000_000n,
      '500 USD': 500_000_000_000_000n,
      '500.00': 500_000_000_000_000n,
      '$0.000001': 1_000_000n,
      '0.000000000001': 1n,
      '1e-7': 100_000n,
      $9000000000: 9_000_000_000_000_000_000_000n,
    }
    for (const [text, most] of Object.entries(amounts))
      assert.equal(rulesOf(budget(`limit: ${text}`))[0]?.most, most, text)
  })

  it('refuse money that is none, below or at zero, endless, too much or too fine', () => {
    const wrong = [
      '-1',
      '0',
      '$0',
      '$0.00',
      '.inf',
      '.nan',
      '9000000000.01',
      '1e15',
      '0.0000000000001',
      '1.5e-12',
    ]
    for (const text of [...wrong, '"$1,000"', '1 EUR', 'free', '""', '5%', '{}', '[1]'])
      assert.match(
        problemsOf(budget(`limit: ${text}`)).join(),
        /^budgets\[0\]\.limit: This must be an amount/,
        text,
      )
  })

  it('say where a mistake is and what was meant', () => {
    const said: Record<string, RegExp> = {
      'tokens: 0': /^budgets\[0\]\.tokens: This must be a number.*at least 1/,
      'limit: $1, tokens: 5': /^budgets\[0\]: A budget needs either `limit`.*or `tokens`/,
      'every: day': /^budgets\[0\]: A budget needs either/,
      'limit: $1, every: fortnight': /every: This must be one of minute, hour, day/,
      'limit: $1, every: mont': /Did you mean `month`/,
      'limit: $1, every: total, rolling: true': /rolling: What counts in total has no window/,
      'limit: $1, time_zone: Europe/Belin': /time_zone: There is no time zone.*Did you mean `Europe\/Berlin`/,
      'limit: $1, time_zone: Tokyo': /Did you mean `Asia\/Tokyo`/,
      'limit: $1, per: team': /per\[0\]: This must be one of organization/,
      'limit: $1, per: [user, user]': /per: This must NOT have duplicate/,
      'limit: $1, match: { modle: x }': /match\.modle: There is no such setting\. Did you mean `model`/,
      'limit: $1, match: { class: batsh }': /match\.class\[0\]: There is no class/,
      'limit: $1, soft: { at: 80%, then: { use: fsat } }':
        /then\.use: There is no model `fsat`\. Did you mean `fast`/,
      'limit: $1, soft: { at: 80%, then: { use: nope/gpt } }': /There is no model `nope\/gpt`/,
      'limit: $1, soft: { then: { use: fast, output: 5 } }': /then: A step does one thing/,
      'limit: $1, soft: { at: 120%, then: confirm }': /at: This is never reached/,
      'limit: $1, soft: { at: $2 }': /at: This is never reached/,
      'tokens: 10k, soft: { at: $2 }': /at: This is money, and the budget is of tokens/,
      'tokens: 10k, when_store_is_away: { open: $1 }': /open: This is money/,
      'limit: $1, soft: { at: 80 percent }': /at: This must be a share such as 80%/,
      'limit: $1, when_store_is_away: ajar': /This must be one of closed/,
      'limit: $1, require: true': /require: This is about users.*Write `per: user`/,
      'limit: $1, per: user, require: true, match: { user: u1 }': /leaves out the calls that name no user/,
    }
    for (const [fields, expected] of Object.entries(said))
      assert.match(problemsOf(budget(fields))[0] ?? '', expected)
  })

  it('have names of their own', () => {
    assert.match(
      problemsOf('budgets: [{ limit: 1 }, { limit: 2 }]')[0] ?? '',
      /^budgets\[1\]: There is one named `money every month` already\. Give each a `name`/,
    )
    assert.match(
      problemsOf('budgets: [{ name: a, limit: 1 }, { name: a, limit: 2, every: day }]')[0] ?? '',
      /\[1\]\.name/,
    )
  })

  it('count the time up to now where they are rolling', () => {
    const [rule] = rulesOf(budget('limit: 1, every: month, rolling: true'))
    assert.equal(rule?.window.rolling?.windowMs, 30 * 86_400_000)
  })

  it('alert at their limit where they refuse nobody and say nothing else', () => {
    const [rule] = rulesOf(budget('limit: 1, hard: false'))
    assert.deepEqual(rule?.soft, [{ at: { ppm: 1_000_000n }, action: { kind: 'alert' } }])
  })

  it('keep their counter when the limit is changed, and take a new one when something else is counted', () => {
    const counter = (fields: string): string | undefined =>
      rulesOf(budget(`name: a, ${fields}`))[0]?.counterId
    const first = counter('limit: 1, per: user, every: day')
    assert.equal(counter('limit: 2, per: user, every: day, soft: { at: 50% }, hard: false'), first)
    for (const other of [
      'tokens: 1, per: user, every: day',
      'limit: 1, per: key, every: day',
      'limit: 1, per: user, every: hour',
      'limit: 1, per: user, every: day, rolling: true',
      'limit: 1, per: user, every: day, time_zone: Asia/Tokyo',
      'limit: 1, per: user, every: day, match: { model: fast }',
    ])
      assert.notEqual(counter(other), first, other)
  })
})

describe('rate limits in the configuration', () => {
  it('are one limit for each quantity, over the time up to now', () => {
    const rules = rulesOf(
      'rate_limits: [{ per: user, requests: 20, tokens: 100k, concurrent: 3, every: 10s }]',
    )
    assert.deepEqual(
      rules.map(({ unit, most, window, hard }) => [unit, most, window.rolling?.windowMs, hard]),
      [
        ['requests', 20n, 10_000, true],
        ['tokens', 100_000n, 10_000, true],
        ['concurrent', 3n, undefined, true],
      ],
    )
    assert.equal(new Set(rules.map(rule => rule.id)).size, 3)
  })

  it('are by the minute where nothing else is said, and take words and durations', () => {
    const windowOf = (fields: string): number | undefined =>
      rulesOf(`rate_limits: [{ requests: 1${fields} }]`)[0]?.window.rolling?.windowMs
    assert.deepEqual(
      ['', ', every: second', ', every: 250ms', ', every: day', ', every: 90m'].map(windowOf),
      [60_000, 1_000, 250, 86_400_000, 5_400_000],
    )
  })

  it('say where a mistake is', () => {
    const said: Record<string, RegExp> = {
      'per: user': /^rate_limits\[0\]: Say what is limited/,
      'requests: 0': /requests: This must be a number/,
      'requests: -5': /requests: This must be a number/,
      'requests: 1.5': /requests: This must be a number/,
      'requests: 1, every: 1ms': /every: This must be second.*at least 100ms, at most 31d/,
      'requests: 1, every: fortnight': /every: This must be second, minute/,
      'requests: 1, every: 0s': /every/,
      'request: 1': /request: There is no such setting\. Did you mean `requests`/,
    }
    for (const [fields, expected] of Object.entries(said))
      assert.match(problemsOf(`rate_limits: [{ ${fields} }]`)[0] ?? '', expected)
  })
})
