import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { type Database, DatabaseUnavailable } from '#platform'
import { eventually } from '../../test/support/eventually.ts'
import { answered, held, type LedgerStage, startMs, type Tried } from './ledger-stage.contract.ts'

interface EntryRow {
  kind: string
  role: string
  source: string
  cost: string | null
  counted: string | null
  charge: string | null
}

const oneOf = <const T>(...values: T[]) => fc.constantFrom(...values)

const someAttempt: fc.Arbitrary<Tried> = fc.record(
  {
    target: oneOf('openai/gpt-5', 'anthropic/claude', 'house/org/llama'),
    status: oneOf('succeeded', 'failed', 'cancelled'),
    usage: fc.record({ input: fc.nat(1e6), output: fc.nat(1e6), reasoning: fc.nat(10) }),
    usageSource: oneOf('provider', 'estimate'),
    costPicoUsd: fc.bigInt({ min: 0n, max: 10n ** 20n }),
    lostRace: fc.boolean(),
  },
  { requiredKeys: ['target', 'status', 'usage', 'usageSource', 'costPicoUsd'] },
)

const someMade = fc.record({
  organization: oneOf('acme', 'globex'),
  user: oneOf('me', 'you', undefined),
  tags: fc.uniqueArray(oneOf('a', 'b', '"c\\'), { maxLength: 2 }),
  attempts: fc.array(someAttempt, { maxLength: 3 }),
})

/** What the ledger promises, on any engine. */
export function ledgerContract(stage: LedgerStage): void {
  const entries = async (callId?: string): Promise<EntryRow[]> =>
    await stage.rows<EntryRow>(
      `select kind, role, source, cost_pico_usd as cost, counted_pico_usd as counted, charge_pico_usd as charge
        from ledger where $1::uuid is null or call_id = $1 order by call_id, attempt, revision`,
      [callId?.slice('call_'.length) ?? null],
    )
  const total = async (column: string): Promise<string> => {
    const [row] = await stage.rows<{ sum: string }>(
      `select coalesce(sum(${column}), 0)::text as sum from ledger`,
    )
    return row?.sum ?? ''
  }

  describe('the ledger', () => {
    it('comes to what the calls cost, to the pico-dollar, whatever their attempts', async () => {
      const process = await stage.join()
      let expected = 0n
      await fc.assert(
        fc.asyncProperty(fc.array(someMade, { maxLength: 5 }), async calls => {
          for (const made of calls) {
            await process.call(made)
            for (const { costPicoUsd = 0n } of made.attempts) expected += costPicoUsd
          }
          assert.equal(await total('cost_pico_usd'), String(expected))
          assert.equal(await total('counted_pico_usd'), String(expected))
          const [row] = await stage.rows<{ sum: string }>(
            'select coalesce(sum(cost_pico_usd), 0)::text as sum from calls',
          )
          assert.equal(row?.sum, String(expected))
        }),
        { numRuns: 15 },
      )
      await process.leave()
    })

    it('charges the tenant once, for the attempt that answers; the others are our cost', async () => {
      const process = await stage.join({ chargeOf: cost => cost * 2n })
      const id = await process.call({
        attempts: [
          answered({ status: 'failed', target: 'openai/gpt-5', costPicoUsd: 7n }),
          answered({ status: 'failed', costPicoUsd: 5n }),
          answered({ status: 'cancelled', lostRace: true, reason: 'hedge', costPicoUsd: 3n }),
          answered({ costPicoUsd: 11n }),
        ],
      })
      const shown = (await entries(id)).map(({ role, cost, charge }) => [role, cost, charge])
      assert.deepEqual(shown, [
        ['fail_over', '7', '0'],
        ['retry', '5', '0'],
        ['hedge', '3', '0'],
        ['answer', '11', '22'],
      ])
      await process.leave()
    })

    it('has a void entry for an attempt that used nothing, and none for a call without attempts', async () => {
      const process = await stage.join()
      const none = { usage: undefined, usageSource: undefined, costPicoUsd: undefined } as unknown as Tried
      const id = await process.call({ attempts: [answered({ ...none, status: 'failed', hold: held(9n) })] })
      await process.call({ attempts: [] })
      const [entry, ...more] = await entries()
      assert.deepEqual([entry, more], [(await entries(id))[0], []])
      assert.deepEqual([entry?.kind, entry?.cost, entry?.counted], ['void', '0', '0'])
      await process.leave()
    })

    it('counts what was held where it is not known what was used, or what it cost', async () => {
      const process = await stage.join()
      const unknown = { costPicoUsd: undefined, usage: undefined, usageSource: 'unknown' } as unknown as Tried
      await process.call({ attempts: [answered({ ...unknown, hold: held(9n) })] })
      const unpriced = { costPicoUsd: undefined, hold: held(8n) } as unknown as Tried
      await process.call({ attempts: [answered(unpriced)] })
      const shown = (await entries()).map(({ source, cost, counted }) => [source, cost, counted])
      assert.deepEqual(shown, [
        ['unknown', null, '9'],
        ['provider', null, '8'],
      ])
      await process.leave()
    })

    it('has each fact once, when a statement is repeated because nobody knew its fate', async () => {
      const database = forgetful(stage.database)
      const process = await stage.join({ database })
      const exchange = await process.begin()
      await process.end(exchange)
      await eventually('the statement is repeated', () => database.forgotten === 2)
      await process.events.flush()
      assert.equal((await entries()).length, 1)
      await process.leave()
      assert.equal(process.ledger.counts.clashes, 0)
    })

    it('cannot be changed, only corrected', async () => {
      const process = await stage.join()
      await process.call()
      for (const text of ['update ledger set cost_pico_usd = 0', 'delete from ledger', 'truncate ledger'])
        await assert.rejects(stage.rows(text), /append-only/)
      await process.leave()
    })
  })

  describe('what a dead process leaves', () => {
    it('is posted by what was held, and set right by one entry when the truth comes after all', async () => {
      const told: bigint[] = []
      const slow = await stage.join({
        onCorrected: spent => void told.push(...spent.map(({ picoUsd }) => picoUsd)),
      })
      const exchange = await slow.begin({
        tags: ['a'],
        attempts: [
          answered({ status: 'failed', hold: held(100n), costPicoUsd: 0n, usage: {} }),
          answered({ hold: held(300n), costPicoUsd: 70n }),
        ],
      })
      await slow.events.flush()
      const other = await stage.join()
      assert.deepEqual(
        (await entries()).map(({ kind, role, source, cost, counted }) => [kind, role, source, cost, counted]),
        [
          ['post', 'retry', 'hold', null, '100'],
          ['post', 'answer', 'hold', null, '300'],
        ],
      )
      await slow.end(exchange)
      await slow.ledger.stop()
      assert.equal(await total('counted_pico_usd'), '70')
      assert.equal(await total('cost_pico_usd'), '70')
      assert.equal(await total('charge_pico_usd'), '70')
      assert.deepEqual(
        told.toSorted((one, two) => Number(one - two)),
        [-230n, -100n],
      )
      await other.ledger.start()
      assert.equal((await entries()).length, 4)
      for (const process of [slow, other]) await process.leave()
    })

    it('is no more than what was counted of an attempt that was over when the next one was made', async () => {
      const dying = await stage.join()
      const counts = (picoUsd: bigint) => ({ inputTokens: 3, outputTokens: 0, picoUsd })
      const exchange = await dying.begin({
        attempts: [
          answered({ status: 'failed', hold: held(100n), counts: counts(0n) }),
          answered({ status: 'failed', hold: held(200n), counts: counts(7n) }),
          answered({ hold: held(300n) }),
        ],
      })
      await dying.events.flush()
      const open = await all(dying.ledger.spentSince({ fromMs: 0, bucketMs: 3_600_000 }))
      const amounts = [
        [0n, 3],
        [7n, 3],
        [300n, 4000],
      ]
      assert.deepEqual(
        open.map(({ picoUsd, inputTokens }) => [picoUsd, inputTokens]),
        amounts,
      )
      const other = await stage.join()
      const spent = (await other.ledger.calls([exchange.call.id])).spent.get(exchange.call.id)
      assert.deepEqual(
        spent
          ?.map(({ picoUsd, inputTokens }) => [picoUsd, inputTokens])
          .toSorted((a, b) => Number(a[0]) - Number(b[0])),
        amounts,
      )
      await dying.end(exchange)
      for (const process of [dying, other]) await process.leave()
    })

    it('is not posted for a call that has ended', async () => {
      const dead = await stage.join()
      const exchange = await dead.begin()
      await dead.events.flush() // its intents stand in the table
      const [left] = await stage.rows<{ attempts: string }>('select attempts from call_intents')
      await dead.end(exchange)
      await stage.rows('delete from call_intents')
      await stage.rows(
        'insert into call_intents (instance, group_no, attempts) values (gen_random_uuid(), 1, $1)',
        [left?.attempts],
      )
      const other = await stage.join()
      assert.deepEqual(
        (await entries()).map(({ source }) => source),
        ['provider'],
      )
      for (const process of [dead, other]) await process.leave()
    })
  })

  spentContract(stage)
}

function spentContract(stage: LedgerStage): void {
  const hourMs = 3_600_000

  describe('what is spent since a time', () => {
    it('is the sum of what was counted, at any beginning, in any stretch, however much is in the sums', async () => {
      const process = await stage.join({ usersPerHour: 3 })
      const counted: { atMs: number; user: string | undefined; picoUsd: bigint }[] = []
      const some = fc.record({
        atMs: fc.nat({ max: 5 * hourMs - 1 }),
        user: oneOf(...Array.from({ length: 8 }, (_, n) => `user ${n}`), undefined),
        picoUsd: fc.bigInt({ min: 0n, max: 10n ** 15n }),
      })
      const query = fc.record({
        fromMs: fc.nat({ max: 5 * hourMs }),
        bucketMs: oneOf(60_000, hourMs, 6 * hourMs),
        catchesUp: fc.boolean(),
      })
      await fc.assert(
        fc.asyncProperty(
          fc.array(some, { maxLength: 6 }),
          query,
          async (calls, { fromMs, bucketMs, catchesUp }) => {
            for (const { atMs, user, picoUsd } of calls) {
              const hold = held(picoUsd, { atMs: startMs + atMs })
              await process.call({ user, attempts: [answered({ hold, costPicoUsd: picoUsd })] })
              counted.push({ atMs: startMs + atMs, user, picoUsd })
            }
            if (catchesUp) await process.ledger.catchUp()
            const sums = new Map<string, bigint>()
            const add = (user: string | undefined, bucket: number, picoUsd: bigint): void => {
              const key = `${user} ${bucket}`
              sums.set(key, (sums.get(key) ?? 0n) + picoUsd)
            }
            for await (const { subject, atMs, picoUsd } of process.ledger.spentSince({
              fromMs: startMs + fromMs,
              bucketMs,
            }))
              add(subject.user, atMs, picoUsd)
            for (const { atMs, user, picoUsd } of counted)
              if (atMs >= startMs + fromMs) add(user, Math.floor(atMs / bucketMs) * bucketMs, -picoUsd)
            assert.deepEqual(
              [...sums].filter(([, sum]) => sum !== 0n),
              [],
            )
          },
        ),
        { numRuns: 30 },
      )
      assert.ok(process.ledger.counts.folded > 0, 'some users were too many to be told apart')
      await process.leave()
    })

    it('tells how many calls there were, however often each was attempted, and whether or not they are in the sums', async () => {
      const process = await stage.join()
      const failed = answered({ status: 'failed', usage: {}, costPicoUsd: 0n })
      await process.call({ attempts: [failed, failed, answered()] })
      await process.call({ attempts: [failed] })
      await process.ledger.catchUp()
      await process.call({ attempts: [failed, answered({ target: 'anthropic/claude' })] })
      for (const bucketMs of [60_000, hourMs]) {
        const spent = await all(process.ledger.spentSince({ fromMs: startMs - hourMs, bucketMs }))
        const calls = Map.groupBy(spent, ({ target }) => target)
        const count = (target: string): number =>
          (calls.get(target) ?? []).reduce((sum, one) => sum + (one.calls ?? 0), 0)
        assert.deepEqual([count('openai/gpt-5-mini'), count('anthropic/claude')], [2, 1])
      }
      await process.leave()
    })

    it('has what is held for attempts under way, told apart from what is spent', async () => {
      const process = await stage.join()
      const exchange = await process.begin({ user: 'me', attempts: [answered({ hold: held(42n) })] })
      await process.events.flush()
      const spent = await all(process.ledger.spentSince({ fromMs: startMs, bucketMs: hourMs }))
      assert.deepEqual(
        spent.map(({ subject, picoUsd, inputTokens, open }) => [subject.user, picoUsd, inputTokens, open]),
        [['me', 42n, 4000, { callId: exchange.call.id, attempt: 1 }]],
      )
      await process.end(exchange)
      const after = await all(process.ledger.spentSince({ fromMs: startMs, bucketMs: hourMs }))
      assert.deepEqual(
        after.map(({ picoUsd, open }) => [picoUsd, open]),
        [[1_250_000_000n, undefined]],
      )
      await process.leave()
    })

    it('says what each feature cost in an hour', async () => {
      const process = await stage.join()
      for (const feature of ['chat', 'chat', undefined]) await process.call({ feature })
      await process.ledger.catchUp()
      const hour = Math.floor(startMs / hourMs) * hourMs
      const spend = await process.ledger.hourlySpend(hour, hour + hourMs)
      const costs = new Map(spend.map(({ feature, costPicoUsd }) => [feature, costPicoUsd]))
      assert.deepEqual([costs.get('chat'), costs.get(null)], [2_500_000_000n, 1_250_000_000n])
      assert.deepEqual(await process.ledger.hourlySpend(hour + hourMs, hour + 2 * hourMs), [])
      await process.leave()
    })

    it('can be left in the middle', async () => {
      const process = await stage.join()
      await process.call()
      for await (const { picoUsd } of process.ledger.spentSince({ fromMs: 0, bucketMs: hourMs })) {
        assert.equal(picoUsd, 1_250_000_000n)
        break
      }
      await process.call()
      await process.leave()
    })
  })
}

async function all<T>(some: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const one of some) found.push(one)
  return found
}

/** Commits a batch of calls, and says twice that it cannot tell. */
function forgetful(database: Database): Database & { forgotten: number } {
  const through = {
    forgotten: 0,
    async query<Row>(statement: { name?: string; text: string }, values?: readonly unknown[]) {
      const rows = await database.query<Row>(statement, values)
      if (statement.name !== 'insert_calls_beside' || through.forgotten === 2) return rows
      through.forgotten += 1
      throw new DatabaseUnavailable('the connection was lost')
    },
    transaction: <T>(work: Parameters<typeof database.transaction<T>>[0]) => database.transaction(work),
    close: async () => undefined,
  }
  return through
}
