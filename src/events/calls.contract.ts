import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  attempt,
  type CallLog,
  idsOf,
  intentOf,
  isFault,
  listed,
  startMs,
  type WholeAnswer,
} from './contract.log.ts'
import { insertContents } from './store.ts'

/** What readers of the call log may rely on, on any engine. */
export function callsContract(log: CallLog): void {
  pagesContract(log)
  underWayContract(log)
  oneCallContract(log)
}

function pagesContract(log: CallLog): void {
  describe('pages of calls', () => {
    it('show each of a thousand calls once, newest first, while others begin and end', async () => {
      const calls = Array.from({ length: 1_000 }, (_, n) => {
        log.nowMs = startMs + Math.floor(n / 10)
        return log.call()
      })
      const running = calls.filter((_, n) => n % 10 === 3)
      await log.record(calls.filter((_, n) => n % 10 !== 3))
      await log.intend(
        1,
        running.map(call => intentOf(call)),
      )
      const seen: string[] = []
      let path = '/sluice/v1/calls?limit=70'
      for (let more = true; more; ) {
        const ending = running.splice(-7)
        const [page] = await Promise.all([log.get(path), log.record([...ending, log.call()])])
        seen.push(...page.data.map(({ id }) => id))
        more = page.has_more
        path = `/sluice/v1/calls?limit=70&after=${page.next}`
      }
      const expected = idsOf(calls).toReversed()
      const known = new Set(expected)
      assert.deepEqual(
        seen.filter(id => known.has(id)),
        expected,
      )
      assert.equal(new Set(seen).size, seen.length)
    })

    it('hold 20 calls unless told, end without `next`, and are empty when nothing is on record', async () => {
      assert.deepEqual(await log.get('/sluice/v1/calls'), { object: 'list', data: [], has_more: false })
      await log.record(Array.from({ length: 21 }, () => log.call()))
      const page = await log.get('/sluice/v1/calls')
      assert.deepEqual([page.data.length, page.has_more], [20, true])
      const rest = await log.get(`/sluice/v1/calls?after=${page.next}`)
      assert.deepEqual([rest.data.length, rest.has_more, rest.next], [1, false, undefined])
    })

    it('refuse limits out of range, marks that are no calls, and filters that do not exist', async () => {
      for (const query of [
        'limit=0',
        'limit=201',
        'limit=1.5',
        'limit=many',
        'after=call_1',
        'after=',
        'usr=me',
        'status=done',
      ]) {
        await assert.rejects(log.get(`/sluice/v1/calls?${query}`), isFault('invalid_request'), query)
      }
    })

    it('have what was recorded but not committed when they were asked for', async () => {
      const call = log.call()
      const flush = () => log.record([call])
      assert.deepEqual(listed(await log.get('/sluice/v1/calls', { flush })), idsOf([call]))
      await log.empty()
      await log.get(`/sluice/v1/calls/${idsOf([call])[0]}`, { flush })
      await log.empty()
      const usage = await log.get<{ total: { calls: number } }>('/sluice/v1/usage', { flush })
      assert.equal(usage.total.calls, 1)
    })
  })
}

function underWayContract(log: CallLog): void {
  describe('calls under way', () => {
    it('are one call each, however many attempts they are on', async () => {
      const call = log.call({ user_id: 'me' })
      await log.intend(1, [intentOf(call, attempt(1, 'openai/gpt-5')), intentOf(log.call())])
      await log.intend(2, [intentOf(call, attempt(2, 'anthropic/claude'))])
      const [shown, ...others] = (await log.get('/sluice/v1/calls?user=me')).data
      assert.deepEqual(others, [])
      assert.deepEqual([shown?.status, shown?.attempts, shown?.ended_at], ['running', 2, null])
      assert.deepEqual(
        [shown?.target, shown?.targets],
        ['anthropic/claude', ['openai/gpt-5', 'anthropic/claude']],
      )
      assert.deepEqual(shown?.cost, { usd: null, state: null })
      const whole = await log.get<WholeAnswer>(`/sluice/v1/calls/${shown?.id}`)
      assert.deepEqual(
        whole.attempts.map(({ n, status }) => [n, status]),
        [
          [1, 'unknown'],
          [2, 'running'],
        ],
      )
    })

    it('are under way no more once they have ended, though others of their group are', async () => {
      const [ended, running] = [log.call(), log.call()]
      await log.intend(1, [intentOf(ended), intentOf(running)])
      await log.record([ended])
      const page = await log.get('/sluice/v1/calls')
      assert.deepEqual(
        page.data.map(({ status }) => status),
        ['running', 'succeeded'],
      )
      await log.record([running], [1])
      assert.deepEqual(listed(await log.get('/sluice/v1/calls?status=running')), [])
      assert.deepEqual(await log.database.query({ text: 'select 1 from call_intents' }), [])
    })
  })
}

function oneCallContract(log: CallLog): void {
  describe('one call', () => {
    it('is found by its id and by that of its request, with its attempts as they went', async () => {
      const usage = { input: 70, cachedInput: 20, cacheWrite5m: 10, output: 5, reasoning: 3 }
      const cost_pico_usd = '12300000'
      const priced = { usage, usage_source: 'provider', cost_pico_usd }
      const attempts = [
        attempt(1, 'openai/gpt-5', { status: 'failed', http_status: 503, code: 'provider_overloaded' }),
        attempt(2, 'openai/gpt-5-mini', {
          status: 'succeeded',
          http_status: 200,
          price: 'openai/gpt-5-mini@2026-01-01',
          provider_cost_pico_usd: '20000000',
          ...priced,
        }),
      ]
      const call = log.call({ ...priced, price_state: 'priced', attempts })
      await log.record([call])
      const [id = ''] = idsOf([call])
      const whole = await log.get<WholeAnswer>(`/sluice/v1/calls/${id}`)
      const shownUsage = {
        input_tokens: 100,
        cached_input_tokens: 20,
        cache_write_tokens: 10,
        output_tokens: 8,
        reasoning_tokens: 3,
        kinds: usage,
        source: 'provider',
      }
      assert.deepEqual([whole.id, whole.request_id], [id, id.replace('call_', 'req_')])
      assert.deepEqual([whole.usage, whole.cost], [shownUsage, { usd: '0.0000123', state: 'priced' }])
      assert.deepEqual(
        whole.attempts.map(({ status, cost }) => [status, cost]),
        [
          ['failed', { usd: null, state: 'free', price: null, provider_usd: null, difference_usd: null }],
          [
            'succeeded',
            {
              usd: '0.0000123',
              state: 'priced',
              price: 'openai/gpt-5-mini@2026-01-01',
              provider_usd: '0.00002',
              difference_usd: '-0.0000077',
            },
          ],
        ],
      )
      assert.deepEqual(whole.attempts[1]?.usage, shownUsage)
      assert.equal(whole.content, null)
      assert.deepEqual(await log.get(`/sluice/v1/calls/${whole.request_id}`), whole)
    })

    it('says what was passed over, why each attempt was made and what its failure meant, and why it is less', async () => {
      const skips = [
        { target: 'openai/gpt-5', reason: 'breaker_open' },
        { target: `house/'{"a",\\}'`, reason: 'context_too_small' },
      ]
      const degraded = 'fallback; target=openai/gpt-5-mini; because=provider_overloaded'
      const attempts = [
        attempt(1, 'anthropic/claude', { status: 'failed', failure: 'overloaded' }),
        attempt(2, 'openai/gpt-5-mini', { status: 'succeeded', reason: 'fail_over' }),
        attempt(3, 'openai/gpt-5-nano', { status: 'cancelled', reason: 'hedge', lost_race: true }),
      ]
      const call = log.call({ skips, degraded, attempts })
      await log.record([call, log.call()])
      const whole = await log.get<WholeAnswer>(`/sluice/v1/calls/${idsOf([call])[0]}`)
      assert.deepEqual([whole.skips, whole.degraded], [skips, degraded])
      assert.deepEqual(
        whole.attempts.map(({ reason, failure, lost_race }) => [reason, failure, lost_race]),
        [
          ['first', 'overloaded', false],
          ['fail_over', null, false],
          ['hedge', null, true],
        ],
      )
      const [plain, listedWhole] = (await log.get('/sluice/v1/calls')).data
      assert.deepEqual([listedWhole?.skips, listedWhole?.degraded], [skips, degraded])
      assert.deepEqual([plain?.skips, plain?.degraded], [[], null])
    })

    it('names the call whose answer it gave again', async () => {
      const made = log.call()
      const again = log.call({ repeats: made.id, attempts: [] })
      await log.record([made, again])
      const [repetition, first] = (await log.get('/sluice/v1/calls')).data
      assert.deepEqual([repetition?.repeats, first?.repeats], [idsOf([made])[0], null])
      const whole = await log.get<WholeAnswer>(`/sluice/v1/calls/${idsOf([again])[0]}`)
      assert.equal(whole.repeats, idsOf([made])[0])
    })

    it('reads as ever when it was recorded before that was kept', async () => {
      const call = log.call({ attempts: [attempt(1, 'openai/gpt-5'), attempt(2, 'openai/gpt-5-mini')] })
      await log.record([call])
      const whole = await log.get<WholeAnswer>(`/sluice/v1/calls/${idsOf([call])[0]}`)
      assert.deepEqual([whole.skips, whole.degraded], [[], null])
      assert.deepEqual(
        whole.attempts.map(({ reason, failure, lost_race }) => [reason, failure, lost_race]),
        [
          ['first', null, false],
          [null, null, false],
        ],
      )
    })

    it('has its texts where they are kept', async () => {
      const call = log.call()
      await log.record([call])
      await insertContents(log.database, [
        { call_id: call.id, request: '{"model":"fast"}', answer: undefined },
      ])
      const whole = await log.get<WholeAnswer>(`/sluice/v1/calls/${idsOf([call])[0]}`)
      assert.deepEqual(whole.content, { request: '{"model":"fast"}', answer: null })
    })

    it('is not found when it is not on record, and no call when its id is none', async () => {
      await assert.rejects(log.get(`/sluice/v1/calls/call_${'0'.repeat(32)}`), isFault('not_found'))
      for (const id of [
        'call_1',
        'x',
        `CALL_${'0'.repeat(32)}`,
        `call_${'g'.repeat(32)}`,
        `key_${'0'.repeat(32)}`,
        '%00',
        `call_${'0'.repeat(33)}`,
      ]) {
        await assert.rejects(log.get(`/sluice/v1/calls/${id}`), isFault('invalid_request'), id)
      }
    })

    it('shows a cost past 2^53 pico-dollars to the last digit', async () => {
      const costs = {
        '9007199254740993': '9007.199254740993',
        '123456789012345678901234567890': '123456789012345678.90123456789',
        '1': '0.000000000001',
      }
      for (const [cost_pico_usd, usd] of Object.entries(costs)) {
        const call = log.call({ cost_pico_usd, price_state: 'priced' })
        await log.record([call])
        assert.equal((await log.get<WholeAnswer>(`/sluice/v1/calls/${idsOf([call])[0]}`)).cost.usd, usd)
      }
    })
  })
}
