import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { formatUsd } from '#exchange'
import { ask, crowd, dice, type Heard, type Request } from './budgets.crowd.ts'
import { type BillLine, type LedgerRow, priceOf, type Standing, sum } from './budgets.stage.ts'
import { type ReplicaStage, setReplicaStage } from './replicas.stage.ts'
import { testDatabases } from './support/databases.ts'
import { eventually } from './support/eventually.ts'
import { withoutValkey } from './support/valkey.ts'

const postgres = testDatabases().find(({ name }) => name === 'postgres')
const skip = withoutValkey || (postgres ? false : 'SLUICE_TEST_DATABASE_URL does not name a real Postgres')

const names = ['alike', 'counted', 'metered', 'placed', 'closed', 'open', 'mixed'] as const
type Name = (typeof names)[number]
const keys = Object.fromEntries(names.map(name => [name, `sk-test-${name}-0123456789`])) as Record<
  Name,
  string
>

const callers = 200
const affordable = 150
const places = 5
/** That one process may let through by itself. */
const allowed = 3
const one = { model: 'near/sim-1?tokens=64&ttft=20ms', maxTokens: 64 }
const endless = { model: 'near/sim-1?tokens=3000&pace=100ms', maxTokens: 3_000, stream: true }
const tokensAMinute = 2_000

/** What providers do in the crowd of all kinds. */
const troubles = [
  'tokens=40&ttft=10ms&pace=1ms',
  'fail=500&rate=0.5&tokens=30',
  'fail=429&rate=0.5&retry_after=none&tokens=30',
  'fail=reset&rate=0.5&tokens=30',
  'fail=cut&after=5&rate=0.5&tokens=30',
  'fail=stream-error&after=4&rate=0.5&tokens=30',
  'nousage&tokens=40&wide&pace=1ms',
]

describe('budgets and limits over three processes', { skip }, () => {
  let stage: ReplicaStage
  const most = { alike: 0n, mixed: 60_000_000_000n }

  before(async () => {
    assert.ok(postgres)
    stage = await setReplicaStage({
      engine: postgres,
      keys,
      async config(prices) {
        const price = await prices.priceOf(one)
        most.alike = price * BigInt(affordable)
        const budget = (name: Name, limit: bigint, more = ''): string =>
          `  - { name: ${name}, per: organization, match: { organization: ${name} }, limit: $${formatUsd(limit)}, every: total${more} }`
        const limit = (name: Name, what: string): string =>
          `  - { name: ${name}, per: organization, match: { organization: ${name} }, ${what} }`
        return `
budgets:
${budget('alike', most.alike)}
${budget('mixed', most.mixed)}
${budget('closed', 10n ** 12n)}
${budget('open', 10n ** 12n, `, when_store_is_away: { open: $${formatUsd(price * BigInt(allowed) + price / 2n)} }`)}
rate_limits:
${limit('counted', 'requests: 50, every: 1h')}
${limit('metered', `tokens: ${tokensAMinute}, every: 1h`)}
${limit('placed', `concurrent: ${places}`)}
models:
${troubles.map((script, n) => `  trouble-${n}: { targets: ["near/sim-1?${script}", "far/sim-2?tokens=25"], timeouts: { first_token: 2s, idle: 1s, total: 10s } }`).join('\n')}
`
      },
    })
  })

  it('serve as many calls as a budget can pay for, and none more', async () => {
    const heard = await flock('alike', { request: n => ({ ...one, stream: n % 2 === 1 }), isOver: isSpent })
    const billed = priceOf(await stage.money.closedBill('alike'))
    const served = heard.filter(({ end }) => end === 'whole').length
    assert.ok(billed <= most.alike, `${billed} billed of ${most.alike}`)
    assert.ok(served >= affordable * 0.98, `${served} of ${affordable} were served`)
    assert.deepEqual(await quiet('alike', 'alike'), { spent: billed, held: 0n })
    const refused = heard.filter(({ status, code }) => status !== 200 && code !== 'budget_exceeded')
    assert.ok(refused.length <= heard.length * 0.01, `${refused.map(({ message }) => message)}`)
  })

  it('keep to what a limit of requests, and one of tokens, allows', async () => {
    const request = (n: number): Request | undefined => (n < 90 ? { ...one, tag: '' } : undefined)
    const [counted] = await Promise.all([
      flock('counted', { request, isOver: () => false }),
      flock('metered', { request, isOver: () => false }),
    ])
    assert.equal(counted.filter(({ end }) => end === 'whole').length, 50)
    assert.equal((await stage.money.closedBill('counted')).length, 50)
    const tokens = (await stage.money.closedBill('metered')).reduce(
      (all, line) => all + line.input_tokens + line.output_tokens,
      0,
    )
    assert.ok(tokens <= tokensAMinute && tokens > tokensAMinute - 200, `${tokens} tokens`)
  })

  it('have no more calls under way at once than there are places', async () => {
    await flock('placed', {
      request: n => (n < 90 ? { ...one, tag: '' } : undefined),
      isOver: () => false,
    })
    const lines = (await stage.money.closedBill('placed')) as (BillLine & { at: number; ended_at: number })[]
    const atOnce = lines.map(({ at }) => lines.filter(each => each.at <= at && at < each.ended_at).length)
    assert.ok(Math.max(...atOnce) <= places, `${Math.max(...atOnce)} at once`)
    assert.ok(lines.length >= places)
  })

  for (const how of ['does not answer', 'has died and comes back empty'] as const) {
    it(`refuse or let through what a budget says while its store ${how}, and know of it afterwards`, async () => {
      const before = await standing('open')
      await stage.valkey.signal(how === 'does not answer' ? 'SIGSTOP' : 'SIGKILL')
      const round = `${how.length}`
      const [refused, ...heard] = await Promise.all([
        ask(stage.gateways[0].url, keys.closed, { ...one, tag: `closed-${round}` }),
        ...stage.gateways.flatMap(({ url }) =>
          Array.from({ length: 2 * allowed }, (_, n) =>
            ask(url, keys.open, { ...one, tag: `open-${round}-${n}` }),
          ),
        ),
      ])
      if (how === 'does not answer') await stage.valkey.signal('SIGCONT')
      else await stage.valkey.start()
      assert.deepEqual([refused?.status, refused?.code], [503, 'store_unavailable'])
      assert.ok(Number(refused?.headers.get('retry-after')) > 0)
      const served = heard.filter(({ end }) => end === 'whole').length
      assert.equal(served, allowed * stage.gateways.length)
      const billed = priceOf(await stage.money.closedBill(`open-${round}`))
      await eventually('the counter knows of it', async () => {
        const now = await standing('open').catch(() => undefined) // it may be away still
        return now?.held === 0n && now.spent === before.spent + billed
      })
    })
  }

  it('hold against whatever happens, the death of a process and of the store among it', async () => {
    const [, , dying] = stage.gateways
    await Promise.all(
      stage.gateways.map(({ url }) =>
        eventually(
          'all have found the store',
          async () => (await ask(url, keys.closed, { ...one, tag: 'there' })).status === 200,
        ),
      ),
    )
    const long = Array.from({ length: places }, (_, n) =>
      ask(dying.url, keys.placed, { ...endless, tag: `long-${n}` }),
    )
    await eventually('all places are taken', async () => (await stage.money.bill('long')).length === places)
    const oneMore = await ask(stage.gateways[0].url, keys.placed, { ...one, tag: 'none left' })
    assert.equal(oneMore.status, 429)
    const draw = dice(7)
    let heardOf = 0
    const isOver = (heard: Heard): boolean => {
      heardOf += 1
      if (heardOf === 60) void dying.kill()
      if (heardOf === 150) void stage.valkey.signal('SIGKILL').then(() => stage.valkey.start())
      return isSpent(heard) || (heard.status === 0 && heard.end === 'broken')
    }
    const request = (): Request => ({
      tag: '',
      model: `trouble-${Math.floor(draw() * troubles.length)}`,
      stream: draw() < 0.6,
      maxTokens: 40 + Math.floor(draw() * 60),
      leaveAfterMs: draw() < 0.15 ? draw() * 40 : undefined,
      prompt: 'What do lighthouses say of the sea? '.repeat(1 + Math.floor(draw() * 8)),
    })
    const heard = await flock('mixed', { request, isOver })
    assert.ok(heardOf > 150, 'all of it has happened')
    await Promise.all(long)
    await eventually('the places of the dead are free', async () => {
      const { end } = await ask(stage.gateways[0].url, keys.placed, { ...one, tag: 'after' })
      return end === 'whole'
    })
    const bill = await stage.money.closedBill('mixed')
    assert.ok(priceOf(bill) <= most.mixed, `${priceOf(bill)} billed of ${most.mixed}`)
    const ledger = await settled('mixed')
    const counted = sum(ledger.map(entry => entry.counted))
    assert.ok(counted <= most.mixed, `${counted} counted of ${most.mixed}`)
    assert.deepEqual(await quiet('mixed', 'mixed'), { spent: counted, held: 0n })
    compare(ledger, bill)
    const without = heard.filter(({ status }) => status === 503).length
    assert.ok(without < heard.length / 10, `${without} of ${heard.length} found no store`)
  })

  /** Callers of all three at once, each until it has heard that it is over, or there is no more to ask. */
  async function flock(
    name: Name,
    {
      request,
      isOver,
    }: { request(n: number): Omit<Request, 'tag'> | undefined; isOver(heard: Heard): boolean },
  ): Promise<Heard[]> {
    let asked = 0
    const next = (): Request | undefined => {
      const n = asked++
      const wanted = request(n)
      return wanted && { ...wanted, tag: `${name}-${n}` }
    }
    const crowds = stage.gateways.map(({ url }) =>
      crowd({ url, key: keys[name], callers: Math.ceil(callers / 3), request: next, isOver }),
    )
    return (await Promise.all(crowds)).flat()
  }

  async function standing(name: Name): Promise<Pick<Standing, 'spent' | 'held'>> {
    const { spent, held } = await stage.money.standing(await stage.idOf(name))
    return { spent, held }
  }

  async function quiet(name: Name, prefix: string): Promise<Pick<Standing, 'spent' | 'held'>> {
    await stage.money.closedBill(prefix)
    return await eventually('nothing is held', async () => {
      const now = await standing(name)
      return now.held === 0n && now
    })
  }

  /** Of that organization, once no call of a process that is gone is open any more: that takes its time. */
  async function settled(organization: Name): Promise<LedgerRow[]> {
    const areNone = async (): Promise<boolean> => {
      const [open] = await stage.query<{ n: number }>('select count(*)::int as n from call_intents')
      return open?.n === 0
    }
    await eventually('half of the time is over, or all is settled', areNone).catch(() => undefined)
    await eventually('all is settled', areNone)
    return (await stage.money.readLedger()).filter(row => row.organization === organization)
  }
})

function isSpent({ code, headers }: Heard): boolean {
  return code === 'budget_exceeded' && headers.get('x-sluice-attempts') === '0'
}

/** What the provider billed is there, attempt by attempt, and where its end is known to the pico-dollar. */
function compare(ledger: readonly LedgerRow[], bill: readonly BillLine[]): void {
  const rows = Map.groupBy(ledger, ({ feature }) => feature)
  let isKnown = 0
  for (const [tag, billed] of Map.groupBy(bill, line => line.tag)) {
    const entries = rows.get(tag) ?? []
    const price = priceOf(billed)
    assert.ok(entries.length >= billed.length, `${tag}: ${entries.length} entries, ${billed.length} requests`)
    assert.ok(sum(entries.map(({ counted }) => counted)) >= price, `${tag} has cost ${price}`)
    if (entries.some(({ source }) => source !== 'provider')) continue
    assert.equal(sum(entries.map(({ cost }) => cost)), price, `${tag}`)
    isKnown += 1
  }
  assert.ok(isKnown > 50)
}
