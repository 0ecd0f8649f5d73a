import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { formatUsd, parseUsd } from '#exchange'
import { crowd, dice, type Heard, type Request, type Shape } from './budgets.crowd.ts'
import {
  type BillLine,
  type LedgerRow,
  type MoneyStage,
  priceOf,
  setMoneyStage,
  sum,
} from './budgets.stage.ts'
import { testDatabases } from './support/databases.ts'

/** All at once where calls are alike; as many of others as a test has time for. */
const callers = { alike: 300, boundless: 100, mixed: 120 }
const keys = {
  probe: 'sk-test-probe-0123456789',
  alike: 'sk-test-alike-0123456789',
  boundless: 'sk-test-boundless-0123456789',
  mixed: 'sk-test-mixed-0123456789',
}
type Crowd = Exclude<keyof typeof keys, 'probe'>

/** What the first target does, each of it in a model of its own that goes on to a dearer one. */
const troubles = [
  'tokens=40',
  'tokens=40&ttft=10ms&pace=1ms',
  'fail=500&rate=0.5&tokens=30',
  'fail=503&rate=0.5&tokens=30',
  'fail=429&rate=0.5&retry_after=none&tokens=30',
  'fail=429&rate=0.3&retry_after=1&tokens=30',
  'fail=reset&rate=0.5&tokens=30',
  'fail=cut&after=5&rate=0.5&tokens=30',
  'fail=eof&after=5&rate=0.5&tokens=30',
  'fail=stream-error&after=4&rate=0.5&tokens=30',
  'fail=stream-error&after=0&rate=0.5&tokens=30',
  'fail=stall&after=5&rate=0.3&tokens=30',
  'fail=html&rate=0.5&tokens=30',
  'fail=hang&rate=0.2&tokens=30',
  'nousage&tokens=40',
  'nousage&tokens=40&wide&pace=1ms',
  'reasoning=30&tokens=20',
  'cached=4&tokens=30',
]
const timeouts = '{ first_token: 400ms, idle: 300ms, total: 3s }'
const shapes: Shape[] = ['chat', 'responses', 'messages', 'gemini']

for (const engine of testDatabases()) {
  describe(`a budget and a crowd (${engine.name})`, () => {
    let stage: MoneyStage
    const heard = new Map<string, Heard[]>()
    const budgets = new Map<string, { id: string; most: bigint }>()

    before(async () => {
      stage = await setMoneyStage({
        engine,
        keys,
        config: () => `
models:
${troubles.map((script, n) => `  trouble-${n}: { targets: ["near/sim-1?${script}", "far/sim-2?tokens=25"], timeouts: ${timeouts} }`).join('\n')}
`,
      })
    })

    it('serves as many calls alike as it can pay for, and none more', async () => {
      const one = { model: 'near/sim-1?tokens=64', maxTokens: 64 }
      const price = await stage.priceOfOne(keys.probe, { ...one, tag: 'probe' })
      await spend('alike', {
        most: price * 250n,
        request: n => ({ ...one, tag: `alike-${pad(n)}`, stream: n % 2 === 1 }),
      })
      const served = told('alike').filter(({ end }) => end === 'whole').length
      assert.ok(served >= 245, `${served} of 250 were served`) // more where a short wait cut some of them
      assert.equal(served, (await stage.bill('alike-')).length, 'who was refused was not sent')
      assert.deepEqual(
        new Set(told('alike').map(({ end, code }) => `${end} ${code}`)),
        new Set(['whole undefined', 'refused budget_exceeded']),
      )
    })

    it('is not kept from its callers by the worst cases of others', async () => {
      const request = (n: number): Request => ({
        tag: `boundless-${pad(n)}`,
        model: 'near/sim-1?tokens=64',
        stream: n % 2 === 1,
      })
      await spend('boundless', { most: 10_000_000_000n, request })
    })

    it('holds against whatever providers and callers do', async () => {
      const draw = dice(7)
      const request = (n: number): Request => {
        const shape = shapes[Math.floor(draw() * shapes.length)] ?? 'chat'
        return {
          tag: `mixed-${pad(n)}`,
          model: `trouble-${Math.floor(draw() * troubles.length)}`,
          shape,
          stream: draw() < 0.6,
          maxTokens: draw() < 0.7 ? 40 + Math.floor(draw() * 60) : undefined,
          leaveAfterMs: draw() < 0.15 ? draw() * 40 : undefined,
          prompt: 'What do lighthouses say of the sea? '.repeat(1 + Math.floor(draw() * 8)),
        }
      }
      await spend('mixed', { most: 40_000_000_000n, request })
      const ends = new Set(told('mixed').map(({ end }) => end))
      assert.deepEqual(ends, new Set(['whole', 'refused', 'broken', 'left']))
    })

    it('is in the ledger as it is on the bill', async () => {
      const bill = await stage.closedBill()
      const spent = new Map<string, bigint>()
      for (const [name, { id }] of budgets) spent.set(name, (await stage.quiet(id)).spent)
      const ledger = await stage.readLedger()
      for (const name of budgets.keys()) {
        const ours = ledger.filter(({ organization }) => organization === name)
        assert.equal(sum(ours.map(({ counted }) => counted)), spent.get(name), `${name}: counter and ledger`)
        compare(
          ours,
          bill.filter(({ tag }) => tag?.startsWith(`${name}-`)),
        )
      }
    })

    /** All at once, until each has heard that the budget is used up. */
    async function spend(
      name: Crowd,
      { most, request }: { most: bigint; request(n: number): Request },
    ): Promise<void> {
      const id = await stage.makeBudget({
        name,
        per: 'organization',
        match: { organization: name },
        limit: `$${formatUsd(most)}`,
        every: 'total',
      })
      budgets.set(name, { id, most })
      const all = await crowd({
        url: stage.sluice.url,
        key: keys[name],
        callers: callers[name],
        request,
        isOver,
      })
      heard.set(name, all)
      const billed = priceOf(await stage.closedBill(`${name}-`))
      assert.ok(billed <= most, `${billed} were billed of ${most}`)
      const { spent } = await stage.quiet(id)
      assert.ok(billed <= spent && spent <= most)
      assert.ok(most - spent < leastNeed, `${most - spent} are left, which is enough for a call`)
      for (const one of all) checkRefusal(one, most)
    }

    const told = (name: string): Heard[] => heard.get(name) ?? []
  })
}

/** More than the least that any of these calls can be held for. */
const leastNeed = 2_500_000_000n

/** Nothing was sent, and there is no room for the least of what was asked. */
function isOver({ code, headers }: Heard): boolean {
  return code === 'budget_exceeded' && headers.get('x-sluice-attempts') === '0'
}

const sums =
  /has \$(\S+) left of \$(\S+) \(\$(\S+) spent(?: and \$(\S+) held .*?)?\), and this call may take \$(\S+)\./

/** Says what was true: it adds up, and it would not have fitted. */
function checkRefusal({ code, message, tag }: Heard, most: bigint): void {
  if (code !== 'budget_exceeded' && code !== 'budget_held') return
  const [left = 0n, all, spent = 0n, held = 0n, need = 0n] = (sums.exec(message) ?? assert.fail(message))
    .slice(1)
    .map(amount => (amount === undefined ? 0n : parseUsd(amount)))
  assert.equal(all, most, tag)
  assert.equal(left, most - spent - held, `${tag}: ${message}`)
  assert.ok(need > left, `${tag}: ${message}`)
  if (code === 'budget_exceeded') assert.ok(most - spent < leastNeed, `${tag}: ${message}`)
}

/** What the provider billed is there, attempt by attempt, and where its end is known to the pico-dollar. */
function compare(ledger: readonly LedgerRow[], bill: readonly BillLine[]): void {
  const lines = Map.groupBy(bill, ({ tag }) => tag)
  const rows = Map.groupBy(ledger, ({ feature }) => feature)
  for (const [tag, billed] of lines) {
    const entries = rows.get(tag) ?? []
    assert.ok(entries.length >= billed.length, `${tag}: ${entries.length} entries, ${billed.length} requests`)
    const [price, counted] = [priceOf(billed), sum(entries.map(entry => entry.counted))]
    assert.ok(counted >= price, `${tag}: ${counted} counted, ${price} billed`)
    if (entries.every(isKnown)) assert.equal(sum(entries.map(({ cost }) => cost)), price, `${tag}`)
  }
  const keysOf = ledger.map(({ call, attempt, revision }) => `${call} ${attempt} ${revision}`)
  assert.equal(new Set(keysOf).size, ledger.length, 'no entry comes twice')
}

/** A failed attempt costs nothing as far as we know; what is counted of it is what its provider may say. */
function isKnown({ source, kind, counted }: LedgerRow): boolean {
  return source === 'provider' && (kind === 'post' || counted === 0n)
}

function pad(n: number): string {
  return String(n).padStart(5, '0')
}
