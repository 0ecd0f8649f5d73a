import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { accept, type Decision, Fault, type Presence } from '#exchange'
import { type Clock, createLog, createUuids, type Database, systemChance } from '#platform'
import {
  type Claim,
  createIdempotency,
  type Idempotency,
  type KeyedRequest,
  type Recording,
} from './index.ts'

const startMs = Date.UTC(2026, 0, 15, 12)
const keepMs = 24 * 3_600_000
const leaseMs = 30_000
const there: Presence = { gone: false, onGone: () => undefined }

/** What holds of keys on any engine, between two processes that share a database. */
export function claimsContract(open: () => Database): void {
  describe('keys', () => {
    let clock: HandClock
    let newUuid: () => string
    let one: Idempotency
    let two: Idempotency

    const join = async ({ shared = true, at = clock as Clock } = {}): Promise<Idempotency> => {
      const log = createLog('silent')
      const joined = createIdempotency({ database: open(), clock: at, log, instance: newUuid(), shared })
      joined.limit({ keepMs, maxAnswerBytes: 100_000 })
      await joined.start()
      return joined
    }

    beforeEach(async () => {
      await open().query({ text: 'delete from idempotency_keys' })
      clock = createHandClock(async () => void (await open().query({ text: 'select 1' })))
      newUuid = createUuids(clock, systemChance)
      one = await join()
      two = await join()
    })

    const requestOf = (more: Partial<KeyedRequest> = {}): KeyedRequest => ({
      organization: 'acme',
      project: 'shop',
      key: 'k',
      callId: `call_${newUuid()}`,
      address: 'POST /v1/chat/completions',
      provider: undefined,
      contentType: 'application/json',
      body: Buffer.from('{}'),
      ...more,
    })

    it('are claimed by one of many, on either process', async () => {
      const asked = Array.from({ length: 20 }, (_, n) => (n % 2 ? one : two).claim(requestOf(), there))
      const making = await Promise.race(asked).then(made)
      assert.ok(making)
      await write(making, 'an answer')
      const claims = await clock.passUntil(Promise.all(asked))
      const makers = claims.map(claim => accept(claim)).filter(({ kind }) => kind === 'make')
      assert.equal(makers.length, 1)
      for (const claim of claims) assert.equal(await textOf(accept(claim)), 'an answer')
    })

    it('give an answer again until its time is over, and then make it anew', async () => {
      const first = made(await one.claim(requestOf(), there))
      await write(first, 'an answer')
      clock.pass(keepMs - 1)
      const again = accept(await two.claim(requestOf(), there))
      assert.equal(again.kind === 'repeat' && again.tape.callId, first.tape.callId)
      assert.deepEqual(again.kind === 'repeat' && again.tape.head, head)
      clock.pass(1)
      const other = requestOf({ body: Buffer.from('another') })
      made(await two.claim(other, there))
    })

    it('belong to one body, one address, one provider', async () => {
      await write(made(await one.claim(requestOf(), there)), 'an answer')
      const others = [{ body: Buffer.from('{ }') }, { address: 'POST /v1/responses' }, { provider: 'up' }]
      for (const other of others) {
        for (const process of [one, two])
          assert.equal(codeOf(await process.claim(requestOf(other), there)), 'idempotency_key_reused')
      }
    })

    it('belong to one organization and project', async () => {
      await write(made(await one.claim(requestOf(), there)), 'an answer')
      for (const other of [{ organization: 'globex' }, { project: 'office' }])
        made(await one.claim(requestOf(other), there))
    })

    it('are free again when their call has failed', async () => {
      const first = made(await one.claim(requestOf(), there))
      first.fail(new Fault('provider_failed', 'It failed.'))
      made(await one.claim(requestOf(), there)).fail(new Fault('provider_failed', 'It failed again.'))
      made(await clock.passUntil(two.claim(requestOf(), there)))
    })

    it('are held as long as their process renews them: the others wait, but not for ever', async () => {
      made(await one.claim(requestOf(), there))
      await clock.passUntil(passed(3 * leaseMs))
      const refused = await clock.passUntil(two.claim(requestOf(), there))
      assert.ok(!refused.ok && refused.code === 'idempotency_conflict')
      assert.ok(refused.detail?.retryAfterMs)
      const gone = { ...there, gone: true }
      assert.equal(codeOf(await two.claim(requestOf(), gone)), 'idempotency_conflict')
    })

    it('are taken over from a process that is dead, and what it brings later does not count', async () => {
      const stopped = { ...clock, after: () => () => undefined }
      const dead = made(await (await join({ at: stopped })).claim(requestOf(), there))
      clock.pass(leaseMs)
      const making = made(await two.claim(requestOf(), there))
      await write(dead, 'late')
      await write(making, 'an answer')
      assert.equal(await textOf(accept(await one.claim(requestOf(), there))), 'an answer')
      dead.fail(new Fault('provider_failed', 'It failed.'))
      await dead.settled
      assert.equal(await textOf(accept(await one.claim(requestOf(), there))), 'an answer')
    })

    it('of a dead process are free at once where there can be no other', async () => {
      made(await one.claim(requestOf(), there))
      const next = await join({ shared: false })
      made(await next.claim(requestOf(), there))
    })

    it('are swept when their time is over, and not before', async () => {
      await write(made(await one.claim(requestOf({ key: 'old' }), there)), 'an answer')
      clock.pass(keepMs / 2)
      await write(made(await one.claim(requestOf({ key: 'new' }), there)), 'an answer')
      clock.pass(keepMs / 2)
      await clock.passUntil(
        (async () => {
          for (let keys = await keysKept(); keys.length > 1; keys = await keysKept());
        })(),
      )
      assert.deepEqual(await keysKept(), ['new'])
    })

    it('of an answer that is too large refuse to make it again', async () => {
      const recording = made(await one.claim(requestOf(), there))
      await write(recording, 'x'.repeat(100_001))
      assert.equal(recording.tape.state, 'spilled')
      for (const process of [one, two])
        assert.equal(codeOf(await process.claim(requestOf(), there)), 'idempotency_not_kept')
    })

    const keysKept = async (): Promise<string[]> => {
      const rows = await open().query<{ key: string }>({
        text: 'select key from idempotency_keys order by key',
      })
      return rows.map(({ key }) => key)
    }

    const passed = (ms: number): Promise<void> => new Promise(resolve => clock.after(ms, resolve))
  })
}

const head = { streamed: true, status: 200, headers: { 'content-type': 'text/plain' }, target: 'sim/one' }

async function write(recording: Recording, text: string): Promise<void> {
  recording.tape.begin(head)
  recording.tape.add(Buffer.from(text))
  await recording.finish()
}

function made(decision: Decision<Claim>): Recording {
  const claim = accept(decision)
  assert.ok(claim.kind === 'make', 'the call is to be made')
  return claim.recording
}

async function textOf(claim: Claim): Promise<string> {
  return (claim.kind === 'make' ? claim.recording.tape : claim.tape).whole().toString()
}

function codeOf(decision: Decision<unknown>): string | undefined {
  return decision.ok ? undefined : decision.code
}

interface HandClock extends Clock {
  pass(ms: number): void
  /** Lets time pass until there is an answer, and with each step the database catch up. */
  passUntil<T>(answer: Promise<T>): Promise<T>
}

function createHandClock(catchUp: () => Promise<void>): HandClock {
  let passedMs = 0
  const timers = new Set<{ atMs: number; work: () => void }>()
  const pass = (ms: number): void => {
    passedMs += ms
    for (const timer of [...timers]) if (timer.atMs <= passedMs && timers.delete(timer)) timer.work()
  }
  return {
    now: () => startMs + passedMs,
    monotonic: () => passedMs,
    after(ms, work) {
      const timer = { atMs: passedMs + ms, work }
      timers.add(timer)
      return () => timers.delete(timer)
    },
    pass,
    async passUntil(answer) {
      let settled = false
      const done = answer.finally(() => {
        settled = true
      })
      while (!settled) {
        await catchUp()
        pass(50)
      }
      return await done
    },
  }
}
