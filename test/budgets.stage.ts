import assert from 'node:assert/strict'
import { Client } from 'pg'
import { parseUsd } from '#exchange'
import { openDatabase } from '#platform'
import { ask, type Request } from './budgets.crowd.ts'
import type { TestDatabase } from './support/databases.ts'
import { eventually } from './support/eventually.ts'
import { type Simulator, startSimulator } from './support/simulator.ts'
import { type Sluice, type SluiceOptions, startSluice } from './support/sluice.ts'

/** What a token costs by model, in pico-dollars. */
const rates: Record<string, { input: bigint; output: bigint }> = {
  'sim-1': { input: 1_000_000n, output: 2_000_000n },
  'sim-2': { input: 3_000_000n, output: 5_000_000n },
}

function priceLines(providers: readonly string[]): string {
  return providers
    .flatMap(provider =>
      Object.entries(rates).map(
        ([model, { input, output }]) =>
          `  "${provider}/${model}*": { input: ${Number(input) / 1e6}, output: ${Number(output) / 1e6} }`,
      ),
    )
    .join('\n')
}

const neverOpen = 'breaker: { failures: 1000, ratio: 1, least_attempts: 100000 }'

/** A request on the simulator's bill. */
export interface BillLine {
  tag: string | null
  model: string
  outcome: string
  failure: string | null
  status: number
  input_tokens: number
  output_tokens: number
}

/** An entry of the ledger; money in pico-dollars. */
export interface LedgerRow {
  call: string
  attempt: number
  revision: number
  kind: string
  role: string
  source: string
  target: string
  organization: string
  feature: string | null
  cost: bigint | null
  counted: bigint | null
  held: bigint | null
}

/** What a counter stands at, in pico-dollars or in tokens. */
export interface Standing {
  subject: string
  most: bigint
  spent: bigint
  held: bigint
  left: bigint
}

export interface MoneyStage {
  /** Absent: the embedded one. */
  database: string | undefined
  sluice: Sluice
  simulator: Simulator
  /** Its requests so far whose tag begins in a certain way. */
  bill(prefix?: string): Promise<BillLine[]>
  /** Waits until the simulator has closed all of its requests. */
  closedBill(prefix?: string): Promise<BillLine[]>
  /** Asks under `/sluice/v1` with the admin key; fails unless the status is that. */
  administer<T = Json>(ask: { method?: string; path: string; body?: Json; status?: number }): Promise<T>
  /** What a request costs that Sluice is asked for with that key, by the bill; in pico-dollars. */
  priceOfOne(key: string, request: Request): Promise<bigint>
  /** Makes a budget and gives its id. */
  makeBudget(definition: Json): Promise<string>
  makeLimit(definition: Json): Promise<string>
  /** The counter of that subject, or the only one that there is. */
  standing(id: string, subject?: string): Promise<Standing>
  /** Waits until nothing is held of it. */
  quiet(id: string, subject?: string): Promise<Standing>
  /** All that is in the ledger; on the embedded database it stops Sluice. */
  readLedger(): Promise<LedgerRow[]>
}

export type Json = Record<string, unknown>

export interface StageOptions extends Omit<SluiceOptions, 'config'> {
  engine?: TestDatabase | undefined
  keys: Readonly<Record<string, string>>
  /** Further lines of configuration, by the simulator's address. */
  config?: (simulatorUrl: string) => string
  /** Further providers, by their names. */
  providers?: (simulatorUrl: string) => Readonly<Record<string, string>>
  seed?: number
}

/** One Sluice before one simulator, which is two providers of different prices: `near/sim-1…` and `far/sim-2…`. */
export async function setMoneyStage(options: StageOptions): Promise<MoneyStage> {
  const { engine, keys, config, providers, seed, ...others } = options
  const simulator = await startSimulator({ seed: seed ?? 1 })
  const database = await engine?.fresh()
  const { url } = simulator
  const more = providers?.(url) ?? {}
  const sluice = await startSluice({
    ...others,
    config: `
log_level: error
providers:
  near: { vendor: sim, base_url: ${url}, retries: 1, ${neverOpen} }
  far: { vendor: sim, base_url: ${url}, retries: 1, ${neverOpen} }
${Object.entries(more)
  .map(([name, provider]) => `  ${name}: ${provider}`)
  .join('\n')}
prices:
${priceLines(['near', 'far', ...Object.keys(more)])}
keys:
${Object.entries(keys)
  .map(
    ([name, key]) =>
      `  - { name: ${name}, key: ${key}, organization: ${name}, project: shop, passthrough: true }`,
  )
  .join('\n')}
${config?.(url) ?? ''}
${database ? `database: ${database}` : ''}`,
  })
  return createStage({ sluice, simulator, database })
}

export function createStage({
  sluice,
  simulator,
  database,
}: {
  sluice: Sluice
  simulator: Simulator
  database: string | undefined
}): MoneyStage {
  const bill: MoneyStage['bill'] = async (prefix = '') => {
    const { requests, has_more } = await askJson<{ requests: BillLine[]; has_more: boolean }>(
      new URL('/bill?limit=10000', simulator.url),
    )
    assert.ok(!has_more, 'the bill fits on a page')
    return requests.filter(({ tag }) => (tag ?? '').startsWith(prefix))
  }
  const administer: MoneyStage['administer'] = async ({ method, path, body, status = 200 }) =>
    await askJson(new URL(`/sluice/v1${path}`, sluice.url), {
      key: sluice.adminKey,
      method: method ?? (body ? 'POST' : 'GET'),
      body,
      status,
    })
  const make = async (path: string, definition: Json): Promise<string> => {
    const made = await administer<{ id: string }>({ path, body: definition, status: 201 })
    return made.id
  }
  const standing: MoneyStage['standing'] = async (id, subject) => {
    const root = id.startsWith('budget_') ? 'budgets' : 'rate_limits'
    const query = subject === undefined ? '' : `?subject=${encodeURIComponent(subject)}`
    const { data } = await administer<{ data: Record<string, string>[] }>({
      path: `/${root}/${id}/counters${query}`,
    })
    assert.ok(data.length < 2, 'one counter is meant')
    return standingOf(data[0] ?? { unit: 'usd' })
  }
  return {
    sluice,
    simulator,
    database,
    bill,
    closedBill: prefix =>
      eventually('the provider has closed all requests', async () => {
        const lines = await bill(prefix)
        return lines.every(({ outcome }) => outcome !== 'running') && lines
      }),
    administer,
    async priceOfOne(key, request) {
      const { end, message } = await ask(sluice.url, key, request)
      assert.equal(end, 'whole', message)
      return priceOf(await bill(request.tag))
    },
    makeBudget: definition => make('/budgets', definition),
    makeLimit: definition => make('/rate_limits', definition),
    standing,
    quiet: (id, subject) =>
      eventually('nothing is held', async () => {
        const now = await standing(id, subject)
        return now.held === 0n && now
      }),
    async readLedger() {
      if (database === undefined) await sluice.stop()
      else await administer({ path: '/costs' }) // commits what has ended
      return await readRows(database, sluice.dataDir)
    },
  }
}

function standingOf({
  subject = '',
  unit,
  most = '0',
  spent = '0',
  held = '0',
  left = '0',
}: Record<string, string>): Standing {
  const read = (text: string): bigint => (unit === 'usd' ? parseUsd(text) : BigInt(text))
  return { subject, most: read(most), spent: read(spent), held: read(held), left: read(left) }
}

/** What the simulator's owner would have to be paid, in pico-dollars. */
export function priceOf(
  lines: readonly Pick<BillLine, 'model' | 'input_tokens' | 'output_tokens'>[],
): bigint {
  return lines.reduce((sum, line) => {
    const rate = rates[line.model.split('?', 1)[0] ?? '']
    assert.ok(rate, `${line.model} has a price`)
    return sum + BigInt(line.input_tokens) * rate.input + BigInt(line.output_tokens) * rate.output
  }, 0n)
}

export function sum(amounts: readonly (bigint | null)[]): bigint {
  return amounts.reduce<bigint>((all, amount) => all + (amount ?? 0n), 0n)
}

const ledgerText = `select replace(call_id::text, '-', '') as call, attempt, revision, kind, role, source, target, organization,
  feature, cost_pico_usd::text as cost, counted_pico_usd::text as counted, held_pico_usd::text as held
  from ledger order by seq`

type TextRow = Omit<LedgerRow, 'cost' | 'counted' | 'held'> &
  Record<'cost' | 'counted' | 'held', string | null>

async function readRows(database: string | undefined, dataDir: string): Promise<LedgerRow[]> {
  const rows = database === undefined ? await readEmbedded(dataDir) : await readServer(database)
  return rows.map(({ cost, counted, held, ...row }) => ({
    ...row,
    call: `call_${row.call}`,
    cost: picoOf(cost),
    counted: picoOf(counted),
    held: picoOf(held),
  }))
}

async function readEmbedded(dataDir: string): Promise<TextRow[]> {
  const opened = await openDatabase({ dataDir, statementTimeoutMs: 10_000, connections: 1 })
  const rows = await opened.query<TextRow>({ text: ledgerText })
  await opened.close()
  return rows
}

async function readServer(database: string): Promise<TextRow[]> {
  const client = new Client({ connectionString: database })
  await client.connect()
  const { rows } = await client.query<TextRow>(ledgerText)
  await client.end()
  return rows
}

function picoOf(text: string | null): bigint | null {
  return text === null ? null : BigInt(text)
}

async function askJson<T>(
  url: URL,
  {
    key,
    method = 'GET',
    body,
    status = 200,
  }: {
    key?: string
    method?: string
    body?: Json | undefined
    status?: number
  } = {},
): Promise<T> {
  const answer = await fetch(url, {
    method,
    headers: {
      ...(key !== undefined && { authorization: `Bearer ${key}` }),
      ...(body && { 'content-type': 'application/json' }),
    },
    ...(body && { body: JSON.stringify(body) }),
  })
  const text = await answer.text()
  assert.equal(answer.status, status, `${method} ${url.pathname}: ${text}`)
  return JSON.parse(text) as T
}
