import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { eventsMigrations } from '#events'
import { meteringMigrations } from '#metering'
import { migrate } from '#platform'
import { makeOlderSchema } from '../../test/support/older-schema.ts'
import { answered, held, type LedgerStage, startMs } from './ledger-stage.contract.ts'

const saved = '/sluice/v1/costs?from=2026-01-14&group_by=model'

/** What the ledger and its sums say of providers' prompt caches, on any engine. */
export function cacheSavingContract(stage: LedgerStage): void {
  describe('what a prompt cache spared', () => {
    it('stands in its entry and in no other, and corrections leave it as it is', async () => {
      const process = await stage.join()
      const hold = held(9n)
      const call = await process.call({
        attempts: [
          answered({ status: 'failed', hold }),
          answered({ status: 'failed', hold, cacheSavedPicoUsd: -3n }),
          answered({ hold }),
        ],
      })
      const body = { id: 'credit-1', call, attempt: 2, amount_usd: '-0.5', reason: 'credit note' }
      const adjusted = await process.ask('/sluice/v1/ledger/adjustments', { body })
      assert.equal(adjusted.cache_saved_usd, null)
      const { data } = await process.ask('/sluice/v1/ledger')
      const shown = data.map(({ kind, attempt, cache_saved_usd }: Record<string, unknown>) => [
        `${kind} of ${attempt}`,
        cache_saved_usd,
      ])
      assert.deepEqual(Object.fromEntries(shown), {
        'hold of 1': null,
        'post of 1': null,
        'hold of 2': null,
        'post of 2': '-0.000000000003',
        'adjust of 2': null,
        'hold of 3': null,
        'post of 3': null,
      })
      assert.equal((await process.ask(saved)).total.cache_saved_usd, '-0.000000000003')
      await process.leave()
    })

    it('is exported in the last column', async () => {
      const process = await stage.join()
      await process.call({ attempts: [answered({ cacheSavedPicoUsd: -3n })] })
      await stage.rows('alter table ledger disable trigger user')
      await stage.rows(`update ledger set recorded_at = recorded_at - interval '1 minute'`)
      const csv: string = await process.ask('/sluice/v1/ledger/export?format=csv')
      assert.match(csv, /^.*,cache_saved_pico_usd\n.*,-3\n$/)
      await process.leave()
    })

    it('is in the sums when the truth comes late', async () => {
      const slow = await stage.join()
      const exchange = await slow.begin({
        attempts: [answered({ hold: held(300n), cacheSavedPicoUsd: 40n })],
      })
      await slow.events.flush()
      const other = await stage.join()
      assert.equal((await other.ask(saved)).total.cache_saved_usd, '0')
      await slow.end(exchange)
      await slow.ledger.stop()
      assert.equal((await other.ask(saved)).total.cache_saved_usd, '0.00000000004')
      for (const process of [slow, other]) await process.leave()
    })

    it('is nothing in entries and sums of a version that did not reckon it', async () => {
      await leaveAsOlderVersion(stage)
      const fresh = await migrate(stage.database, [eventsMigrations, meteringMigrations])
      assert(fresh.includes('metering/002-cache-savings'))
      const process = await stage.join()
      await process.call({ attempts: [answered({ cacheSavedPicoUsd: 40n, costPicoUsd: 1n })] })
      for (let times = 0; times < 2; times++) {
        const { data } = await process.ask(`${saved}&bucket=hour`)
        assert.deepEqual(
          data.map((row: Record<string, unknown>) => [row.attempts, row.cost_usd, row.cache_saved_usd]),
          [[3, '0.000000000031', '0.00000000004']],
        )
        await process.ledger.catchUp()
      }
      const { data } = await process.ask('/sluice/v1/ledger')
      assert.deepEqual(
        data.map((entry: Record<string, unknown>) => entry.cache_saved_usd),
        ['0.00000000004', null],
      )
      await process.leave()
    })
  })
}

/** One attempt in the sums already (its entry left out), another one that waits to be added; by the first schema. */
async function leaveAsOlderVersion(stage: LedgerStage): Promise<void> {
  const at = new Date(startMs).toISOString()
  await makeOlderSchema(stage.database, meteringMigrations, 1)
  await stage.rows(
    `insert into cost_rollups (level, at, digest, organization, project, model, tags, answers, estimated, entries, unpriced,
      input_tokens, cached_input_tokens, cache_write_tokens, audio_input_tokens, image_input_tokens, output_tokens,
      reasoning_tokens, audio_output_tokens, image_output_tokens, cost_pico_usd, charge_pico_usd, counted_pico_usd,
      counted_input_tokens, counted_output_tokens)
    values (7, $1, md5('')::uuid, 'acme', 'shop', 'fast', '{}', true, false, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10, 10, 10, 0, 0)`,
    [at],
  )
  await stage.rows(
    `with posted as (
      insert into ledger (call_id, attempt, revision, kind, held_at, organization, project, key_id, key_name, model, target,
        provider, class, tags, role, source, cost_pico_usd)
      values ('00000000-0000-7000-8000-000000000001', 1, 0, 'post', $1, 'acme', 'shop', 'key_1', 'web', 'fast',
        'openai/gpt-5', 'openai', 'interactive', '{}', 'answer', 'provider', 20) returning seq)
    insert into ledger_feed (size, keys) select 1, array_agg(seq) from posted`,
    [at],
  )
}
