import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { migrate } from '#platform'
import { makeOlderSchema } from '../../test/support/older-schema.ts'
import { type CallLog, intentOf, isFault, startMs } from './contract.log.ts'
import {
  assertOrder,
  queryText,
  rowKey,
  someCall,
  someQuery,
  sorted,
  spanMs,
  sumUp,
  type UsageAnswer,
} from './contract.sums.ts'
import { eventsMigrations } from './index.ts'
import type { CallRow } from './record.ts'

type Read = (query?: string) => Promise<UsageAnswer>

/** From the calls, and from the sums once they have them: the same. */
function readerOf(log: CallLog): Read {
  return async (query = '') => {
    const answer = await log.get<UsageAnswer>(`/sluice/v1/usage?${query}`)
    await log.addUp()
    assert.deepEqual(await log.get<UsageAnswer>(`/sluice/v1/usage?${query}`), answer)
    return answer
  }
}

/** What usage promises of more rows than it shows: the ten thousand calls for that take longer than all else. */
export function manyRowsContract(log: CallLog): void {
  const read = readerOf(log)
  describe('usage', () => {
    it('says when there are more rows than it shows, and counts them all the same', async () => {
      const calls = Array.from({ length: 10_001 }, (_, n) => log.call({ user_id: `user ${n}` }))
      for (let n = 0; n < calls.length; n += 1_000) await log.record(calls.slice(n, n + 1_000))
      const { data, has_more, total, next } = await read('group_by=user')
      assert.deepEqual([data.length, has_more, total.calls], [10_000, true, 10_001])
      const rest = await read(`group_by=user&page=${next}`)
      assert.deepEqual([rest.data.length, rest.has_more, rest.total.calls], [1, false, 10_001])
      assert.equal((await read('group_by=user&user=user%201')).has_more, false)
    })
  })
}

/** What the sums over the call log promise, on any engine. */
export function usageContract(log: CallLog): void {
  const read = readerOf(log)
  sumsContract(log, read)
  bucketsContract(log, read)

  describe('usage', () => {
    it('is of the last 30 days unless told', async () => {
      const day = 86_400_000
      const old = log.call({ started_at: new Date(startMs - 31 * day).toISOString() })
      log.nowMs = startMs - 29 * day
      await log.record([old, log.call()])
      log.nowMs = startMs
      const { total, from, to } = await read()
      assert.deepEqual([total.calls, from, to], [1, new Date(startMs - 30 * day).toISOString(), null])
      const before = await read('to=2025-12-20')
      assert.equal(before.from, '2025-11-20T00:00:00.000Z')
    })

    it('is read page by page, each row once', async () => {
      await log.record(['a', 'b', 'c', 'd', 'e'].map(feature => log.call({ feature })))
      const seen: unknown[] = []
      let page: string | undefined = '0'
      while (page !== undefined) {
        const { data, next }: UsageAnswer = await read(`group_by=feature&limit=2&page=${page}`)
        seen.push(...data.map(({ feature }) => feature))
        page = next
      }
      assert.deepEqual(seen, ['a', 'b', 'c', 'd', 'e'])
    })

    it('is narrowed by class, provider, operation and task', async () => {
      await log.record([
        log.call({ class: 'batch', target: 'near/one', operation: 'embeddings' }),
        log.call({ class: 'interactive', target: 'near/two', operation: 'chat' }),
        log.call({ class: 'batch', target: 'far/one', operation: 'chat', model: 'task/sort' }),
      ])
      for (const [query, calls] of [
        ['class=batch', 2],
        ['provider=near', 2],
        ['provider=nea', 0],
        ['operation=chat', 2],
        ['task=sort', 1],
        ['task=fast', 0],
        ['class=batch&provider=near&operation=embeddings', 1],
      ] as const)
        assert.equal((await read(query)).total.calls, calls, query)
    })

    it('refuses groups, buckets and statuses that it does not know', async () => {
      const wrong = [
        'group_by=',
        'group_by=usage',
        'group_by=user,user',
        'group_by=user;drop',
        'bucket=year',
        'status=running',
        'limit=0',
      ]
      for (const query of wrong) await assert.rejects(read(query), isFault('invalid_request'), query)
    })
  })
}

function sumsContract(log: CallLog, read: (query?: string) => Promise<UsageAnswer>): void {
  describe('sums of usage', () => {
    it('are what one gets by adding up the calls', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(someCall, { maxLength: 40 }), someQuery, async (fields, query) => {
          await log.empty()
          const calls = fields.map(({ atMs, ...rest }) => {
            log.nowMs = startMs + atMs
            return log.call(rest)
          })
          if (calls.length > 0) await log.record(calls)
          log.nowMs = startMs + spanMs
          const usage = await read(new URLSearchParams(queryText(query)).toString())
          const counted = calls.filter(call => query.feature === undefined || call.feature === query.feature)
          assert.deepEqual(usage.total, sumUp(counted))
          const expected = [...Map.groupBy(counted, call => rowKey(call, query))].map(([key, of]) => ({
            ...JSON.parse(key),
            ...sumUp(of),
          }))
          assert.deepEqual(sorted(usage.data), sorted(expected))
          assertOrder(usage.data)
        }),
        { numRuns: 40 },
      )
    })

    it('of costs are exact past 2^53 pico-dollars, and say what is missing', async () => {
      const priced = { price_state: 'priced', usage_source: 'provider' }
      await log.record([
        log.call({ ...priced, cost_pico_usd: '9007199254740993' }),
        log.call({ ...priced, cost_pico_usd: '123456789012345678901234567890' }),
        lostCall(log),
      ])
      const { total } = await read()
      assert.equal(total.cost_usd, '123456789012354686.100489308883')
      assert.deepEqual([total.calls, total.unpriced_calls, total.estimated_calls], [3, 1, 1])
    })

    it('leave out what is under way', async () => {
      await log.intend(1, [intentOf(log.call())])
      const { total, data } = await read('group_by=status')
      assert.deepEqual([total.calls, data], [0, []])
    })

    it('name a key as it was called last', async () => {
      await log.record([log.call({ key_name: 'a' })])
      await log.record([log.call({ key_name: 'c' })])
      await log.record([log.call({ key_name: 'b' })])
      const { data } = await read('group_by=key')
      assert.deepEqual(
        data.map(({ key, calls }) => [key, calls]),
        [[{ id: 'key_1', name: 'b' }, 3]],
      )
    })

    it('go on from those of a version that knew no tasks', async () => {
      const { database } = log
      const hour = new Date(startMs).toISOString()
      await makeOlderSchema(database, eventsMigrations, 6)
      await database.query(
        {
          text: `insert into usage_rollups (level, at, digest, organization, project, model, tags, status, calls, degraded,
              unpriced, estimated, input_tokens, cached_input_tokens, cache_write_tokens, output_tokens,
              reasoning_tokens, cost_pico_usd)
            values (2, $1, md5('')::uuid, 'acme', 'shop', 'fast', '{}', 'succeeded', 5, 0, 0, 0, 0, 0, 0, 0, 0, 7000000000000)`,
        },
        [hour],
      )
      assert.deepEqual(await migrate(database, [eventsMigrations]), ['events/007-task'])
      await log.record([log.call(), log.call({ model: 'task/sort' })])
      const { data, total } = await read(`group_by=task&bucket=hour&from=${hour}`)
      assert.deepEqual(
        data.map(({ task, calls, cost_usd }) => [task, calls, cost_usd]),
        [
          [null, 6, '7'],
          ['sort', 1, '0'],
        ],
      )
      assert.equal(total.calls, 7)
    })

    it('tell nothing apart that has the same name, and everything that has not', async () => {
      const names = [`a'b`, 'a"b', 'A', 'a', 'ä', '%', '']
      await log.record(names.map(user_id => log.call({ user_id })))
      const { data } = await read('group_by=user')
      assert.deepEqual(data.map(({ user }) => user).toSorted(), names.toSorted())
    })
  })
}

function bucketsContract(log: CallLog, read: (query?: string) => Promise<UsageAnswer>): void {
  const recordAt = async (...times: string[]) =>
    await log.record(
      times.map(time => {
        log.nowMs = Date.parse(time)
        return log.call()
      }),
    )
  const bucketsOf = async (query: string) =>
    (await read(query)).data.map(({ bucket, calls }) => [bucket, calls])

  describe('buckets of usage', () => {
    it('begin where days and months begin in the time zone, across summer time', async () => {
      await recordAt(
        '2026-03-28T22:59:00Z',
        '2026-03-28T23:00:00Z',
        '2026-03-29T21:59:00Z',
        '2026-03-29T22:00:00Z',
      )
      const range = 'from=2026-03-01&to=2026-04-01&time_zone=Europe/Berlin'
      assert.deepEqual(await bucketsOf(`${range}&bucket=day`), [
        ['2026-03-29T22:00:00.000Z', 1],
        ['2026-03-28T23:00:00.000Z', 2],
        ['2026-03-27T23:00:00.000Z', 1],
      ])
      assert.deepEqual(await bucketsOf(`${range}&bucket=month`), [['2026-02-28T23:00:00.000Z', 4]])
    })

    it('keep apart the two hours that the clock shows twice', async () => {
      await recordAt('2026-10-25T00:30:00Z', '2026-10-25T01:30:00Z')
      assert.deepEqual(await bucketsOf('from=2026-10-01&bucket=hour&time_zone=Europe/Berlin'), [
        ['2026-10-25T01:00:00.000Z', 1],
        ['2026-10-25T00:00:00.000Z', 1],
      ])
    })

    it('are refused in time zones that are none, or that engines read differently', async () => {
      for (const zone of [
        'Mars/Olympus',
        '+01:00',
        '-05',
        'PST',
        'utc+3',
        '',
        `UTC'`,
        'UTC\u0000',
        'x'.repeat(10_240),
      ]) {
        const answer = read(`bucket=day&time_zone=${encodeURIComponent(zone)}`)
        await assert.rejects(answer, isFault('invalid_request'), zone)
      }
    })
  })
}

/** A call whose process died: it used something, nobody knows what. */
function lostCall(log: CallLog): CallRow {
  const { cost_pico_usd, ...call } = log.call({
    status: 'unknown',
    price_state: 'unpriced',
    usage_source: 'unknown',
  })
  return call
}
