import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Client } from 'pg'
import { ask, type Request } from './budgets.crowd.ts'
import { createStage, type MoneyStage, priceOf } from './budgets.stage.ts'
import { temporaryFolder } from './support/cleanup.ts'
import type { TestDatabase } from './support/databases.ts'
import { type Simulator, startSimulator } from './support/simulator.ts'
import { type Sluice, startSluice } from './support/sluice.ts'
import { type OwnValkey, ownValkey } from './support/valkey.ts'

const adminKey = 'sk-test-admin-0123456789abcdef'
const neverOpen = 'breaker: { failures: 1000, ratio: 1, least_attempts: 100000 }'

/** Three gateways over one Postgres and one Valkey, before one simulator. */
export interface ReplicaStage {
  gateways: readonly [Sluice, Sluice, Sluice]
  valkey: OwnValkey
  simulator: Simulator
  /** As the first of them, or another one, has it. */
  money: MoneyStage
  moneyAt(gateway: Sluice): MoneyStage
  /** The id of a budget or limit of the configuration. */
  idOf(name: string): Promise<string>
  query<Row extends object>(text: string, values?: unknown[]): Promise<Row[]>
}

export interface ReplicaOptions {
  engine: TestDatabase
  keys: Readonly<Record<string, string>>
  /** Budgets, limits and models; may ask the simulator first what a request costs. */
  config(prices: { priceOf(request: Omit<Request, 'tag'>): Promise<bigint> }): Promise<string>
}

export async function setReplicaStage({ engine, keys, config }: ReplicaOptions): Promise<ReplicaStage> {
  const [simulator, valkey, database] = await Promise.all([
    startSimulator({ seed: 1 }),
    ownValkey('--save', '', '--appendonly', 'no'),
    engine.fresh(),
  ])
  assert.ok(database, 'several processes need a real Postgres')
  const base = new URL(simulator.url)
  const text = `
log_level: warn
admin_key: ${adminKey}
database: ${database}
valkey: ${valkey.url}
providers:
  near: { vendor: sim, base_url: ${simulator.url}, retries: 1, ${neverOpen} }
  far: { vendor: sim, base_url: ${simulator.url}, retries: 1, ${neverOpen} }
prices:
  "near/sim-1*": { input: 1, output: 2 }
  "near/sim-2*": { input: 3, output: 5 }
  "far/sim-1*": { input: 1, output: 2 }
  "far/sim-2*": { input: 3, output: 5 }
keys:
${Object.entries(keys)
  .map(
    ([name, key]) =>
      `  - { name: ${name}, key: ${key}, organization: ${name}, project: shop, passthrough: true }`,
  )
  .join('\n')}
${await config({
  /** By the provider itself: before there is a gateway. */
  async priceOf(request) {
    const [, model = ''] = request.model.split(/\/(.*)/)
    const { end, message } = await ask(base.origin, 'none', { ...request, model, tag: 'price' })
    assert.equal(end, 'whole', message)
    const bill = await fetch(new URL('/bill?limit=10000', base))
    const { requests } = (await bill.json()) as { requests: Parameters<typeof priceOf>[0][number][] }
    return priceOf(requests.slice(-1))
  },
})}
`
  // One after the other: the first makes the tables.
  const gateways = [await startGateway(text), await startGateway(text), await startGateway(text)] as const
  const moneyAt = (sluice: Sluice): MoneyStage => createStage({ sluice, simulator, database })
  const money = moneyAt(gateways[0])
  return {
    gateways,
    valkey,
    simulator,
    money,
    moneyAt,
    async idOf(name) {
      for (const path of ['/budgets', '/rate_limits']) {
        const { data } = await money.administer<{ data: { id: string; name: string }[] }>({ path })
        const found = data.find(rule => rule.name === name)
        if (found) return found.id
      }
      return assert.fail(`there is no ${name}`)
    },
    async query(statement, values) {
      const client = new Client({ connectionString: database })
      await client.connect()
      try {
        return (await client.query(statement, values)).rows
      } finally {
        await client.end()
      }
    },
  }
}

/** Where the key of the administrator is configured, none is left in the data folder. */
async function startGateway(config: string): Promise<Sluice> {
  const dataDir = await temporaryFolder()
  await writeFile(join(dataDir, 'admin-key'), adminKey)
  return await startSluice({ config, dataDir })
}
