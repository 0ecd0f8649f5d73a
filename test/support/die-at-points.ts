/** The points at which `die-at.ts` ends the process: how each is come to. */
import { subscribe } from 'node:diagnostics_channel'
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { Rollup, systemClock } from '#platform'
import { Journal } from '../../src/events/journal.ts'
import { MemoryLimitStore } from '../../src/limits/memory-store.ts'
import { Reservation } from '../../src/limits/reservation.ts'
import { Session } from '../../src/platform/database/session.ts'

const [wanted = '', times = '1'] = (process.env.SLUICE_TEST_DIE_AT ?? '').split(':')
let left = Number(times)

function reach(point: string): void {
  if (point !== wanted) return
  left -= 1
  if (left <= 0) die()
}

function die(): never {
  process.kill(process.pid, 'SIGKILL')
  for (;;); // until it has come
}

type Method = (...values: never[]) => unknown

/** Comes to `before NAME` when it is called and to `after NAME` when it is done. */
function mark<T>(prototype: T, method: keyof T & string, name: string): void {
  const original = prototype[method] as Method
  const marked = function (this: T, ...values: never[]): unknown {
    reach(`before ${name}`)
    const result = original.apply(this, values)
    if (!(result instanceof Promise)) {
      reach(`after ${name}`)
      return result
    }
    return result.then(value => {
      reach(`after ${name}`)
      return value
    })
  }
  prototype[method] = marked as T[typeof method]
}

const statements: Record<string, RegExp> = {
  'the end of a call': /insert into calls .*\bposted\b/s,
  'a roll-up': /with next as \(select no, sum\(size\)/,
  'the sums of a roll-up': /insert into cost_rollups/,
  'the recovery': /with dead as/,
  'the intents of a dead process': /^insert into call_intents/,
  'the clean-up of a recovery': /^delete from instances/,
  'the counters': /distinct on \(id, n\)/,
}

function markStatements(): void {
  const original = Session.prototype.run
  Session.prototype.run = async function (statement, values) {
    const [name] = Object.entries(statements).find(([, text]) => text.test(statement.text)) ?? []
    if (name === undefined) return await original.call(this, statement, values)
    reach(`before ${name}`)
    const running = original.call(this, statement, values)
    setImmediate(() => reach(`during ${name}`))
    const result = await running
    reach(`after ${name}`)
    return result
  }
}

/** The log of intents is a file: half a line of it is written. */
function markIntents(): void {
  const original = fs.writeSync as (...values: unknown[]) => number
  const marked = (file: number, bytes: unknown, ...others: unknown[]): number => {
    const isIntent = bytes instanceof Buffer && bytes.includes('"started_at"')
    if (isIntent && wanted === 'half an intent') original(file, bytes.subarray(0, bytes.length / 2))
    if (isIntent) reach('half an intent')
    return original(file, bytes, ...others)
  }
  fs.writeSync = marked as typeof fs.writeSync
  syncBuiltinESMExports()
}

const onTheWire: Record<string, string> = {
  'undici:client:sendHeaders': 'the request is sent',
  'undici:request:bodySent': 'the request was sent',
  'undici:request:headers': 'the answer begins',
  'undici:request:bodyChunkReceived': 'a piece of the answer came',
  'undici:request:trailers': 'the last byte came',
}

mark(MemoryLimitStore.prototype, 'reserve', 'the reservation')
mark(Journal.prototype, 'intend', 'the intent')
mark(Reservation.prototype, 'settle', 'the settlement')
mark(Journal.prototype, 'record', 'the record')
mark(MemoryLimitStore.prototype, 'add', 'counters are filled')
markStatements()
markIntents()
for (const [channel, point] of Object.entries(onTheWire)) subscribe(channel, () => reach(point))
if (/roll-up/.test(wanted)) hurryRollups()

/** They are made when there is much to add, or it has waited for long. */
function hurryRollups(): void {
  Rollup.prototype.advance = Rollup.prototype.catchUp
  const after = systemClock.after.bind(systemClock)
  systemClock.after = (ms, work) => after(Math.min(ms, 50), work)
}
