import { Client } from 'pg'
import type { Contestant } from '../contestant.ts'
import { launchWith, sluice } from './sluice.ts'

/** Three budgets and two rolling limits for each call: all of them held before it and settled after it. */
const rules = `
budgets:
  - { name: month, per: organization, limit: $100000, every: month }
  - { name: feature, per: [organization, feature], limit: $100000, every: day }
  - { name: user, per: [organization, user], limit: $100000, every: day }
rate_limits:
  - { name: calls, per: key, requests: 9m, every: 1m }
  - { name: tokens, per: [organization, user], tokens: 9000m, every: 1m }
`

const asked = [
  ...sluice.headers({ port: 0, upstream: '', folder: '' }),
  'x-sluice-user: u-1',
  'x-sluice-feature: chat',
]

export const budgets: Contestant = {
  ...sluice,
  name: 'sluice+budgets',
  does: 'sluice with three budgets and two rolling limits for each call, counted in memory',
  headers: () => asked,
  launch: seat => launchWith(seat, rules),
}

/** Counted for several processes; on the servers that the environment names, in a database of its own. */
export const shared: Contestant = {
  ...budgets,
  name: 'sluice+valkey',
  does: 'the same over a Valkey and a Postgres, which several processes could share',
  prepare: () => emptyDatabase('sluice_bench_shared'),
  launch: seat =>
    launchWith(seat, `${rules}database: ${databaseOf('sluice_bench_shared')}\nvalkey: ${servers().valkey}\n`),
}

/** The same database, and no budgets: what that is to be compared with. */
export const server: Contestant = {
  ...sluice,
  name: 'sluice+postgres',
  does: 'sluice over a Postgres, without any budget',
  prepare: () => emptyDatabase('sluice_bench_server'),
  launch: seat => launchWith(seat, `database: ${databaseOf('sluice_bench_server')}\n`),
}

function servers(): { database: string; valkey: string } {
  const { SLUICE_TEST_DATABASE_URL: database, SLUICE_TEST_VALKEY_URL: valkey } = process.env
  if (database && valkey) return { database, valkey }
  throw new Error(
    'SLUICE_TEST_DATABASE_URL and SLUICE_TEST_VALKEY_URL do not name a Postgres and a Valkey; `scripts/test-postgres.sh start` and `scripts/test-valkey.sh start` give their addresses',
  )
}

function databaseOf(name: string): string {
  const url = new URL(servers().database)
  url.pathname = `/${name}`
  return url.href
}

async function emptyDatabase(name: string): Promise<undefined> {
  const client = new Client({ connectionString: servers().database })
  await client.connect()
  await client.query(`drop database if exists ${name} with (force)`)
  await client.query(`create database ${name}`)
  await client.end()
}
