import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { formatUsd } from '#exchange'
import { crowd, type Heard, type Request } from './budgets.crowd.ts'
import {
  type BillLine,
  type LedgerRow,
  type MoneyStage,
  priceOf,
  setMoneyStage,
  sum,
} from './budgets.stage.ts'
import { forgetLiving } from './durability.books.ts'
import { type TestDatabase, testDatabases } from './support/databases.ts'

const callers = 12
const leftAtEnd = 2_000_000_000n
const key = 'sk-test-crash-0123456789'
const dieAt = fileURLToPath(new URL('./support/die-at.ts', import.meta.url))

/** Where the process is killed, the how manyth time that it comes there. */
const points = [
  'before the reservation:9',
  'after the reservation:14',
  'half an intent:5',
  'before the recovery:1',
  'after the intent:9',
  'after the recovery:1',
  'the request was sent:13',
  'after counters are filled:1',
  'a piece of the answer came:40',
  'the last byte came:9',
  'after the sums of a roll-up:1',
  'before the settlement:15',
  'after the settlement:12',
  'before the end of a call:4',
  'after the end of a call:3',
]
/** Near others, for those who have the time: `SLUICE_TEST_ROUNDS=20 npm test -- budgets-crash` goes through all so often. */
const morePoints = [
  'before the intent:11',
  'the request is sent:10',
  'the answer begins:8',
  'after the clean-up of a recovery:1',
  'after the record:16',
  'before the counters:1',
  'during the end of a call:3',
  'after a roll-up:1',
]
const rounds = Number(process.env.SLUICE_TEST_ROUNDS ?? 0)
const wayOf = (engine: TestDatabase): string[] =>
  (rounds === 0 ? points : Array.from({ length: rounds }, () => [...points, ...morePoints]).flat())
    // Only the embedded database has its intents in a file; on the other one a pass over a third of the points is enough.
    .filter((point, n) => engine.name === 'embedded' || (n % 3 === 0 && !point.startsWith('half an intent')))

for (const engine of testDatabases()) {
  describe(`money and kill -9 (${engine.name})`, () => {
    it('agree wherever it strikes: each request is in the ledger once, and the counters are as the ledger', async () => {
      const [first = '', ...others] = wayOf(engine)
      const env: Record<string, string> = { NODE_OPTIONS: `--import=${dieAt}`, SLUICE_TEST_DIE_AT: first }
      const stage = await setMoneyStage({ engine, keys: { acme: key }, env })
      const id = await stage.makeBudget({
        name: 'purse',
        per: 'organization',
        limit: '$1',
        every: 'total',
      })
      await askUntilDead(stage)
      for (const point of others) {
        env.SLUICE_TEST_DIE_AT = point
        if (await starts(stage)) await askUntilDead(stage)
      }
      env.SLUICE_TEST_DIE_AT = ''
      assert.ok(await starts(stage), 'it recovers by itself')
      const most = (await stage.quiet(id)).spent + leftAtEnd
      await stage.administer({
        method: 'PATCH',
        path: `/budgets/${id}`,
        body: { limit: `$${formatUsd(most)}` },
      })
      await askUntilRefused(stage)
      const bill = await stage.closedBill()
      const { spent } = await stage.quiet(id)
      const billed = priceOf(bill)
      assert.ok(billed <= spent && spent <= most, `${billed} billed, ${spent} spent of ${most}`)
      const ledger = await stage.readLedger()
      assert.equal(sum(ledger.map(({ counted }) => counted)), spent, 'the counter is as the ledger')
      compare(ledger, bill)
      assert.ok(
        ledger.some(({ source }) => source === 'hold'),
        'requests were under way when it was killed',
      )
    })
  })
}

let asked = 0

function request(): Request {
  asked += 1
  return {
    tag: `crash-${asked}`,
    model: asked % 3 === 0 ? 'near/sim-1?tokens=20&pace=1ms' : 'near/sim-1?tokens=20',
    stream: asked % 2 === 0,
    maxTokens: 20,
  }
}

const isDead = ({ status, end }: Heard): boolean => end === 'broken' && status === 0

async function askUntilDead({ sluice }: MoneyStage): Promise<void> {
  const isOver = (heard: Heard): boolean => {
    assert.ok(heard.code === undefined, heard.message)
    return isDead(heard)
  }
  await crowd({ url: sluice.url, key, callers, request, isOver })
}

async function askUntilRefused({ sluice }: MoneyStage): Promise<void> {
  const isOver = (heard: Heard): boolean => {
    assert.ok(!isDead(heard), heard.message)
    return heard.code === 'budget_exceeded'
  }
  await crowd({ url: sluice.url, key, callers, request, isOver })
}

/** False when it was killed on its way. */
async function starts({ sluice, database }: MoneyStage): Promise<boolean> {
  if (database) await forgetLiving(database)
  try {
    await sluice.restart()
    return true
  } catch (cause) {
    const why = String(cause)
    if (/SIGKILL|fetch failed/.test(why)) return false // before it said that it is ready, or right after
    throw cause
  }
}

/** No request without an entry, no entry twice, none that counts less than was billed. */
function compare(ledger: readonly LedgerRow[], bill: readonly BillLine[]): void {
  const ids = new Set(ledger.map(({ call, attempt, revision }) => `${call} ${attempt} ${revision}`))
  assert.equal(ids.size, ledger.length)
  const entries = Map.groupBy(ledger, ({ feature }) => feature)
  for (const line of bill) {
    const [entry, ...others] = entries.get(line.tag) ?? []
    assert.ok(entry && others.length === 0, `${line.tag} is in the ledger, once`)
    const price = priceOf([line])
    assert.ok((entry.counted ?? 0n) >= price, `${line.tag}: ${entry.counted} of ${price} is counted`)
    if (entry.source === 'provider' && entry.kind === 'post') assert.equal(entry.cost, price, `${line.tag}`)
  }
}
