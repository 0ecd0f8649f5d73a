import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  type AlertAnswer,
  admin,
  alertOf,
  ask,
  type Desk,
  isFault,
  type ListAnswer,
  startHook,
} from './desk.contract.ts'
import type { Alerts } from './index.ts'

const hourMs = 3_600_000

export function routesContract(desk: Desk): void {
  const list = (alerts: Alerts, query = '') => ask<ListAnswer<AlertAnswer>>(alerts, `GET ${query}`)
  const inHours = (hours: number): string => new Date(desk.clock.now() + hours * hourMs).toISOString()
  const raise = async (alerts: Alerts, ...keys: string[]): Promise<void> => {
    for (const key of keys) {
      alerts.raise(alertOf({ key, organization: key, endsAtMs: desk.clock.now() + 2 * hourMs }))
      await desk.passUntil(`${key} is on record`, async () =>
        (await list(alerts)).data.some(one => one.key === key),
      )
    }
  }

  describe('alerts', () => {
    it('are listed newest first, in pages that leave nothing out', async () => {
      const alerts = desk.start()
      await raise(alerts, 'a', 'b', 'c')
      const first = await list(alerts, '?limit=2')
      assert.deepEqual([first.data.map(({ key }) => key), first.has_more], [['c', 'b'], true])
      const rest = await list(alerts, `?limit=2&after=${first.next}`)
      assert.deepEqual([rest.data.map(({ key }) => key), rest.has_more], [['a'], false])
      assert.equal((await list(alerts, '?organization=b')).data.length, 1)
      assert.equal((await list(alerts, '?kind=estimates')).data.length, 0)
    })

    it('are open, silenced, acknowledged or resolved', async () => {
      const alerts = desk.start()
      await raise(alerts, 'a', 'b', 'c')
      const [c, , a] = (await list(alerts)).data
      await ask(alerts, `POST /${c?.id}/acknowledge`)
      await ask(alerts, 'POST /silences', { organization: 'b', until: inHours(1), reason: 'known' })
      const keys = async (status: string) =>
        (await list(alerts, `?status=${status}`)).data.map(({ key }) => key)
      assert.deepEqual(
        [await keys('open'), await keys('silenced'), await keys('acknowledged')],
        [['a'], ['b'], ['c']],
      )
      await desk.clock.pass(3 * hourMs)
      assert.deepEqual([await keys('open'), await keys('resolved')], [[], ['c', 'b', 'a']])
      assert.equal((await ask<AlertAnswer>(alerts, `GET /${a?.id}`)).status, 'resolved')
    })

    it('are acknowledged once, and that is audited', async () => {
      const alerts = desk.start()
      await raise(alerts, 'a')
      const [{ id = '' } = {}] = (await list(alerts)).data
      const answers = [1, 2].map(() => ask<AlertAnswer>(alerts, `POST /${id}/acknowledge`))
      for (const answer of await Promise.all(answers)) assert.equal(answer.acknowledged_by, admin.keyId)
      assert.deepEqual(
        desk.audited.map(({ action, target }) => [action, target]),
        [['alert.acknowledge', id]],
      )
    })

    it('that are not there are not found, and odd questions are refused', async () => {
      const alerts = desk.start()
      const nowhere = `alert_${'0'.repeat(32)}`
      for (const path of [`GET /${nowhere}`, 'GET /x', `POST /${nowhere}/acknowledge`, 'DELETE /silences/x'])
        await assert.rejects(ask(alerts, path), isFault('not_found'), path)
      for (const query of ['?limit=0', '?limit=1001', '?status=x', '?kind=x', '?after=x', '?x=1'])
        await assert.rejects(list(alerts, query), isFault('invalid_request'), query)
    })
  })

  describe('a silence', () => {
    it('holds back what it is for, and lets it go when it is deleted', async () => {
      const hook = await startHook()
      const alerts = desk.start({ ops: hook.settings })
      const silence = await ask<{ id: string }>(alerts, 'POST /silences', {
        kind: 'unpriced_calls',
        key_prefix: 'qui',
        until: inHours(1),
        reason: 'known',
      })
      await raise(alerts, 'quiet', 'loud')
      await desk.passUntil('the other one is delivered', () => hook.requests.length === 1)
      await desk.clock.pass(60_000)
      assert.equal(JSON.parse(hook.requests[0]?.body ?? '').data.key, 'loud')
      await ask(alerts, `DELETE /silences/${silence.id}`)
      await desk.passUntil('it is delivered', () => hook.requests.length === 2)
      assert.deepEqual(
        desk.audited.map(({ action }) => action),
        ['silence.create', 'silence.delete'],
      )
    })

    it('that ends first lets go what is not over; what is over by then is not told', async () => {
      const hook = await startHook()
      const alerts = desk.start({ ops: hook.settings })
      await ask(alerts, 'POST /silences', { organization: 'short', until: inHours(1), reason: 'x' })
      await ask(alerts, 'POST /silences', { organization: 'long', until: inHours(5), reason: 'x' })
      await raise(alerts, 'short', 'long')
      await desk.clock.pass(hourMs)
      await desk.passUntil('one is delivered', () => hook.requests.length === 1)
      await desk.clock.pass(hourMs)
      await desk.passUntil('the other is dropped', async () =>
        (await list(alerts)).data.some(({ deliveries }) => deliveries[0]?.state === 'silenced'),
      )
      await desk.clock.pass(6 * hourMs)
      assert.equal(hook.requests.length, 1)
    })

    it('is listed with its reason, in pages', async () => {
      const alerts = desk.start()
      for (const reason of ['one', 'two', 'three'])
        await ask(alerts, 'POST /silences', { key_prefix: '', until: inHours(1), reason })
      type Silence = { id: string; reason: string }
      const first = await ask<ListAnswer<Silence>>(alerts, 'GET /silences?limit=2')
      const rest = await ask<ListAnswer<Silence>>(alerts, `GET /silences?limit=2&after=${first.next}`)
      assert.deepEqual(
        [...first.data, ...rest.data].map(({ reason }) => reason),
        ['three', 'two', 'one'],
      )
    })

    it('is refused without an end, a reason or anything it is for', async () => {
      const alerts = desk.start()
      const good = { key_prefix: 'x', until: inHours(1), reason: 'x' }
      for (const wrong of [
        { key_prefix: undefined },
        { until: inHours(-1) },
        { until: inHours(24 * 400) },
        { until: 'tomorrow' },
        { until: '2030' },
        { until: inHours(24 * 300).replace(/-\d\d-\d\dT/, '-02-30T') },
        { reason: '' },
        { reason: 'a\u0000b' },
        { key_prefix: 'a\ud800' },
        { kind: 'weather' },
        { x: 1 },
      ])
        await assert.rejects(
          ask(alerts, 'POST /silences', { ...good, ...wrong }),
          isFault('invalid_request'),
          JSON.stringify(wrong),
        )
    })
  })

  describe('a test', () => {
    it('goes to every destination at once, or to one, and says how it came out', async () => {
      const [good, bad] = [await startHook(), await startHook(response => response.writeHead(403).end())]
      const alerts = desk.start({ good: good.settings, bad: bad.settings })
      const { data } = await ask<ListAnswer<object>>(alerts, 'POST /test')
      assert.deepEqual(data, [
        { destination: 'good', type: 'webhook', delivered: true, error: null },
        { destination: 'bad', type: 'webhook', delivered: false, error: 'It answered with status 403.' },
      ])
      assert.equal((await ask<ListAnswer<object>>(alerts, 'POST /test?destination=good')).data.length, 1)
      await assert.rejects(ask(alerts, 'POST /test?destination=other'), isFault('not_found'))
      await assert.rejects(ask(desk.start(), 'POST /test'), isFault('conflict'))
      assert.deepEqual((await list(alerts)).data, [])
    })
  })
}
