/**
 * How long usage and costs take to read: a month of ten million calls (50 organizations, 5,000 users, 30 models) as
 * the sums have it, on the embedded database and, where `SLUICE_TEST_DATABASE_URL` leads to one, on a server.
 *
 *   node bench/usage-read.ts [--users-days 30]
 *
 * The sums are made by SQL and not by ten million calls. A call is one of 15 kinds of its organization (5 keys, each
 * with a project, 3 pairs of feature and model each), and of one of its 100 users; `--users-days` is for how many days
 * the finest sums, which tell users apart by the hour, are made: they are most of the rows. The first hour, which a
 * question begins in the middle of, has its calls and entries.
 */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Client } from 'pg'
import { eventRoutes, eventsMigrations } from '#events'
import type { Caller, Route } from '#exchange'
import { createLedger, meteringMigrations } from '#metering'
import { createLog, type Database, migrate, openDatabase, systemClock } from '#platform'

const { values: options } = parseArgs({ options: { 'users-days': { type: 'string', default: '30' } } })
const days = 30
const usersDays = Number(options['users-days'])
const hourMs = 3_600_000
const endMs = Math.floor(Date.now() / hourMs) * hourMs
const from = new Date(endMs - days * 24 * hourMs)
const timeoutMs = 1_800_000
const callsPerHour = Math.round(10_000_000 / (days * 24))

const admin: Caller = { organization: 'o', project: 'p', keyId: 'k', keyName: 'k', role: 'admin' }

const kinds = `generate_series(0, 49) as o, generate_series(0, 4) as k, generate_series(0, 2) as f`
const dims = `'organization ' || o as organization, 'project ' || k % 3 as project, 'key_' || o || '_' || k as key_id,
  'key ' || k as key_name`
const more = `'feature ' || (k + f) % 4 as feature, 'model ' || (o * 7 + k + f) % 30 as model,
  'provider' || (o + f) % 4 || '/model-' || (o * 7 + k + f) % 30 as target, 'interactive' as class, 'chat' as operation`
const none = `null as feature, null as model, null as target, null as class, null as operation`

interface Level {
  level: number
  text: string
}

/** Rows of a level: `at`, who and what, and how many calls each stands for. */
function levelsFor(hours: string, dayStarts: string, userHours: string): Level[] {
  const perHour = callsPerHour / 750
  return [
    {
      level: 1,
      text: `select at, ${dims}, ${more}, 'user ' || o || '_' || (floor(random() * 100))::int as user_id, '{}'::text[] as tags, 1.4 as n
        from ${userHours} as at, ${kinds}, generate_series(1, 13)`,
    },
    {
      level: 2,
      text: `select at, ${dims}, ${more}, null as user_id, '{}'::text[] as tags, ${perHour} as n from ${hours} as at, ${kinds}`,
    },
    {
      level: 3,
      text: `select at, ${dims}, ${more}, null as user_id, '{}'::text[] as tags, ${perHour * 24} as n from ${dayStarts} as at, ${kinds}`,
    },
    {
      level: 4,
      text: `select at, 'organization ' || o as organization, 'project ' || p as project, null as key_id, null as key_name, ${none},
          'user ' || o || '_' || u as user_id, '{}'::text[] as tags, ${(callsPerHour * 24) / 5_000} as n
        from ${dayStarts} as at, generate_series(0, 49) as o, generate_series(0, 99) as u, lateral (select u % 3 as p) of_user`,
    },
    {
      level: 8,
      text: `select at, 'organization ' || o as organization, 'project ' || u % 3 as project, null as key_id, null as key_name, ${none},
          'user ' || o || '_' || u as user_id, '{}'::text[] as tags, ${callsPerHour / 4_700} as n
        from ${userHours} as at, generate_series(0, 49) as o, generate_series(0, 93) as u`,
    },
    {
      level: 9,
      text: `select at, 'organization ' || o as organization, 'project ' || p as project, null as key_id, null as key_name, ${none},
          null as user_id, array['tag ' || t] as tags, ${callsPerHour / 1_500} as n
        from ${userHours} as at, generate_series(0, 49) as o, generate_series(0, 2) as p, generate_series(0, 9) as t`,
    },
    {
      level: 5,
      text: `select at, 'organization ' || o as organization, 'project ' || p as project, null as key_id, null as key_name, ${none},
          null as user_id, array['tag ' || t] as tags, ${(callsPerHour * 24) / 1_500} as n
        from ${dayStarts} as at, generate_series(0, 49) as o, generate_series(0, 2) as p, generate_series(0, 9) as t`,
    },
    {
      level: 6,
      text: `select at, 'organization ' || o as organization, 'project ' || p as project, null as key_id, null as key_name, ${none},
          null as user_id, '{}'::text[] as tags, ${callsPerHour / 150} as n
        from ${hours} as at, generate_series(0, 49) as o, generate_series(0, 2) as p`,
    },
    {
      level: 7,
      text: `select at, null as organization, null as project, null as key_id, null as key_name, null as feature,
          'model ' || m as model, null as target, null as class, null as operation, null as user_id, '{}'::text[] as tags,
          ${callsPerHour / 30} as n from ${hours} as at, generate_series(0, 29) as m`,
    },
  ]
}

async function fill(database: Database): Promise<void> {
  const series = (step: string, length: number): string =>
    `generate_series(date_trunc('${step}', '${from.toISOString()}'::timestamptz, 'UTC'),
      '${from.toISOString()}'::timestamptz + interval '${length} days', interval '1 ${step}')`
  const levels = levelsFor(series('hour', days), series('day', days), series('hour', usersDays))
  const who = `organization, project, key_id, key_name, user_id, feature, model, target, class, operation, tags`
  for (const { level, text } of levels) {
    await database.query({
      text: `insert into usage_rollups (level, at, digest, ${who}, status, calls, degraded, unpriced, estimated, input_tokens,
          cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens, cost_pico_usd, last)
        select ${level}, at, gen_random_uuid(), ${who}, 'succeeded', n, 0, 0, 0, n * 1000, n * 200, 0, n * 300, n * 50,
          floor(n * 1234567890), null from (${text}) made`,
      timeoutMs,
    })
    await database.query({
      text: `insert into cost_rollups (level, at, digest, ${who}, answers, estimated, entries, unpriced, input_tokens,
          cached_input_tokens, cache_write_tokens, audio_input_tokens, image_input_tokens, output_tokens, reasoning_tokens,
          audio_output_tokens, image_output_tokens, cost_pico_usd, charge_pico_usd, counted_pico_usd, counted_input_tokens,
          counted_output_tokens, last)
        select ${level}, at, gen_random_uuid(), ${who}, true, false, n, 0, n * 1000, n * 200, 0, 0, 0, n * 300, n * 50, 0, 0,
          floor(n * 1234567890), floor(n * 1234567890), floor(n * 1234567890), n * 1000, n * 300, null from (${text}) made`,
      timeoutMs,
    })
  }
  await fillHour(database)
}

/** The calls and entries of the first hour. */
async function fillHour(database: Database): Promise<void> {
  const at = `'${from.toISOString()}'::timestamptz + n * interval '1 hour' / ${callsPerHour}`
  const id = `(lpad(to_hex((extract(epoch from ${at}) * 1000)::bigint), 12, '0') || substr(md5(n::text), 1, 20))::uuid`
  const series = `generate_series(0, ${callsPerHour - 1}) as n`
  await database.query({
    text: `insert into calls (id, started_at, ended_at, status, organization, project, key_id, key_name, user_id, class, dialect,
        operation, model, target, stream, input_tokens, output_tokens, cost_pico_usd, price_state, attempts)
      select ${id}, ${at}, ${at}, 'succeeded', 'organization ' || n % 50, 'project ' || n % 3, 'key_1', 'key', 'user ' || n % 5000,
        'interactive', 'openai-chat', 'chat', 'model ' || n % 30, 'provider0/model-' || n % 30, false, 1000, 300, 1234567890,
        'priced', '[]' from ${series}`,
    timeoutMs,
  })
  await database.query({
    text: `insert into ledger (call_id, attempt, revision, kind, held_at, organization, project, key_id, key_name, user_id, model,
        target, provider, class, operation, tags, role, source, usage, input_tokens, output_tokens, cost_pico_usd,
        counted_pico_usd, charge_pico_usd)
      select ${id}, 1, 0, 'post', ${at}, 'organization ' || n % 50, 'project ' || n % 3, 'key_1', 'key', 'user ' || n % 5000,
        'model ' || n % 30, 'provider0/model-' || n % 30, 'provider0', 'interactive', 'chat', '{}', 'answer', 'provider',
        '{"input": 1000, "output": 300}', 1000, 300, 1234567890, 1234567890, 1234567890 from ${series}`,
    timeoutMs,
  })
}

/** What a console asks; the month begins in the middle of an hour. */
const half = new Date(from.getTime() + hourMs / 2).toISOString()
const lastDay = new Date(endMs - 24 * hourMs).toISOString()
const questions: Readonly<Record<string, string>> = {
  'the month in one': `from=${half}`,
  'by day': `from=${half}&bucket=day`,
  'by day, in Berlin': `from=${half}&bucket=day&time_zone=Europe/Berlin`,
  'by model and day, in Berlin': `from=${half}&group_by=model&bucket=day&time_zone=Europe/Berlin`,
  'by project and day, in Berlin': `from=${half}&group_by=project&bucket=day&time_zone=Europe/Berlin`,
  'by organization': `from=${half}&group_by=organization`,
  'by model and day': `from=${half}&group_by=model&bucket=day`,
  'by organization, project, feature, model': `from=${half}&group_by=organization,project,feature,model`,
  'by user, the dearest': `from=${half}&group_by=user`,
  'by user, the dearest, of whole days': `from=${from.toISOString().slice(0, 10)}&group_by=user`,
  'by tag': `from=${half}&group_by=tag`,
  'an organization, by model and day': `from=${half}&organization=organization%207&group_by=model&bucket=day`,
  'an organization, by model and day, in Berlin': `from=${half}&organization=organization%207&group_by=model&bucket=day&time_zone=Europe/Berlin`,
  'a user, by day': `from=${half}&organization=organization%207&user=user%207_11&bucket=day`,
  'the last day, by hour': `from=${lastDay}&bucket=hour`,
  'the last day, by model and hour': `from=${lastDay}&group_by=model&bucket=hour`,
  'a user of an organization, by model, last day': `from=${lastDay}&organization=organization%207&user=user%207_11&group_by=model`,
}

async function ask(route: Route, query: string): Promise<unknown> {
  const search = [...new URLSearchParams(query)].map(([name, text]) => [
    name,
    name === 'group_by' ? text.split(',') : text,
  ])
  return await route.handle({
    params: {},
    query: Object.fromEntries(search),
    body: undefined,
    caller: admin,
    headers: {},
  })
}

async function measure(name: string, database: Database): Promise<void> {
  await migrate(database, [eventsMigrations, meteringMigrations])
  const filledAt = performance.now()
  await fill(database)
  await database.query({ text: 'vacuum analyze', timeoutMs })
  const rows = await database.query<{ n: string }>({
    text: `select (select count(*) from usage_rollups)::text || ' and ' || (select count(*) from cost_rollups)::text as n`,
    timeoutMs,
  })
  const seconds = ((performance.now() - filledAt) / 1000).toFixed(0)
  process.stdout.write(`\n${name}: ${rows[0]?.n} rows of sums, made in ${seconds} s\n`)
  const flush = async (): Promise<void> => undefined
  const ledger = createLedger({ database, clock: systemClock, log: createLog('silent') })
  const routes = [...eventRoutes({ database, flush, clock: systemClock }), ...ledger.routes(flush)]
  process.stdout.write(`${'median of 5, ms'.padEnd(52)}${'usage'.padStart(8)}${'costs'.padStart(8)}\n`)
  for (const [question, query] of Object.entries(questions)) {
    const cells = []
    for (const path of ['/sluice/v1/usage', '/sluice/v1/costs']) {
      const route = routes.find(one => one.path === path)
      if (!route) throw new Error(`no route ${path}`)
      const times = []
      for (let n = 0; n < 5; n++) {
        const begun = performance.now()
        await ask(route, query)
        times.push(performance.now() - begun)
      }
      cells.push(Math.round(times.toSorted((one, other) => one - other)[2] ?? 0))
    }
    process.stdout.write(`${question.padEnd(52)}${cells.map(ms => String(ms).padStart(8)).join('')}\n`)
  }
}

const connection = { statementTimeoutMs: 60_000, connections: 4 }

async function onServer(server: string): Promise<void> {
  const name = `sluice_bench_${randomBytes(4).toString('hex')}`
  const run = async (text: string): Promise<void> => {
    const client = new Client({ connectionString: server })
    await client.connect()
    await client.query(text).finally(() => client.end())
  }
  await run(`create database ${name}`)
  const url = new URL(server)
  url.pathname = `/${name}`
  const database = await openDatabase({ url: url.href, dataDir: '', ...connection })
  try {
    await measure('a server', database)
  } finally {
    await database.close()
    await run(`drop database ${name} with (force)`)
  }
}

async function embedded(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-'))
  const database = await openDatabase({ url: undefined, dataDir: folder, ...connection })
  try {
    await measure('embedded', database)
  } finally {
    await database.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

const server = process.env.SLUICE_TEST_DATABASE_URL
if (server) await onServer(server)
await embedded()
