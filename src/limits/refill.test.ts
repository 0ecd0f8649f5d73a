import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { VirtualClock } from '../../test/support/virtual-clock.ts'
import { MemoryLimitStore } from './memory-store.ts'
import type { Spent } from './rebuild.ts'
import { settleExpired, viewLedger } from './refill.ts'
import { ruleSet } from './rule-set.ts'
import { rule, spentAt } from './stage.contract.ts'
import { calendarWindow } from './window.ts'

const day = calendarWindow('day', 'UTC')

function createBooks() {
  const clock = new VirtualClock()
  const rules = ruleSet([
    rule({ id: 'money', window: day }),
    rule({ id: 'calls', unit: 'requests', window: day }),
  ])
  const ledger = new Map<string, Spent[]>()
  const open = new Map<string, Spent>()
  const spent = (picoUsd: bigint): Spent => spentAt(clock.now(), picoUsd)
  const on = { read: (): void => undefined }
  return {
    clock,
    on,
    begin: (call: string, amount: bigint) =>
      open.set(call, { ...spent(amount), open: { callId: call, attempt: 0 } }),
    end(call: string, ...amounts: bigint[]) {
      open.delete(call)
      ledger.set(call, amounts.map(spent))
    },
    rules: () => rules,
    async *spentSince() {
      yield* open.values()
      on.read()
      yield* [...ledger.values()].flat()
    },
    async spentOf(calls: readonly string[]) {
      return new Map([...ledger].filter(([call]) => calls.includes(call)))
    },
  }
}

const money = (view: { key: string; amount: bigint }[]): bigint =>
  view.filter(({ key }) => key.startsWith('money')).reduce((sum, { amount }) => sum + amount, 0n)

describe('what counters are filled with', () => {
  it('is what the ledger tells, what is held by calls on record, and which calls need not be held any more', async () => {
    const books = createBooks()
    books.end('ended', 30n, 4n)
    books.end('settling', 5n)
    books.begin('begun', 20n)
    const view = await viewLedger(books, ['settling', 'held'])
    assert.deepEqual(view.ended, ['settling'])
    assert.deepEqual(view.rules, ['money', 'calls'])
    assert.equal(money([...view.entries]), 39n)
    const [hold] = view.holds
    assert.deepEqual([view.holds.length, hold?.id, money([...(hold?.lines ?? [])])], [1, 'begun', 20n])
    assert.deepEqual(
      hold?.lines.map(({ amount }) => amount),
      [20n, 1n],
    )
  })

  it('is asked for again when a call has ended meanwhile, so that it is counted once', async () => {
    const books = createBooks()
    books.begin('a', 20n)
    let endings = 2
    books.on.read = () => {
      endings -= 1
      if (endings === 0) books.end('a', 7n)
    }
    const view = await viewLedger(books, ['a'])
    assert.deepEqual([view.ended, view.holds, money([...view.entries])], [['a'], [], 7n])
  })
})

describe('a hold whose process is gone', () => {
  it('is settled by what the ledger tells, once nothing of the call is open any more', async () => {
    const books = createBooks()
    const store = new MemoryLimitStore()
    books.begin('a', 20n)
    const [open] = (await viewLedger(books, [])).holds
    assert.ok(open)
    const [line] = open.lines
    assert.ok(line)
    store.reserve(
      'a',
      open.lines.map(one => ({ ...one, most: undefined })),
      books.clock.now(),
    )
    const expired = [{ id: 'a', settledBy: 'a', atMs: books.clock.now(), parts: open.lines }]
    await settleExpired(books, store, expired)
    assert.deepEqual(store.read([line], books.clock.now()), [{ spent: 0n, held: 20n }])
    books.end('a', 6n, 2n)
    await settleExpired(books, store, expired)
    assert.deepEqual(store.read(open.lines, books.clock.now()), [
      { spent: 8n, held: 0n },
      { spent: 1n, held: 0n },
    ])
  })

  it('is let go when no attempt of its call went on record in all that time', async () => {
    const books = createBooks()
    const store = new MemoryLimitStore()
    const line = { key: 'x', rolling: undefined, endsAtMs: Number.POSITIVE_INFINITY, amount: 5n, most: 10n }
    const atMs = books.clock.now()
    store.reserve('a', [line], atMs)
    const expired = [{ id: 'a', settledBy: 'a', atMs, parts: [line] }]
    await settleExpired(books, store, expired)
    assert.equal(store.holds, 1)
    await settleExpired(books, store, [{ id: 'a', settledBy: 'a', atMs: atMs - 60_000, parts: [] }])
    assert.equal(store.holds, 0)
  })
})
