import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BillBook } from './bill.ts'

function enter(bill: BillBook, tag: string | null = null) {
  return bill.enter({ at: 1, operation: 'chat', idPrefix: 'chatcmpl-', model: 'sim-1', stream: false, tag })
}

test('shows a request as running until it is closed, with what it has produced so far', () => {
  const bill = new BillBook(1)
  const entry = enter(bill, 'mine')
  entry.read(10, 4)
  entry.reason(3)
  entry.produce(2)
  const [running] = bill.lines()
  assert.equal(running?.outcome, 'running')
  assert.equal(running?.status, 0)
  assert.equal(running?.output_tokens, 5)
  entry.close('cut', { status: 200, at: 7 })
  assert.deepEqual(bill.lines(), [{ ...running, outcome: 'cut', status: 200, ended_at: 7 }])
  assert.deepEqual(bill.totals(), {
    requests: 1,
    running: 0,
    most_running: 1,
    ended: 0,
    cut: 1,
    refused: 0,
    input_tokens: 10,
    cached_input_tokens: 4,
    output_tokens: 5,
    reasoning_tokens: 3,
  })
})

test('refuses to close a line twice', () => {
  const entry = enter(new BillBook(1))
  entry.close('ended', { status: 200, at: 7 })
  assert.throws(() => entry.close('ended', { status: 200, at: 7 }), /closed once/)
})

test('begins a new bill on reset, and keeps requests on their way off it', () => {
  const bill = new BillBook(1)
  const before = enter(bill)
  const firstId = bill.lines()[0]?.id
  bill.reset()
  before.produce(5)
  before.close('ended', { status: 200, at: 7 })
  assert.equal(bill.totals().requests, 0)
  assert.equal(bill.totals().output_tokens, 0)
  enter(bill)
  assert.equal(bill.lines()[0]?.n, 1)
  assert.notEqual(bill.lines()[0]?.id, firstId)
})

test('pages through many requests without gaps or repeats', () => {
  const bill = new BillBook(1)
  for (let count = 0; count < 5000; count += 1) enter(bill)
  const seen: number[] = []
  for (
    let page = bill.lines({ limit: 999 });
    page.length > 0;
    page = bill.lines({ after: seen.length, limit: 999 })
  ) {
    seen.push(...page.map(line => line.n))
  }
  assert.deepEqual(
    seen,
    Array.from({ length: 5000 }, (_, index) => index + 1),
  )
})

test('lets the oldest lines go rather than grow for ever, and says so', () => {
  const bill = new BillBook(1)
  const kept = 1024 * 1024
  for (let count = 0; count < kept + 1; count += 1) enter(bill)
  assert.equal(bill.totals().requests, kept + 1)
  assert.equal(bill.dropped(), 1024)
  assert.equal(bill.lines({ limit: 1 })[0]?.n, 1025)
  assert.equal(bill.lines({ after: kept })[0]?.n, kept + 1)
})
