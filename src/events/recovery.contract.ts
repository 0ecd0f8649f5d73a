import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  attempt,
  type CallLog,
  idsOf,
  intentOf,
  otherInstance,
  thisInstance,
  type WholeAnswer,
} from './contract.log.ts'
import type { CallRow } from './record.ts'
import { recoverIntents, upsertInstance } from './store.ts'

const farOffMs = 3_600_000

/** What becomes of the calls of a process that has died, on any engine. */
export function recoveryContract(log: CallLog): void {
  const find = async (call: CallRow) => await log.get<WholeAnswer>(`/sluice/v1/calls/${idsOf([call])[0]}`)
  const recover = async (staleAfterMs: number) =>
    await recoverIntents(log.database, { instance: thisInstance, staleAfterMs })

  describe('recovery', () => {
    it('turns the attempts of a dead process into one call of unknown end', async () => {
      const call = log.call({ user_id: 'me', feature: 'chat' })
      const attempts = [attempt(1, 'openai/gpt-5'), attempt(2, 'anthropic/claude')]
      await log.intend(1, [intentOf(call, attempts[0])], otherInstance)
      await log.intend(2, [intentOf(call, attempts[1]), intentOf(log.call())], otherInstance)
      assert.equal(await recover(0), 2)
      const { status, code, target, cost, usage, ended_at, ...whole } = await find(call)
      assert.deepEqual(
        [status, code, target, ended_at],
        ['unknown', 'process_lost', 'anthropic/claude', null],
      )
      assert.deepEqual([cost, usage.source], [{ usd: null, state: 'unpriced' }, 'unknown'])
      assert.deepEqual(
        whole.attempts.map(({ n, target, status }) => [n, target, status]),
        [
          [1, 'openai/gpt-5', 'unknown'],
          [2, 'anthropic/claude', 'unknown'],
        ],
      )
      assert.equal((await log.get('/sluice/v1/calls?user=me&feature=chat')).data.length, 1)
    })

    it('takes from the dead once', async () => {
      await log.intend(1, [intentOf(log.call())], otherInstance)
      assert.deepEqual([await recover(0), await recover(0)], [1, 0])
    })

    it('leaves alone what living processes are doing, its own not least', async () => {
      const [mine, theirs] = [log.call(), log.call()]
      await upsertInstance(log.database, otherInstance)
      await log.intend(1, [intentOf(mine)])
      await log.intend(1, [intentOf(theirs)], otherInstance)
      assert.equal(await recover(farOffMs), 0)
      for (const call of [mine, theirs]) assert.equal((await find(call)).status, 'running')
    })

    it('keeps the end of a call that had one', async () => {
      const call = log.call()
      await log.intend(1, [intentOf(call)], otherInstance)
      await log.record([call])
      assert.equal(await recover(0), 0)
      assert.equal((await find(call)).status, 'succeeded')
    })

    it('is overruled by the true end, when the process was only out of reach', async () => {
      const call = log.call({ cost_pico_usd: '5000000000000', price_state: 'priced' })
      await log.intend(1, [intentOf(call)], otherInstance)
      await recover(0)
      await log.record([call])
      const { status, code, cost } = await find(call)
      assert.deepEqual([status, code, cost], ['succeeded', null, { usd: '5', state: 'priced' }])
    })

    it('never changes an end that is known', async () => {
      const call = log.call({ status: 'cancelled', code: 'client_closed' })
      await log.record([call])
      await log.record([{ ...call, status: 'succeeded' }])
      await log.intend(1, [intentOf(call)], otherInstance)
      await recover(0)
      const { status, code } = await find(call)
      assert.deepEqual([status, code], ['cancelled', 'client_closed'])
    })
  })
}
