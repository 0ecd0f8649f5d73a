import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type CallLog, idsOf, intentOf, isFault, listed, startMs } from './contract.log.ts'
import type { CallRow } from './record.ts'

const hostile = [
  `'; drop table calls; --`,
  `%`,
  `_`,
  `\\`,
  `"`,
  `\${x}`,
  `$1`,
  `a'b"c`,
  `null`,
  `ünï/✓ 🙂`,
  ` `,
]

/** Filters with the column each is about. */
const textFilters = {
  organization: 'organization',
  project: 'project',
  key: 'key_id',
  feature: 'feature',
  environment: 'environment',
  user: 'user_id',
  model: 'model',
  target: 'target',
  code: 'code',
} as const satisfies Record<string, keyof CallRow>

/** Which calls a reader gets to see, on any engine. */
export function filtersContract(log: CallLog): void {
  timesContract(log)
  describe('filters', () => {
    for (const [filter, column] of Object.entries(textFilters)) {
      it(`find calls by ${filter}, to the letter`, async () => {
        const values = [...hostile, 'plain', 'Plain', 'plain ']
        const calls = values.map(value => log.call({ [column]: value }))
        await log.record([...calls, log.call()])
        for (const [n, value] of values.entries()) {
          const page = await log.get(`/sluice/v1/calls?${filter}=${encodeURIComponent(value)}`)
          assert.deepEqual(listed(page), idsOf(calls.slice(n, n + 1)), value)
        }
      })

      it(`refuse a ${filter} that nothing on record can have`, async () => {
        for (const value of ['', 'a\u0000b', '\u0000', 'x'.repeat(10 * 1024)]) {
          for (const path of ['calls', 'usage']) {
            const answer = log.get(`/sluice/v1/${path}?${filter}=${encodeURIComponent(value)}`)
            await assert.rejects(answer, isFault('invalid_request'), `${path} ${value.length}`)
          }
        }
      })
    }

    it('find calls by each of their tags, to the letter, ended or under way', async () => {
      const values = [...hostile, 'plain', 'Plain', 'plain,b']
      const calls = values.map(value => log.call({ tags: ['first', value] }))
      const running = log.call({ tags: ['under way'], environment: 'staging' })
      await log.record([...calls, log.call()])
      await log.intend(1, [intentOf(running)])
      for (const [n, value] of values.entries()) {
        const page = await log.get(`/sluice/v1/calls?tag=${encodeURIComponent(value)}`)
        assert.deepEqual(listed(page), idsOf(calls.slice(n, n + 1)), value)
      }
      assert.deepEqual(listed(await log.get('/sluice/v1/calls?tag=first')), idsOf(calls).toReversed())
      const [shown] = (await log.get('/sluice/v1/calls?tag=under%20way&environment=staging')).data
      assert.deepEqual([shown?.tags, shown?.environment], [['under way'], 'staging'])
      const usage = await log.get<{ total: { calls: number } }>('/sluice/v1/usage?tag=plain')
      assert.equal(usage.total.calls, 1)
    })

    it('find a key by the name it had, too', async () => {
      const calls = [
        log.call({ key_id: 'key_2', key_name: 'old' }),
        log.call({ key_id: 'key_2', key_name: 'new' }),
      ]
      await log.record([...calls, log.call()])
      assert.deepEqual(listed(await log.get('/sluice/v1/calls?key=old')), idsOf(calls.slice(0, 1)))
      assert.deepEqual(listed(await log.get('/sluice/v1/calls?key=key_2')), idsOf(calls).toReversed())
    })

    it('find calls that were degraded, and those that were not', async () => {
      const [less, whole] = [log.call({ degraded: 'degrade; target=a/b; because=busy' }), log.call()]
      const running = log.call()
      await log.record([less, whole])
      await log.intend(1, [intentOf(running)])
      assert.deepEqual(listed(await log.get('/sluice/v1/calls?degraded=true')), idsOf([less]))
      assert.deepEqual(listed(await log.get('/sluice/v1/calls?degraded=false')), idsOf([running, whole]))
      for (const value of ['', 'yes', '1', 'null']) {
        await assert.rejects(log.get(`/sluice/v1/calls?degraded=${value}`), isFault('invalid_request'), value)
      }
      const usage = await log.get<{ total: { calls: number } }>('/sluice/v1/usage?degraded=true')
      assert.equal(usage.total.calls, 1)
    })

    it('find calls by status, those under way too', async () => {
      const ended = (['succeeded', 'failed', 'cancelled', 'refused', 'unknown'] as const).map(status =>
        log.call({ status }),
      )
      const running = log.call({ status: 'running' })
      await log.record(ended)
      await log.intend(1, [intentOf(running)])
      for (const call of [...ended, running]) {
        assert.deepEqual(
          listed(await log.get(`/sluice/v1/calls?status=${call.status}`)),
          idsOf([call]),
          call.status,
        )
      }
    })

    it('hold together, for ended calls and for those under way', async () => {
      const mine = { user_id: 'me', feature: 'chat', model: 'smart' }
      const [ended, running] = [log.call(mine), log.call(mine)]
      const others = [
        log.call({ ...mine, user_id: 'you' }),
        log.call({ ...mine, feature: 'search' }),
        log.call(),
      ]
      await log.record([ended, ...others])
      await log.intend(1, [intentOf(running), ...others.map(({ id, ...rest }) => intentOf(log.call(rest)))])
      const page = await log.get('/sluice/v1/calls?user=me&feature=chat&model=smart')
      assert.deepEqual(listed(page), idsOf([running, ended]))
    })
  })
}

function timesContract(log: CallLog): void {
  describe('times', () => {
    it('count from `from` on and end before `to`, in each way of writing them', async () => {
      const calls = [-1, 0, 999, 1_000].map(ms => {
        log.nowMs = startMs + ms
        return log.call()
      })
      await log.record(calls)
      const inside = idsOf(calls.slice(1, 3)).toReversed()
      const seconds = startMs / 1000
      const spans = [
        ['2026-01-15T12:00:00Z', '2026-01-15T12:00:01Z'],
        ['2026-01-15T13:30:00.000+01:30', '2026-01-15T12:00:01.000Z'],
        [`${seconds}`, `${seconds + 1}`],
      ]
      for (const [from = '', to = ''] of spans) {
        const query = new URLSearchParams({ from, to })
        assert.deepEqual(listed(await log.get(`/sluice/v1/calls?${query}`)), inside, from)
      }
      const day = await log.get('/sluice/v1/calls?from=2026-01-15&to=2026-01-16')
      assert.deepEqual(listed(day), idsOf(calls).toReversed())
      assert.deepEqual(listed(await log.get('/sluice/v1/calls?from=2026-01-16')), [])
    })

    it('are when a call started, even where its id is of another moment', async () => {
      const early = log.call({ started_at: new Date(startMs + 30_000).toISOString() })
      const late = log.call({ started_at: new Date(startMs - 30_000).toISOString() })
      await log.record([early, late])
      const at = startMs / 1000
      assert.deepEqual(listed(await log.get(`/sluice/v1/calls?from=${at + 30}`)), idsOf([early]))
      assert.deepEqual(listed(await log.get(`/sluice/v1/calls?to=${at - 29}`)), idsOf([late]))
    })

    it('are refused when they are none, or end before they begin', async () => {
      const wrong = [
        '',
        'now',
        'yesterday',
        '2026',
        '1768478400000',
        '-1768478400',
        '1969-12-31',
        '2026-02-30',
        '2026-13-01',
      ]
      wrong.push(
        '2026-01-01T25:00:00Z',
        '2026-01-01T00:00:00',
        '2026-01-01 00:00:00Z',
        `2026-01-01'`,
        '2026-01-01\u0000',
      )
      for (const value of wrong) {
        for (const path of ['calls?from=', 'calls?to=', 'usage?from=', 'usage?to=']) {
          const answer = log.get(`/sluice/v1/${path}${encodeURIComponent(value)}`)
          await assert.rejects(answer, isFault('invalid_request'), `${path}${value}`)
        }
      }
      const backwards = log.get('/sluice/v1/calls?from=2026-01-02&to=2026-01-01')
      await assert.rejects(backwards, isFault('invalid_request'))
    })
  })
}
