import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { accept, type Decision, type Family, type Passthrough, type Plan, targetName } from '#exchange'
import { createRouting } from './index.ts'

const timeouts = { connectMs: 1, firstTokenMs: 2, idleMs: 3, totalMs: 4 }
const defaults = { timeouts, retries: 0 }
const route = {
  by: 'weight',
  degradeTo: [],
  tryAgainMs: undefined,
  failOverBlocked: false,
  retries: 0,
  timeouts: { interactive: timeouts, batch: timeouts },
} as const
const loadOf = () => ({ underWay: 0, firstTokenMs: undefined })
const target = (provider: string, model: string) => ({ target: { provider, model } })

const routing = createRouting({
  models: [
    { name: 'draw', targets: [target('one', 'painter'), target('two', 'painter')], ...route },
    { name: 'think', targets: [target('claude', 'opus')], ...route },
  ],
  providers: new Map(['one', 'two', 'claude', 'cloud'].map(name => [name, defaults])),
  families: new Map<string, readonly Family[]>([
    ['one', ['openai']],
    ['two', ['openai', 'anthropic']],
    ['claude', ['anthropic']],
    ['cloud', []],
  ]),
  loadOf,
  chance: { random: () => 0, bytes: n => Buffer.alloc(n) },
})

function plan(model: string, { family = 'openai', provider }: Partial<Passthrough> = {}): Decision<Plan> {
  const passthrough = { family, provider, method: 'POST', path: '/v1/x', query: '' }
  return routing.plan({ model, class: 'interactive', passthrough })
}

const place = (decision: Decision<Plan>): string[] => accept(decision).targets.map(targetName)

describe('the way of a request that is passed through', () => {
  it('is that of its model: the first target, and no other', () => {
    assert.deepEqual(place(plan('draw')), ['one/painter'])
    assert.deepEqual(place(plan('two/painter')), ['two/painter'])
  })

  it('is to the provider that is named, where no model is', () => {
    assert.deepEqual(place(plan('', { provider: 'two' })), ['two'])
    assert.deepEqual(accept(plan('', { provider: 'two' })).timeouts, timeouts)
  })

  it('is to the only provider that has such addresses', () => {
    const alone = createRouting({
      models: [],
      providers: new Map([
        ['one', defaults],
        ['claude', defaults],
      ]),
      families: new Map<string, readonly Family[]>([
        ['one', ['openai']],
        ['claude', ['anthropic']],
      ]),
      loadOf,
      chance: { random: () => 0, bytes: n => Buffer.alloc(n) },
    })
    const passthrough = {
      family: 'anthropic',
      provider: undefined,
      method: 'GET',
      path: '/v1/x',
      query: '',
    } as const
    assert.deepEqual(place(alone.plan({ model: '', class: 'interactive', passthrough })), ['claude'])
  })

  const refused: [string, Partial<Passthrough>, string, RegExp][] = [
    ['', {}, 'invalid_request', /`x-sluice-provider`\. They are: one, two\./],
    ['', { family: 'gemini' }, 'unsupported_operation', /No provider here has addresses of Gemini/],
    [
      '',
      { provider: 'nope' },
      'invalid_request',
      /no provider `nope` here\. Providers: one, two, claude, cloud/,
    ],
    ['', { provider: 'claude' }, 'unsupported_operation', /`claude` has no addresses of OpenAI.*one, two/],
    ['think', {}, 'unsupported_operation', /`claude` has no addresses of OpenAI/],
    ['cloud/x', {}, 'unsupported_operation', /`cloud` has no addresses/],
    ['drwa', {}, 'model_not_found', /Did you mean `draw`/],
  ]
  for (const [model, passthrough, code, says] of refused) {
    it(`is refused with what to do: ${model || 'no model'} ${JSON.stringify(passthrough)}`, () => {
      const decision = plan(model, passthrough)
      assert.ok(!decision.ok)
      assert.equal(decision.code, code)
      assert.match(decision.message, says)
    })
  }
})
