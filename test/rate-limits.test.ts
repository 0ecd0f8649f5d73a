import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { ask, type Heard, type Request } from './budgets.crowd.ts'
import { type Json, type MoneyStage, setMoneyStage } from './budgets.stage.ts'
import { eventually } from './support/eventually.ts'
import { startUpstream } from './support/upstream.ts'

const keys = {
  often: 'sk-test-often-0123456789',
  much: 'sk-test-much-0123456789',
  wide: 'sk-test-wide-0123456789',
  liar: 'sk-test-liar-0123456789',
}

/** What no provider should say that it used, and what is counted of it at least. */
const lies: Record<string, string> = {
  negative: '{"prompt_tokens":-5,"completion_tokens":-900,"total_tokens":-905}',
  'half negative': '{"prompt_tokens":5,"completion_tokens":-900,"total_tokens":5}',
  endless: '{"prompt_tokens":1e999,"completion_tokens":3,"total_tokens":4}',
  'beyond counting': '{"prompt_tokens":9007199254740993,"completion_tokens":1,"total_tokens":2}',
  broken: '{"prompt_tokens":1.5,"completion_tokens":0.25,"total_tokens":2}',
  words: '{"prompt_tokens":"many","completion_tokens":{},"total_tokens":null}',
  'more cached than there is':
    '{"prompt_tokens":5,"completion_tokens":3,"total_tokens":8,"prompt_tokens_details":{"cached_tokens":900}}',
  'more thought than said':
    '{"prompt_tokens":5,"completion_tokens":3,"total_tokens":8,"completion_tokens_details":{"reasoning_tokens":900}}',
}

describe('a rate limit', () => {
  let stage: MoneyStage

  before(async () => {
    const odd = await startUpstream((request, response) => {
      const { model } = JSON.parse(request.body) as { model: string }
      const usage = lies[decodeURIComponent(model.replace('sim-1-', ''))]
      const choice = '{"index":0,"message":{"role":"assistant","content":"Hi."},"finish_reason":"stop"}'
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(
        `{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"m","choices":[${choice}],"usage":${usage}}`,
      )
    })
    stage = await setMoneyStage({
      keys,
      providers: () => ({ odd: `{ dialect: openai, base_url: ${odd.url}, api_key: k, retries: 0 }` }),
    })
  })

  const call = async (name: keyof typeof keys, more: Partial<Request> = {}): Promise<Heard> => {
    const one = { tag: name, model: 'near/sim-1?tokens=20', maxTokens: 20 }
    return await ask(stage.sluice.url, keys[name], { ...one, ...more })
  }
  const limit = async (name: keyof typeof keys, definition: Json): Promise<string> =>
    await stage.makeLimit({ name, per: 'organization', match: { organization: name }, ...definition })

  it('of requests lets in so many and tells how it stands; who is refused consumes nothing', async () => {
    const id = await limit('often', { requests: 3, every: 'minute' })
    const heard: Heard[] = []
    for (let n = 0; n < 5; n += 1) heard.push(await call('often', { shape: n === 4 ? 'messages' : 'chat' }))
    assert.deepEqual(
      heard.map(({ status }) => status),
      [200, 200, 200, 429, 429],
    )
    const left = heard.slice(0, 4).map(({ headers }) => headers.get('x-ratelimit-remaining-requests'))
    assert.deepEqual(left, ['2', '1', '0', '0'])
    assert.equal(heard[0]?.headers.get('x-ratelimit-limit-requests'), '3')
    const refused = heard[3]
    assert.deepEqual([refused?.code, refused?.message.includes('`often`')], ['rate_limited', true])
    const waitS = Number(refused?.headers.get('retry-after'))
    assert.ok(waitS > 0 && waitS <= 61, `${waitS}`)
    assert.equal(heard[4]?.headers.get('anthropic-ratelimit-requests-remaining'), '0')
    assert.equal((await stage.standing(id, 'often')).spent, 3n)
    assert.equal((await stage.bill('often')).length, 3)
  })

  it('of tokens counts what was used, and not what was held', async () => {
    const id = await limit('much', { tokens: 400, every: 'minute' })
    for (let n = 0; n < 6; n += 1) assert.equal((await call('much')).status, 200, `call ${n}`)
    assert.equal((await stage.quiet(id, 'much')).spent, 6n * 29n)
    const { code, headers } = await call('much', { prompt: 'x '.repeat(300) })
    assert.equal(code, 'rate_limited')
    assert.equal(headers.get('x-ratelimit-remaining-tokens'), String(400 - 6 * 29))
    assert.equal((await stage.standing(id, 'much')).held, 0n)
  })

  it('of calls at once has a place again as soon as a caller leaves, or is answered', async () => {
    const id = await limit('wide', { concurrent: 2 })
    const slow = { model: 'near/sim-1?tokens=2000&pace=20ms', stream: true, maxTokens: 2000 }
    const leaving = [
      call('wide', { ...slow, leaveAfterMs: 400 }),
      call('wide', { ...slow, leaveAfterMs: 400 }),
    ]
    await eventually('both have a place', async () => (await stage.standing(id, 'wide')).held === 2n)
    const third = await call('wide')
    assert.deepEqual([third.status, third.code], [429, 'rate_limited'])
    assert.match(third.message, /allows 2 calls under way at once/)
    await Promise.all(leaving)
    await stage.quiet(id, 'wide')
    for (let n = 0; n < 5; n += 1) assert.equal((await call('wide')).status, 200)
    assert.equal((await stage.standing(id, 'wide')).held, 0n)
  })

  it('and a budget are never given anything back by what a provider says of its usage', async () => {
    const tokens = await limit('liar', { tokens: 1_000_000, every: 'minute' })
    const money = await stage.makeBudget({
      name: 'liar',
      per: 'organization',
      match: { organization: 'liar' },
      limit: '$9',
      unpriced: 'allow',
    })
    let before = { tokens: 0n, money: 0n }
    for (const name of Object.keys(lies)) {
      const { status } = await call('liar', { model: `odd/sim-1-${encodeURIComponent(name)}` })
      assert.equal(status, 200, name)
      const now = {
        tokens: (await stage.quiet(tokens, 'liar')).spent,
        money: (await stage.quiet(money, 'liar')).spent,
      }
      assert.ok(now.tokens > before.tokens && now.money > before.money, `${name} is counted`)
      assert.ok(now.tokens - before.tokens < 2_000n, `${name} is not counted beyond what was held`)
      before = now
    }
  })
})
