import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Webhook } from 'standardwebhooks'
import { type Database, DatabaseUnavailable } from '#platform'
import {
  type AlertAnswer,
  alertOf,
  ask,
  type Desk,
  type ListAnswer,
  secret,
  startHook,
} from './desk.contract.ts'
import type { Alerts } from './index.ts'
import { claimDeliveries } from './store.ts'

const [minuteMs, hourMs] = [60_000, 3_600_000]

async function only(alerts: Alerts): Promise<AlertAnswer | undefined> {
  const { data } = await ask<ListAnswer<AlertAnswer>>(alerts, 'GET ')
  assert.ok(data.length <= 1, 'one alert at most')
  return data[0]
}

export function deliveriesContract(desk: Desk): void {
  const stateOf = (alerts: Alerts, state: string) => async () => {
    const alert = await only(alerts)
    return alert?.deliveries.length && alert.deliveries.every(one => one.state === state) ? alert : undefined
  }
  const attempted = (alerts: Alerts, attempts: number) => async () => {
    const alert = await only(alerts)
    const [delivery] = alert?.deliveries ?? []
    const isOver = Date.parse(delivery?.next_at ?? '') > desk.clock.now() // of one under way, it is when it began
    return delivery?.attempts === attempts && isOver ? delivery : undefined
  }

  describe('an alert', () => {
    it('is on record once and delivered once, however often and by however many processes it is raised', async () => {
      const hook = await startHook()
      const processes = [1, 2, 3].map(() => desk.start({ ops: hook.settings }))
      for (const alerts of processes) for (let n = 0; n < 5; n++) alerts.raise(alertOf({ title: `n ${n}` }))
      const [alerts] = processes
      assert.ok(alerts)
      await desk.passUntil('it is delivered', stateOf(alerts, 'delivered'))
      await desk.clock.pass(hourMs)
      assert.equal(hook.requests.length, 1)
    })

    it('arrives signed, so that the official verifier of Standard Webhooks takes it', async () => {
      const hook = await startHook()
      const alerts = desk.start({ ops: hook.settings })
      alerts.raise(alertOf({ organization: 'acme' }))
      const alert = await desk.passUntil('it is delivered', stateOf(alerts, 'delivered'))
      const [request] = hook.requests
      assert.ok(request)
      // It holds a timestamp against the time of day, which is another one here.
      const signed = new Webhook(secret).sign(
        alert.id,
        new Date(Number(request.headers['webhook-timestamp']) * 1_000),
        request.body,
      )
      assert.equal(request.headers['webhook-signature'], signed)
      assert.equal(request.headers['webhook-id'], alert.id)
      const { type, data } = JSON.parse(request.body)
      assert.equal(type, 'alert.unpriced_calls')
      assert.deepEqual([data.id, data.organization, data.detail], [alert.id, 'acme', { target: 'openai/x' }])
    })

    it('goes to those who want its kind, severity and organization alone', async () => {
      const hook = await startHook()
      const to = (more: object) => ({ ...hook.settings, ...more })
      const alerts = desk.start({
        all: hook.settings,
        right: to({ kinds: ['unpriced_calls'], severity: 'warning', organizations: ['acme'] }),
        'wrong-kind': to({ kinds: ['estimates'] }),
        'wrong-severity': to({ severity: 'critical' }),
        'wrong-organization': to({ organizations: ['globex'] }),
      })
      alerts.raise(alertOf({ organization: 'acme' }))
      const { deliveries } = await desk.passUntil('it is delivered', stateOf(alerts, 'delivered'))
      assert.deepEqual(
        deliveries.map(({ destination }) => destination),
        ['all', 'right'],
      )
    })

    it('is tried again with the same id for a day, longer and longer, and then visibly given up', async () => {
      const hook = await startHook(response => response.writeHead(500).end())
      const alerts = desk.start({ ops: hook.settings })
      alerts.raise(alertOf())
      const beganMs = desk.clock.now()
      const waits: number[] = []
      for (let attempt = 1; attempt < 8; attempt++) {
        const { next_at } = await desk.passUntil(`attempt ${attempt}`, attempted(alerts, attempt))
        waits.push(Date.parse(next_at ?? '') - desk.clock.now())
        await desk.clock.pass(Date.parse(next_at ?? '') - desk.clock.now())
      }
      const given = await desk.passUntil('it is given up', stateOf(alerts, 'failed'))
      assert.equal(given.deliveries[0]?.error, 'It answered with status 500.')
      assert.deepEqual(
        waits,
        waits
          .slice(0, -1)
          .toSorted((a, b) => a - b)
          .concat(waits.slice(-1)),
      )
      const hours = (desk.clock.now() - beganMs) / hourMs
      assert.ok(hours >= 24 && hours < 27, `given up after ${hours} hours`)
      assert.equal(new Set(hook.requests.map(({ headers }) => headers['webhook-id'])).size, 1)
      await desk.clock.pass(24 * hourMs)
      assert.equal(hook.requests.length, 8)
    })

    it('is delivered as soon as its destination is there again', async () => {
      const hook = await startHook((response, n) => response.writeHead(n === 1 ? 503 : 200).end())
      const alerts = desk.start({ ops: hook.settings })
      alerts.raise(alertOf())
      const { deliveries } = await desk.passUntil('it is delivered', stateOf(alerts, 'delivered'))
      assert.equal(deliveries[0]?.attempts, 2)
    })

    it('waits as long as the receiver asks for, and is not tried again where that wants nothing more', async () => {
      const busy = await startHook(response => response.writeHead(429, { 'retry-after': '1800' }).end())
      const alerts = desk.start({ ops: busy.settings })
      alerts.raise(alertOf())
      const { next_at } = await desk.passUntil('it was refused', attempted(alerts, 1))
      assert.ok(Date.parse(next_at ?? '') - desk.clock.now() > 29 * minuteMs)
      await desk.empty()
      const gone = await startHook(response => response.writeHead(410).end())
      const others = desk.start({ ops: gone.settings })
      others.raise(alertOf())
      await desk.passUntil('it is given up', stateOf(others, 'failed'))
      assert.equal(gone.requests.length, 1)
    })

    it('that a process died with is delivered by another, once its lease is over', async () => {
      const hook = await startHook()
      const dead = desk.start(
        { ops: hook.settings },
        { database: deafTo(desk.database, /^update alert_deliveries/) },
      )
      dead.raise(alertOf())
      await desk.passUntil('it is on record', () => only(dead))
      await dead.stop()
      const of = { destinations: ['ops'], nowMs: desk.clock.now(), leaseMs: minuteMs, most: 1 }
      assert.equal((await claimDeliveries(desk.database, of)).length, 1)
      assert.equal((await claimDeliveries(desk.database, of)).length, 0)
      const alive = desk.start({ ops: hook.settings })
      const beganMs = desk.clock.now()
      const { deliveries } = await desk.passUntil('it is delivered', stateOf(alive, 'delivered'))
      assert.ok(desk.clock.now() - beganMs >= minuteMs)
      assert.equal(deliveries[0]?.attempts, 2)
    })

    it('is kept while the database is away, and written when it is back', async () => {
      let isAway = true
      const away = deafTo(desk.database, /insert into alerts/, () => isAway)
      const alerts = desk.start({}, { database: away })
      alerts.raise(alertOf())
      await desk.clock.pass(10_000)
      assert.equal(await only(alerts), undefined)
      isAway = false
      assert.equal((await desk.passUntil('it is on record', () => only(alerts))).status, 'open')
    })

    it('under way when the program stops is neither lost nor counted as tried', async () => {
      const silent = await startHook(() => undefined)
      const first = desk.start({ ops: silent.settings })
      first.raise(alertOf())
      await desk.passUntil('it has arrived', () => silent.requests.length > 0)
      let isStopped = false
      const stopping = first.stop().then(() => {
        isStopped = true
      })
      await desk.passUntil('it has stopped', () => isStopped)
      await stopping
      const second = desk.start()
      assert.deepEqual(
        (await only(second))?.deliveries.map(({ state, attempts }) => [state, attempts]),
        [['pending', 0]],
      )
    })

    it('for a destination that nobody has any more is given up after a day', async () => {
      const hook = await startHook(response => response.writeHead(500).end())
      const alerts = desk.start({ ops: hook.settings })
      alerts.raise(alertOf())
      await desk.passUntil('it was refused', attempted(alerts, 1))
      await alerts.stop()
      const others = desk.start()
      await desk.clock.pass(24 * hourMs)
      const { deliveries } = await desk.passUntil('it is given up', stateOf(others, 'failed'))
      assert.match(deliveries[0]?.error ?? '', /No destination of this name/)
    })

    it('is deleted when it has been kept long enough', async () => {
      const alerts = desk.start()
      alerts.raise(alertOf({ endsAtMs: desk.clock.now() + hourMs }))
      await desk.passUntil('it is on record', () => only(alerts))
      await alerts.stop()
      await desk.clock.pass(91 * 24 * hourMs)
      const later = desk.start()
      await desk.passUntil('it is gone', async () => (await only(later)) === undefined)
    })

    it('is written as it is, whatever callers have put into names', async () => {
      const alerts = desk.start()
      const odd = 'a\u0000b\ud800💡'
      alerts.raise(alertOf({ key: `estimates/${odd}${'x'.repeat(5_000)}1`, title: odd, detail: { odd } }))
      alerts.raise(alertOf({ key: `estimates/${odd}${'x'.repeat(5_000)}2`, title: odd.repeat(500) }))
      const list = await desk.passUntil('both are on record', async () => {
        const { data } = await ask<ListAnswer<AlertAnswer>>(alerts, 'GET ')
        return data.length === 2 && data
      })
      assert.deepEqual(list[1]?.detail, { odd })
      assert.equal(list[1]?.title, 'a\ufffdb\ufffd💡')
    })
  })
}

/** A database that is out of reach for some statements, while that is so. */
function deafTo(database: Database, statement: RegExp, isAway = () => true): Database {
  return {
    query: async (asked, values) => {
      if (isAway() && statement.test(asked.text)) throw new DatabaseUnavailable('not now')
      return await database.query(asked, values)
    },
    transaction: work => database.transaction(work),
    close: () => database.close(),
  }
}
