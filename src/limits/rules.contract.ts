import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import { type Database, DatabaseUnavailable } from '#platform'
import { mostOf } from './index.ts'
import {
  admin,
  budgetOf,
  clientOf,
  createTown,
  isFault,
  rateLimitOf,
  ruleNamed,
  type Town,
  web,
} from './town.contract.ts'

/** What budgets and limits promise on any engine. `open` returns a database that is empty and belongs to this run alone. */
export function rulesContract(engine: string, open: () => Promise<Database>): void {
  describe(`budgets and limits on ${engine}`, () => {
    const town = createTown(open)
    before(town.open)
    beforeEach(town.empty)
    after(town.close)
    changesContract(town)
    increasesContract(town)
    standingContract(town)
    auditContract(town)
    processesContract(town)
  })
}

const budgets = '/sluice/v1/budgets'
const rateLimits = '/sluice/v1/rate_limits'

function changesContract(town: Town): void {
  it('are made, read, changed and deleted, and hold at once in the process that does it', async () => {
    const rules = await town.begin()
    const ask = clientOf(rules)
    const made = await ask('POST', budgets, {
      body: { name: 'chat', per: 'user', limit: '$5', every: 'day' },
    })
    assert.equal(ruleNamed(rules.current(), 'chat')?.most, 5_000_000_000_000n)
    assert.deepEqual(
      [made.object, made.origin, made.version, made.created_by],
      ['budget', 'api', 1, admin.keyId],
    )
    assert.deepEqual(made.definition, { name: 'chat', per: 'user', limit: '$5', every: 'day' })

    const changed = await ask('PATCH', `${budgets}/${made.id}`, { body: { limit: 7.5, every: null } })
    assert.deepEqual(changed.definition, { name: 'chat', per: 'user', limit: 7.5 })
    assert.deepEqual(
      [changed.version, changed.rules[0].most, changed.rules[0].window],
      [2, '7.5', 'month in UTC'],
    )
    assert.equal(ruleNamed(rules.current(), 'chat')?.most, 7_500_000_000_000n)

    assert.deepEqual(await ask('DELETE', `${budgets}/${made.id}`), {
      object: 'budget',
      id: made.id,
      deleted: true,
    })
    assert.equal(rules.current().rules.length, 0)
    await assert.rejects(ask('GET', `${budgets}/${made.id}`), isFault('not_found'))
  })

  it('keep their id and counter when the limit is changed', async () => {
    const rules = await town.begin()
    const ask = clientOf(rules)
    const { id } = await ask('POST', budgets, { body: { name: 'a', limit: '1' } })
    const counter = ruleNamed(rules.current(), 'a')?.counterId
    await ask('PATCH', `${budgets}/${id}`, { body: { limit: '2', name: 'b' } })
    assert.equal(ruleNamed(rules.current(), 'b')?.counterId, counter)
    await ask('PATCH', `${budgets}/${id}`, { body: { per: 'user' } })
    assert.notEqual(ruleNamed(rules.current(), 'b')?.counterId, counter)
  })

  it('refuse what the configuration would refuse, in the same words, and keep nothing of it', async () => {
    const rules = await town.begin()
    const ask = clientOf(rules)
    const wrong: [object, RegExp][] = [
      [{ limit: -1 }, /^limit: This must be an amount/],
      [{ limit: '$0' }, /^limit: /],
      [{ limit: 1e300 }, /^limit: /],
      [{ tokens: 0 }, /^tokens: /],
      [{ per: 'user' }, /either `limit`/],
      [{ limit: 1, time_zone: 'Mars/Olympus' }, /^time_zone: There is no time zone/],
      [{ limit: 1, evry: 'day' }, /Did you mean `every`/],
      [JSON.parse('{"limit":1,"soft":{"then":{"use":"smrat"}}}'), /Did you mean `smart`/],
      [{ limit: 1, name: 'a\u0000b' }, /^name: /],
      [JSON.parse('{"limit":1,"__proto__":{"hard":false}}'), /__proto__/],
    ]
    for (const [body, says] of wrong)
      await assert.rejects(
        ask('POST', budgets, { body }),
        isFault('invalid_request', says),
        JSON.stringify(body),
      )
    await assert.rejects(
      ask('POST', rateLimits, { body: { per: 'user' } }),
      isFault('invalid_request', /what is limited/),
    )
    const { id } = await ask('POST', budgets, { body: { limit: 1 } })
    await assert.rejects(
      ask('PATCH', `${budgets}/${id}`, { body: { tokens: 5 } }),
      isFault('invalid_request'),
    )
    assert.equal((await ask('GET', budgets)).data[0].version, 1)
    assert.equal((await ask('GET', '/sluice/v1/audit')).data.length, 1)
  })

  it('of the configuration are listed first, refuse change, and keep their names to themselves', async () => {
    const configured = {
      budgets: [budgetOf({ name: 'all', limit: 100 })],
      rate_limits: [rateLimitOf({ requests: 5 })],
    }
    const rules = await town.begin(configured)
    const ask = clientOf(rules)
    await ask('POST', budgets, { body: { name: 'mine', limit: 1 } })
    const { data } = await ask('GET', budgets)
    assert.deepEqual(
      data.map((entry: { name: string; origin: string }) => [entry.name, entry.origin]),
      [
        ['all', 'configuration'],
        ['mine', 'api'],
      ],
    )
    assert.equal((await ask('GET', rateLimits)).data.length, 1)
    const path = `${budgets}/${data[0].id}`
    await assert.rejects(
      ask('PATCH', path, { body: { limit: 1 } }),
      isFault('conflict', /configuration file/),
    )
    await assert.rejects(ask('DELETE', path), isFault('conflict', /configuration file/))
    await assert.rejects(ask('POST', budgets, { body: { name: 'all', limit: 1 } }), isFault('conflict'))
    await assert.rejects(
      ask('PATCH', `${budgets}/${data[1].id}`, { body: { name: 'all' } }),
      isFault('conflict'),
    )
  })

  it('take one name once, also where several ask for it at the same time', async () => {
    const [one, other] = [await town.begin(), await town.begin()].map(rules => clientOf(rules))
    const body = { name: 'same', limit: 1 }
    const made = await Promise.allSettled([one, other, one].map(ask => ask?.('POST', budgets, { body })))
    assert.deepEqual(made.map(({ status }) => status).sort(), ['fulfilled', 'rejected', 'rejected'])
  })

  it('are changed only at the version that was read, where that is asked', async () => {
    const ask = clientOf(await town.begin())
    const { id } = await ask('POST', budgets, { body: { limit: 1 } })
    const change = (version: string) =>
      ask('PATCH', `${budgets}/${id}`, { body: { limit: 2 }, headers: { 'if-match': version } })
    assert.equal((await change('"1"')).version, 2)
    await assert.rejects(change('1'), isFault('conflict', /version 2/))
    assert.equal((await change('*')).version, 3)
    await assert.rejects(change('soon'), isFault('invalid_request'))
  })

  it('of one kind are not found under the other', async () => {
    const ask = clientOf(await town.begin())
    const { id } = await ask('POST', rateLimits, { body: { per: 'user', requests: 20, tokens: '100k' } })
    await assert.rejects(ask('GET', `${budgets}/${id}`), isFault('invalid_request'))
    await assert.rejects(ask('DELETE', `${budgets}/budget_${id.slice(6)}`), isFault('not_found'))
    const shown = await ask('GET', `${rateLimits}/${id}`)
    assert.deepEqual(
      shown.rules.map((rule: { unit: string; most: string }) => [rule.unit, rule.most]),
      [
        ['requests', '20'],
        ['tokens', '100000'],
      ],
    )
  })

  it('are listed page by page, each once', async () => {
    const ask = clientOf(await town.begin({ budgets: [budgetOf({ name: 'n0', limit: 1 })] }))
    for (const n of [1, 2, 3, 4]) await ask('POST', budgets, { body: { name: `n${n}`, limit: n } })
    const seen: string[] = []
    for (let path: string | undefined = `${budgets}?limit=2`; path !== undefined; ) {
      const page: { data: { name: string }[]; next?: string } = await ask('GET', path)
      seen.push(...page.data.map(({ name }) => name))
      path = page.next && `${budgets}?limit=2&after=${page.next}`
    }
    assert.deepEqual(seen, ['n0', 'n1', 'n2', 'n3', 'n4'])
    await assert.rejects(ask('GET', `${budgets}?after=budget_gone`), isFault('invalid_request'))
  })
}

function increasesContract(town: Town): void {
  const inAnHour = (): string => new Date(town.clock.now() + 3_600_000).toISOString()

  it('allow more for a time, to all or to one subject, also where they are configured', async () => {
    const rules = await town.begin({ budgets: [budgetOf({ name: 'all', per: 'organization', limit: 100 })] })
    const ask = clientOf(rules)
    const [{ id }] = (await ask('GET', budgets)).data
    const wish = { until: inAnHour(), reason: 'launch' }
    const made = await ask('POST', `${budgets}/${id}/increases`, { body: { ...wish, amount: '$50' } })
    await ask('POST', `${budgets}/${id}/increases`, { body: { ...wish, amount: 7, subject: 'acme' } })
    const most = (subject: string): bigint => {
      const rule = ruleNamed(rules.current(), 'all')
      return rule ? mostOf(rule, subject, town.clock.now()) / 1_000_000_000_000n : 0n
    }
    assert.deepEqual([most('acme'), most('umbrella')], [157n, 150n])
    assert.equal((await ask('GET', `${budgets}/${id}`)).increases.length, 2)
    const ended = await ask('DELETE', `${budgets}/${id}/increases/${made.id}`)
    assert.deepEqual([ended.id, ended.amount, ended.reason], [made.id, '50', 'launch'])
    assert.deepEqual([most('acme'), most('umbrella')], [107n, 100n])
    await assert.rejects(ask('DELETE', `${budgets}/${id}/increases/${made.id}`), isFault('not_found'))
    await town.clock.pass(3_600_000)
    assert.equal(most('acme'), 100n)
    assert.deepEqual((await ask('GET', `${budgets}/${id}`)).increases, [])
  })

  it('are refused where they are for nobody, in the past, of nothing, or of another unit', async () => {
    const ask = clientOf(await town.begin())
    const { id } = await ask('POST', budgets, { body: { per: 'user', tokens: '1k' } })
    const wish = { amount: 5, until: inAnHour(), reason: 'why' }
    const wrong: [object, RegExp][] = [
      [{ amount: '$5' }, /`amount` is a number of tokens/],
      [{ amount: 0.5 }, /number of tokens/],
      [{ amount: 0 }, /amount above 0/],
      [{ amount: -5 }, /amount above 0/],
      [{ until: '2020-01-01T00:00:00Z' }, /next ten years/],
      [{ until: '2999-01-01T00:00:00Z' }, /next ten years/],
      [{ until: `${new Date(town.clock.now()).getUTCFullYear() + 1}-02-30T00:00:00Z` }, /next ten years/],
      [{ subject: 'u1' }, /`ORGANIZATION\/user\/USER`/],
      [{ subject: 'acme/feature/u1' }, /`ORGANIZATION\/user\/USER`/],
      [{ reason: '' }, /reason/],
    ]
    for (const [fields, says] of wrong) {
      const asked = ask('POST', `${budgets}/${id}/increases`, { body: { ...wish, ...fields } })
      await assert.rejects(asked, isFault('invalid_request', says), JSON.stringify(fields))
    }
    const subject = 'acme/user/a%2Fb'
    assert.equal(
      (await ask('POST', `${budgets}/${id}/increases`, { body: { ...wish, subject } })).subject,
      subject,
    )
  })

  it('of rate limits say which of several is meant', async () => {
    const rules = await town.begin()
    const ask = clientOf(rules)
    const { id } = await ask('POST', rateLimits, { body: { name: 'r', requests: 20, tokens: 100 } })
    const body = { amount: 5, until: inAnHour(), reason: 'why' }
    const path = `${rateLimits}/${id}/increases`
    await assert.rejects(ask('POST', path, { body }), isFault('invalid_request', /`requests`, `tokens`/))
    await ask('POST', path, { body: { ...body, rule: 'requests' } })
    const allowed = rules.current().rules.map(rule => mostOf(rule, 'all', town.clock.now()))
    assert.deepEqual(allowed, [25n, 100n])
  })
}

function standingContract(town: Town): void {
  it('show what is spent and held apart, what is left, and when it renews', async () => {
    const rules = await town.begin({ budgets: [budgetOf({ per: 'user', limit: 1, every: 'day' })] })
    const ask = clientOf(rules)
    const [rule] = rules.current().rules
    town.counters.set(rule?.id ?? '', [
      { subject: 'acme/user/u2', spent: 300_000_000_000n, held: 900_000_000_000n },
      { subject: 'acme/user/u1', spent: 250_000_000_001n, held: 0n },
    ])
    const { data } = await ask('GET', `${budgets}?counters=1`)
    const day = new Date(town.clock.now()).toISOString().slice(0, 10)
    assert.deepEqual(data[0].counters, {
      object: 'list',
      data: [
        {
          rule: rule?.id,
          subject: 'acme/user/u1',
          unit: 'usd',
          most: '1',
          spent: '0.250000000001',
          held: '0',
          left: '0.749999999999',
          begins_at: `${day}T00:00:00.000Z`,
          renews_at: new Date(Date.parse(day) + 86_400_000).toISOString(),
        },
      ],
      has_more: true,
      next: 'acme/user/u1',
    })
  })

  it('show counters page by page, and one that has counted nothing as empty', async () => {
    const ask = clientOf(await town.begin())
    const { id } = await ask('POST', budgets, { body: { per: 'user', tokens: 100 } })
    const users = ['a', 'b', 'c'].map(user => ({ subject: `acme/user/${user}`, spent: 1n, held: 2n }))
    town.counters.set(id, users)
    const first = await ask('GET', `${budgets}/${id}/counters?limit=2`)
    const second = await ask(
      'GET',
      `${budgets}/${id}/counters?limit=2&after=${encodeURIComponent(first.next)}`,
    )
    const seen = [...first.data, ...second.data].map((counter: { subject: string }) => counter.subject)
    assert.deepEqual(seen, ['acme/user/a', 'acme/user/b', 'acme/user/c'])
    assert.equal(second.has_more, false)
    const one = await ask('GET', `${budgets}/${id}/counters?subject=acme/user/nobody`)
    assert.deepEqual([one.data[0].spent, one.data[0].left], ['0', '100'])
    for (const wrong of ['', 'nobody', 'acme/feature/a', 'acme/user/a/b'])
      await assert.rejects(
        ask('GET', `${budgets}/${id}/counters?subject=${wrong}`),
        isFault('invalid_request', /`ORGANIZATION\/user\/USER`/),
      )
  })

  it('are shown to a key where they concern it and are its organization’s alone', async () => {
    const configured = {
      budgets: [
        budgetOf({ name: 'everyone', limit: 9 }),
        budgetOf({ name: 'ours', per: 'organization', limit: 5 }),
        budgetOf({ name: 'theirs', match: { organization: 'umbrella' }, limit: 5 }),
        budgetOf({ name: 'users', per: 'user', limit: 1 }),
      ],
      rate_limits: [rateLimitOf({ name: 'often', per: 'key', requests: 20 })],
    }
    const ask = clientOf(await town.begin(configured), web)
    const namesOf = (answer: { data: { name: string; subject: string }[] }): string[][] =>
      answer.data.map(({ name, subject }) => [name, subject])
    assert.deepEqual(namesOf(await ask('GET', '/sluice/v1/limits')), [
      ['ours', 'acme'],
      ['often', 'acme/key/config%2Fweb'],
    ])
    assert.deepEqual(namesOf(await ask('GET', '/sluice/v1/limits?user=u1'))[1], ['users', 'acme/user/u1'])
  })
}

function auditContract(town: Town): void {
  const auditOf = async (rules: Parameters<typeof clientOf>[0], query = ''): Promise<unknown[][]> => {
    const { data } = await clientOf(rules)('GET', `/sluice/v1/audit${query}`)
    return data.map((entry: Record<string, unknown>) => [entry.action, entry.by, entry.before, entry.after])
  }

  it('leave on record who changed what, from what, to what, and why', async () => {
    const rules = await town.begin()
    const ask = clientOf(rules)
    const { id } = await ask('POST', budgets, { body: { limit: 1 } })
    await ask('PATCH', `${budgets}/${id}`, { body: { limit: 2 } })
    const wish = { amount: 1, until: new Date(town.clock.now() + 1e6).toISOString(), reason: 'launch' }
    await ask('POST', `${budgets}/${id}/increases`, { body: wish })
    await ask('DELETE', `${budgets}/${id}`)
    const entries = await auditOf(rules)
    assert.deepEqual(
      entries.filter(([action]) => action !== 'budget.increase'),
      [
        ['budget.delete', admin.keyId, { limit: 2 }, null],
        ['budget.change', admin.keyId, { limit: 1 }, { limit: 2 }],
        ['budget.create', admin.keyId, null, { limit: 1 }],
      ],
    )
    const { data } = await ask('GET', `/sluice/v1/audit?target=${id}&limit=2`)
    assert.deepEqual(
      [data[1].action, data[1].reason, data[1].after.amount],
      ['budget.increase', 'launch', '1'],
    )
  })

  it('leave on record what the configuration changes, once, whichever process reads it first', async () => {
    const first = { budgets: [budgetOf({ name: 'all', limit: 1 }), budgetOf({ name: 'gone', limit: 1 })] }
    const second = { budgets: [budgetOf({ name: 'all', limit: 2 })] }
    const rules = await town.begin(first)
    await town.begin(first)
    assert.equal((await auditOf(rules)).length, 2)
    await town.clock.pass(1) // ids of different processes sort by the millisecond
    await town.begin(second)
    const entries = await auditOf(rules)
    assert.deepEqual(
      entries
        .map(([action, by]) => [action, by])
        .slice(0, 2)
        .sort(),
      [
        ['budget.change', 'configuration'],
        ['budget.delete', 'configuration'],
      ],
    )
    assert.equal(entries.length, 4)
  })
}

function processesContract(town: Town): void {
  it('made by one process hold in the others within two seconds, and after a restart', async () => {
    const [one, other] = [await town.begin(), await town.begin()]
    const { id } = await clientOf(one)('POST', budgets, { body: { name: 'a', limit: 1 } })
    assert.equal(other.current().rules.length, 0)
    await town.clock.pass(1_000)
    await other.stop() // when it has read what it was reading
    assert.equal(ruleNamed(other.current(), 'a')?.id, id)
    assert.equal(ruleNamed((await town.begin()).current(), 'a')?.id, id)
  })

  it('hold as they were while the database cannot be reached, and are read again when it can', async () => {
    let isAway = false
    const unlessAway = <T>(work: () => Promise<T>): Promise<T> =>
      isAway ? Promise.reject(new DatabaseUnavailable('away')) : work()
    const flaky: Database = {
      query: (...asked) => unlessAway(() => town.database.query(...asked)),
      transaction: work => unlessAway(() => town.database.transaction(work)),
      close: async () => undefined,
    }
    const [one, other] = [await town.begin(), await town.begin({}, flaky)]
    const { id } = await clientOf(one)('POST', budgets, { body: { name: 'a', limit: 1 } })
    isAway = true
    await town.clock.pass(3_000)
    assert.equal(other.current().rules.length, 0)
    await assert.rejects(clientOf(other)('POST', budgets, { body: { limit: 1 } }), DatabaseUnavailable)
    isAway = false
    await town.clock.pass(1_000)
    await other.stop()
    assert.equal(ruleNamed(other.current(), 'a')?.id, id)
  })

  it('are the same object until something changes, so that calls may compare', async () => {
    const rules = await town.begin({ budgets: [budgetOf({ limit: 1 })] })
    const before = rules.current()
    await town.clock.pass(5_000)
    await rules.stop()
    assert.equal(rules.current(), before)
  })
}
