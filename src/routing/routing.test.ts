import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { accept, type Timeouts, targetName } from '#exchange'
import { createRouting, type ModelRoute, type Routing } from '#routing'

const timeouts: Timeouts = { connectMs: 1, firstTokenMs: 2, idleMs: 3, totalMs: 4 }

function target(name: string): { provider: string; model: string } {
  const [provider = '', ...model] = name.split('/')
  return { provider, model: model.join('/') }
}

function route(name: string, ...targets: (string | [string, number])[]): ModelRoute {
  return {
    name,
    by: 'weight',
    degradeTo: [],
    tryAgainMs: undefined,
    failOverBlocked: false,
    retries: 2,
    timeouts: { interactive: timeouts, batch: timeouts },
    targets: targets.map(one =>
      typeof one === 'string' ? { target: target(one) } : { target: target(one[0]), weight: one[1] },
    ),
  }
}

function routingOf(models: ModelRoute[], draws: number[] = []): Routing {
  return createRouting({
    models,
    providers: new Map([
      ['openai', { timeouts, retries: 2 }],
      ['house', { timeouts: { ...timeouts, totalMs: 99 }, retries: 0 }],
    ]),
    loadOf: () => ({ underWay: 0, firstTokenMs: undefined }),
    chance: { random: () => draws.shift() ?? 0, bytes: count => Buffer.alloc(count) },
  })
}

function targetsOf(routing: Routing, model: string): string[] {
  return accept(routing.plan({ model: model, class: 'interactive' })).targets.map(targetName)
}

describe('routing', () => {
  it('sends an alias to its targets in the order the owner wrote', () => {
    const routing = routingOf([route('smart', 'openai/gpt-5', 'house/llama')])
    assert.deepEqual(targetsOf(routing, 'smart'), ['openai/gpt-5', 'house/llama'])
  })

  it('draws the first target by weight, and never one of weight 0', () => {
    const draws = [0, 0.74, 0.7501, 0.9999]
    const routing = routingOf(
      [route('fast', ['openai/mini', 3], ['house/llama', 1], ['house/off', 0])],
      [...draws],
    )
    const drawn = draws.map(() => targetsOf(routing, 'fast')[0])
    assert.deepEqual(drawn, ['openai/mini', 'openai/mini', 'house/llama', 'house/llama'])
  })

  it('keeps the weights over many draws', () => {
    const total = 8_000
    const draws = Array.from({ length: total }, (_, index) => index / total)
    const routing = routingOf([route('fast', ['openai/mini', 3], ['house/llama', 1])], draws)
    const first = Array.from({ length: total }, () => targetsOf(routing, 'fast')[0])
    assert.equal(first.filter(name => name === 'openai/mini').length, 6_000)
  })

  it('takes a target that is named directly, with the time limits of its provider', () => {
    const plan = accept(routingOf([]).plan({ model: 'house/org/model-7b', class: 'interactive' }))
    assert.deepEqual(plan.targets, [{ provider: 'house', model: 'org/model-7b' }])
    assert.equal(plan.timeouts.totalMs, 99)
  })

  it('prefers an alias to a target of the same name', () => {
    const routing = routingOf([route('openai/gpt-5', 'house/llama')])
    assert.deepEqual(targetsOf(routing, 'openai/gpt-5'), ['house/llama'])
  })

  it('puts what a wildcard stood for into its targets, and takes the longest one that fits', () => {
    const routing = routingOf([route('*', 'openai/*'), route('team-*', 'house/*', 'openai/gpt-5')])
    assert.deepEqual(targetsOf(routing, 'gpt-4o'), ['openai/gpt-4o'])
    assert.deepEqual(targetsOf(routing, 'team-llama'), ['house/llama', 'openai/gpt-5'])
  })

  it('lists aliases and the targets they name, but no wildcards', () => {
    const routing = routingOf([route('smart', 'openai/gpt-5'), route('*', 'house/*')])
    assert.deepEqual(routing.names(), ['smart', 'openai/gpt-5'])
  })

  for (const asked of ['smrat', 'SMART', 'smart1']) {
    it(`answers \`${asked}\` with the name that was meant`, () => {
      const decision = routingOf([route('smart', 'openai/gpt-5')]).plan({
        model: asked,
        class: 'interactive',
      })
      assert(!decision.ok && decision.code === 'model_not_found')
      assert.match(decision.message, /Did you mean `smart`\?/)
    })
  }

  for (const asked of ['openai/', '/gpt', 'nowhere/model', '__proto__', 'constructor', 'x'.repeat(10_000)]) {
    it(`refuses \`${asked.slice(0, 20)}\` shortly`, () => {
      const decision = routingOf([route('smart', 'openai/gpt-5')]).plan({
        model: asked,
        class: 'interactive',
      })
      assert(!decision.ok && decision.code === 'model_not_found')
      assert(decision.message.length < 400)
    })
  }
})
