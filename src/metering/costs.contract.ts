import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { Database } from '#platform'
import {
  admin,
  answered,
  held,
  isFault,
  type LedgerStage,
  type Process,
  startMs,
  type Tried,
} from './ledger-stage.contract.ts'

const hourMs = 3_600_000
const spanMs = 3 * 24 * hourMs
const oneOf = <const T>(...values: T[]) => fc.constantFrom(...values)

const someCall = fc.record({
  organization: oneOf('acme', 'globex'),
  project: oneOf('shop', 'blog'),
  keyId: oneOf('key_1', 'key_2'),
  user: oneOf('me', 'you', undefined),
  feature: oneOf('chat', undefined),
  model: oneOf('fast', 'smart', 'task/sort', 'task/', 'x/task/sort'),
  environment: oneOf('prod', undefined),
  tags: fc.subarray(['a', 'b']),
  class: oneOf('interactive', 'batch'),
  atMs: fc.nat({ max: spanMs - 1 }),
  retriedFirst: fc.boolean(),
  target: oneOf('openai/gpt-5', 'house/org/llama'),
  picoUsd: fc.bigInt({ min: 0n, max: 10n ** 20n }),
  savedPicoUsd: fc.option(fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }), { nil: undefined }),
})

type Made = typeof someCall extends fc.Arbitrary<infer Call> ? Call : never

const groupOf = {
  organization: (call: Made) => call.organization,
  project: (call: Made) => call.project,
  key: (call: Made) => ({ id: call.keyId, name: 'web' }),
  user: (call: Made) => call.user ?? null,
  feature: (call: Made) => call.feature ?? null,
  model: (call: Made) => call.model,
  task: (call: Made) => /^task\/(.+)$/.exec(call.model)?.[1] ?? null,
  target: (call: Made) => call.target,
  provider: (call: Made) => call.target.split('/')[0],
  class: (call: Made) => call.class,
  environment: (call: Made) => call.environment ?? null,
}

const someQuery = fc.record({
  groups: fc.subarray(Object.keys(groupOf) as (keyof typeof groupOf)[]),
  bucket: oneOf('minute', 'hour', 'day', 'month', undefined),
  zone: oneOf('UTC', 'Asia/Tokyo', 'Asia/Kolkata'),
  fromMs: fc.nat({ max: spanMs }),
  lengthMs: fc.option(fc.nat({ max: spanMs }), { nil: undefined }),
  filter: oneOf(
    {},
    { user: 'me' },
    { organization: 'acme', model: 'fast' },
    { tag: 'a' },
    { provider: 'house' },
    { task: 'sort' },
  ),
  catchesUp: fc.boolean(),
})

/** What the sums over the ledger promise, on any engine. */
export function costsContract(stage: LedgerStage): void {
  const make = async (process: Process, made: Made): Promise<void> => {
    const { atMs, retriedFirst, target, picoUsd, savedPicoUsd: saved, ...call } = made
    const hold = held(0n, { atMs: startMs + atMs })
    const cached = saved === undefined ? {} : { cacheSavedPicoUsd: saved }
    const answer = answered({ target, hold, costPicoUsd: picoUsd, ...cached })
    const retried = answered({ target, hold, costPicoUsd: 3n, status: 'failed' })
    await process.call({ ...call, attempts: retriedFirst ? [retried, answer] : [answer] })
  }

  describe('costs', () => {
    it('are what one gets by adding up the attempts, by any grouping, filter and stretch', async () => {
      const process = await stage.join()
      const made: Made[] = []
      await fc.assert(
        fc.asyncProperty(fc.array(someCall, { maxLength: 4 }), someQuery, async (calls, query) => {
          for (const call of calls) await make(process, call)
          made.push(...calls)
          if (query.catchesUp) await process.ledger.catchUp()
          const { answer, wanted } = await askBoth(process, made, query)
          assert.deepEqual(answer.total, sumUp(wanted))
          const rows = Map.groupBy(wanted, call => rowKey(call, query))
          const isGrouped = query.groups.length > 0 || query.bucket !== undefined
          const expected = isGrouped
            ? [...rows].map(([key, of]) => ({ ...JSON.parse(key), ...sumUp(of) }))
            : []
          assert.deepEqual(sorted(answer.data), sorted(expected))
        }),
        { numRuns: 40 },
      )
      await process.leave()
    })

    it('by tag are in the row of each tag, and in the total once', async () => {
      const process = await stage.join()
      await process.call({ tags: ['a', 'b'], attempts: [answered({ costPicoUsd: 5n })] })
      await process.call({ tags: ['b'], attempts: [answered({ costPicoUsd: 7n })] })
      await process.call({ attempts: [answered({ costPicoUsd: 9n })] })
      for (let times = 0; times < 2; times++) {
        const { data, total } = await process.ask('/sluice/v1/costs?group_by=tag&from=2026-01-14')
        assert.deepEqual(
          data.map(({ tag, cost_usd }: Record<string, string>) => [tag, cost_usd]),
          [
            ['b', '0.000000000012'],
            [null, '0.000000000009'],
            ['a', '0.000000000005'],
          ],
        )
        assert.equal(total.cost_usd, '0.000000000021')
        await process.ledger.catchUp()
      }
      await process.leave()
    })

    it('come in pages without a gap', async () => {
      const process = await stage.join()
      for (let n = 0; n < 5; n++) await process.call({ user: `user ${n}` })
      const seen: string[] = []
      for (let page: string | undefined = '0'; page !== undefined; ) {
        const answer = await process.ask(
          `/sluice/v1/costs?group_by=user&limit=2&from=2026-01-14&page=${page}`,
        )
        seen.push(...answer.data.map(({ user }: { user: string }) => user))
        page = answer.next
      }
      assert.deepEqual(seen.toSorted(), ['user 0', 'user 1', 'user 2', 'user 3', 'user 4'])
      await process.leave()
    })

    it('are shown to a key of its own project alone', async () => {
      const process = await stage.join()
      await process.call({ organization: 'acme', project: 'shop' })
      await process.call({ organization: 'globex', project: 'shop' })
      const caller = { ...admin, organization: 'acme', project: 'shop', role: 'key' as const }
      const { total } = await process.ask('/sluice/v1/costs?from=2026-01-14', { caller })
      assert.equal(total.attempts, 1)
      const other = process.ask('/sluice/v1/costs?organization=globex', { caller })
      await assert.rejects(other, isFault('permission_denied'))
      await process.leave()
    })

    it('fold the users that are too many to be told apart, and lose nothing of them', async () => {
      const process = await stage.join({ usersPerHour: 2 })
      for (let n = 0; n < 6; n++)
        await process.call({ user: `user ${n % 4}`, attempts: [answered({ costPicoUsd: 1n })] })
      await process.ledger.catchUp()
      const { data, total } = await process.ask('/sluice/v1/costs?group_by=user&from=2026-01-14')
      assert.equal(total.cost_usd, '0.000000000006')
      assert.deepEqual(data.map(({ user }: { user: string }) => user).toSorted(), [
        'user 0',
        'user 1',
        '…other',
      ])
      assert.ok(process.ledger.counts.folded > 0)
      await process.leave()
    })

    it('count each entry once, whoever adds it up, and whoever is killed at it', async () => {
      const { database } = stage
      let isDying = true
      const dying: Database = {
        query: (statement, values) => database.query(statement, values),
        transaction: async work =>
          await database.transaction(async tx => {
            const done = await work(tx)
            if (isDying) throw new Error('killed before the commit')
            return done
          }),
        close: async () => undefined,
      }
      const one = await stage.join({ database: dying })
      const two = await stage.join()
      for (let n = 0; n < 3; n++) await one.call({ attempts: [answered({ costPicoUsd: 1n })] })
      await assert.rejects(one.ledger.catchUp(), /killed/)
      isDying = false
      await Promise.all([one.ledger.catchUp(), two.ledger.catchUp(), two.ledger.catchUp()])
      await one.ledger.catchUp()
      const summed = await stage.rows('select level, sum(entries)::int as n from cost_rollups group by level')
      assert.deepEqual([...new Set(summed.map(({ n }) => n))], [3])
      assert.deepEqual(await stage.rows('select from ledger_feed'), [])
      const { total } = await two.ask('/sluice/v1/costs?from=2026-01-14')
      assert.deepEqual([total.attempts, total.cost_usd], [3, '0.000000000003'])
      for (const process of [one, two]) await process.leave()
    })

    it('refuse what they do not know', async () => {
      const process = await stage.join()
      for (const query of [
        'bucket=year',
        'group_by=',
        'group_by=status',
        'from=2026-02-30',
        'limit=0',
        'page=x',
      ])
        await assert.rejects(process.ask(`/sluice/v1/costs?${query}`), isFault('invalid_request'), query)
      const zone = process.ask('/sluice/v1/costs?bucket=day&time_zone=Mars/Olympus')
      await assert.rejects(zone, isFault('invalid_request'))
      await process.leave()
    })
  })

  organizationContract(stage)
  entriesContract(stage)
}

function organizationContract(stage: LedgerStage): void {
  const day = 86_400
  const start = Date.UTC(2026, 0, 14) / 1000

  describe('usage and costs in the shape of OpenAI', () => {
    it('come in buckets without a gap, page after page', async () => {
      const process = await stage.join()
      await process.call({ organization: 'acme', attempts: [answered({ costPicoUsd: 250_000_000_000n })] })
      await process.call({ organization: 'globex', class: 'batch' })
      const query = `start_time=${start}&end_time=${start + 3 * day}&limit=2&group_by=project_id,batch`
      const first = await process.ask(`/v1/organization/usage/completions?${query}`)
      assert.deepEqual([first.object, first.has_more, first.data.length], ['page', true, 2])
      const [empty, full] = first.data
      assert.deepEqual(empty, { object: 'bucket', start_time: start, end_time: start + day, results: [] })
      assert.deepEqual(
        full.results.map((one: Record<string, unknown>) => [
          one.project_id,
          one.batch,
          one.input_tokens,
          one.model,
        ]),
        [
          ['acme/shop', false, 1000, null],
          ['globex/shop', true, 1000, null],
        ],
      )
      const next = await process.ask(`/v1/organization/usage/completions?${query}&page=${first.next_page}`)
      assert.deepEqual([next.has_more, next.next_page, next.data.length], [false, null, 1])
      const costs = await process.ask(
        `/v1/organization/costs?start_time=${start + day}&end_time=${start + 2 * day}&project_ids=acme/shop&group_by=line_item`,
      )
      assert.deepEqual(
        costs.data[0].results.map((one: Record<string, unknown>) => [one.object, one.amount, one.line_item]),
        [['organization.costs.result', { value: 0.25, currency: 'usd' }, 'openai/gpt-5-mini']],
      )
      const embeddings = await process.ask(`/v1/organization/usage/embeddings?start_time=${start}`)
      assert.deepEqual(
        embeddings.data.flatMap(({ results }: { results: [] }) => results),
        [],
      )
      await process.leave()
    })
  })
}

function entriesContract(stage: LedgerStage): void {
  describe('entries', () => {
    it('are listed as what was held and what it came to, and under way as what is held', async () => {
      const process = await stage.join()
      const id = await process.call({ attempts: [answered({ hold: held(9n, { atMs: startMs }) })] })
      const exchange = await process.begin({ attempts: [answered({ hold: held(8n) })] })
      const { data, has_more } = await process.ask('/sluice/v1/ledger')
      assert.deepEqual(
        data.map((one: Record<string, unknown>) => [one.kind, one.call, one.held_usd, one.cost_usd]),
        [
          ['hold', exchange.call.id, '0.000000000008', null],
          ['post', id, null, '0.00125'],
          ['hold', id, '0.000000000009', null],
        ],
      )
      assert.equal(has_more, false)
      assert.equal((await process.ask(`/sluice/v1/ledger?call=${id}&kind=post`)).data.length, 1)
      await process.end(exchange)
      await process.leave()
    })

    it('are corrected by entries, once for each id', async () => {
      const told: bigint[] = []
      const process = await stage.join({
        chargeOf: cost => cost * 2n,
        onCorrected: spent => void told.push(...spent.map(({ picoUsd }) => picoUsd)),
      })
      const call = await process.call({ attempts: [answered({ costPicoUsd: 10n ** 12n })] })
      const body = {
        id: 'ticket-1',
        call,
        attempt: 1,
        amount_usd: '-0.25',
        reason: 'the provider gave it back',
      }
      const url = '/sluice/v1/ledger/adjustments'
      const [entry, again] = [await process.ask(url, { body }), await process.ask(url, { body: { ...body } })]
      assert.deepEqual([entry.kind, entry.cost_usd, entry.charge_usd], ['adjust', '-0.25', '-0.5'])
      assert.deepEqual(again, entry)
      await assert.rejects(process.ask(url, { body: { ...body, amount_usd: '1' } }), isFault('conflict'))
      await assert.rejects(process.ask(url, { body: { ...body, id: 'x', attempt: 2 } }), isFault('not_found'))
      for (const amount_usd of ['1e3', 'NaN', '', '0.0000000000001', '9999999999'])
        await assert.rejects(process.ask(url, { body: { ...body, amount_usd } }), isFault('invalid_request'))
      const more = { ...body, id: 'ticket-2', amount_usd: '0.000000000001', charge_usd: '0' }
      await process.ask(url, { body: more })
      const { total } = await process.ask('/sluice/v1/costs?from=2026-01-14')
      assert.deepEqual([total.cost_usd, total.charge_usd, total.attempts], ['0.750000000001', '1.5', 1])
      assert.deepEqual(told, [-250_000_000_000n, 1n])
      await process.leave()
    })

    it('say what an attempt cost in all whose cost nobody knew: budgets then count that, and it is priced', async () => {
      const told: bigint[] = []
      const process = await stage.join({
        chargeOf: cost => cost * 2n,
        onCorrected: spent => void told.push(...spent.map(({ picoUsd }) => picoUsd)),
      })
      const lost = { costPicoUsd: undefined, usage: undefined, usageSource: 'unknown' } as const
      const call = await process.call({
        attempts: [answered({ ...lost, hold: held(10n ** 12n) } as unknown as Tried)],
      })
      const total = async () => (await process.ask('/sluice/v1/costs?from=2026-01-14')).total
      const before = await total()
      assert.deepEqual([before.unpriced_attempts, before.cost_usd, before.counted_usd], [1, '0', '1'])
      const url = '/sluice/v1/ledger/adjustments'
      const body = { id: 'bill', call, attempt: 1, cost_usd: '0.25', reason: 'it stands on the bill' }
      const entry = await process.ask(url, { body })
      assert.deepEqual([entry.cost_usd, entry.counted_usd, entry.charge_usd], ['0.25', '-0.75', '0.5'])
      await process.ask(url, { body: { ...body, id: 'bill-2', cost_usd: '0.2' } })
      assert.deepEqual(await process.ask(url, { body }), entry, 'the same again changes nothing')
      const other = { ...body, cost_usd: '0.3' }
      await assert.rejects(process.ask(url, { body: other }), isFault('conflict'))
      for (const wrong of [{ amount_usd: '1' }, { cost_usd: undefined }, { cost_usd: '-1' }])
        await assert.rejects(
          process.ask(url, { body: { ...body, id: 'w', ...wrong } }),
          isFault('invalid_request'),
        )
      const after = await total()
      assert.deepEqual(
        [after.unpriced_attempts, after.cost_usd, after.counted_usd, after.charge_usd, after.attempts],
        [0, '0.2', '0.2', '0.4', 1],
      )
      assert.deepEqual(told, [-750_000_000_000n, -50_000_000_000n])
      await process.leave()
    })

    it('are exported in the order in which they were written, once they cannot come to stand before others', async () => {
      const process = await stage.join()
      const id = await process.call({ user: '=2+2', feature: 'a "b",\nc' })
      assert.equal(await process.ask('/sluice/v1/ledger/export'), '')
      await stage.rows('alter table ledger disable trigger user')
      await stage.rows(`update ledger set recorded_at = recorded_at - interval '1 minute'`)
      const lines: string = await process.ask('/sluice/v1/ledger/export')
      const [row, ...more] = lines
        .trim()
        .split('\n')
        .map(line => JSON.parse(line))
      assert.deepEqual([row.call_id, row.cost_pico_usd, more], [id, '1250000000', []])
      assert.equal(await process.ask(`/sluice/v1/ledger/export?after=${row.seq}`), '')
      const csv: string = await process.ask('/sluice/v1/ledger/export?format=csv')
      assert.match(csv, /^seq,call_id,/)
      assert.match(csv, /,'=2\+2,"a ""b"",/)
      await process.leave()
    })
  })
}

interface Answer {
  data: Record<string, unknown>[]
  total: Record<string, unknown>
}

type Query = typeof someQuery extends fc.Arbitrary<infer Query> ? Query : never

async function askBoth(
  process: Process,
  made: readonly Made[],
  query: Query,
): Promise<{ answer: Answer; wanted: Made[] }> {
  const { groups, bucket, zone, fromMs, lengthMs, filter } = query
  const toMs = lengthMs === undefined ? undefined : fromMs + lengthMs
  const search = new URLSearchParams({
    from: new Date(startMs + fromMs).toISOString(),
    time_zone: zone,
    ...(toMs !== undefined && { to: new Date(startMs + toMs).toISOString() }),
    ...(groups.length > 0 && { group_by: groups.join() }),
    ...(bucket && { bucket }),
    ...filter,
  })
  const answer = await process.ask(`/sluice/v1/costs?${search}`)
  const { user, organization, model, tag, provider, task } = filter as Record<string, string | undefined>
  const wanted = made.filter(
    call =>
      call.atMs >= fromMs &&
      call.atMs < (toMs ?? Number.POSITIVE_INFINITY) &&
      (user === undefined || call.user === user) &&
      (organization === undefined || call.organization === organization) &&
      (model === undefined || call.model === model) &&
      (tag === undefined || call.tags.includes(tag)) &&
      (task === undefined || call.model === `task/${task}`) &&
      (provider === undefined || call.target.startsWith(`${provider}/`)),
  )
  return { answer, wanted }
}

const offsets = { UTC: 0, 'Asia/Tokyo': 9 * hourMs, 'Asia/Kolkata': 5.5 * hourMs }

function rowKey(call: Made, { groups, bucket, zone }: Query): string {
  const local = new Date(startMs + call.atMs + offsets[zone])
  const sizes = { minute: 60_000, hour: hourMs, day: 24 * hourMs }
  const start =
    bucket === 'month'
      ? Date.UTC(local.getUTCFullYear(), local.getUTCMonth())
      : bucket && Math.floor(local.getTime() / sizes[bucket]) * sizes[bucket]
  return JSON.stringify({
    ...(start !== undefined && { bucket: new Date(start - offsets[zone]).toISOString() }),
    ...Object.fromEntries(groups.map(group => [group, groupOf[group](call)])),
  })
}

function sumUp(calls: readonly Made[]): Record<string, unknown> {
  const attempts = calls.reduce((sum, { retriedFirst }) => sum + (retriedFirst ? 2 : 1), 0)
  const answers = calls.reduce((sum, { picoUsd }) => sum + picoUsd, 0n)
  const saved = calls.reduce((sum, { savedPicoUsd = 0n }) => sum + savedPicoUsd, 0n)
  const overhead = calls.reduce((sum, { retriedFirst }) => sum + (retriedFirst ? 3n : 0n), 0n)
  return {
    attempts,
    unpriced_attempts: 0,
    input_tokens: 1000 * attempts,
    cached_input_tokens: 0,
    cache_write_tokens: 0,
    output_tokens: 500 * attempts,
    reasoning_tokens: 0,
    cost_usd: dollars(answers + overhead),
    estimated_usd: '0',
    overhead_usd: dollars(overhead),
    charge_usd: dollars(answers),
    counted_usd: dollars(answers + overhead),
    cache_saved_usd: saved < 0n ? `-${dollars(-saved)}` : dollars(saved),
  }
}

function dollars(picoUsd: bigint): string {
  const fraction = String(picoUsd % 10n ** 12n).padStart(12, '0')
  return `${picoUsd / 10n ** 12n}.${fraction}`.replace(/\.?0+$/, '')
}

function sorted(rows: readonly object[]): string[] {
  return rows.map(row => JSON.stringify(Object.entries(row).toSorted())).toSorted()
}
