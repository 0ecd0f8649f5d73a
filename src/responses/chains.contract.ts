import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { accept } from '#exchange'
import {
  acme,
  answerOf,
  askedOf,
  callerOf,
  callOf,
  dayMs,
  isFault,
  retentionMs,
  type Shelf,
} from './contract.shelf.ts'

const said = (text: string): object => ({ type: 'message', role: 'user', text })
const answered = (text: string): object => ({ type: 'message', role: 'assistant', text })
const texts = (items: readonly unknown[]): unknown[] => items.map(item => (item as { text: string }).text)

export function chainsContract(shelf: Shelf): void {
  const resume = async (previous: string, caller = acme) =>
    accept(await shelf.responses.resume(askedOf({ input: [], previous }), caller))
  const notFound = isFault('previous_response_not_found')

  /** r1 … rN, each going on from the one before. */
  const converse = async (turns: number, from = 1): Promise<void> => {
    for (let n = from; n < from + turns; n += 1) {
      await shelf.turn({
        id: `r${n}`,
        input: [said(`q${n}`)],
        output: [answered(`a${n}`)],
        ...(n > 1 && { previous: `r${n - 1}` }),
      })
    }
  }

  describe('a chain', () => {
    it('shows all that was said before, oldest first, inputs before outputs', async () => {
      await converse(3)
      const shown = await shelf.turn({ id: 'r4', previous: 'r3', input: [said('q4')] })
      assert.deepEqual(texts(shown), ['q1', 'a1', 'q2', 'a2', 'q3', 'a3', 'q4'])
    })

    it('branches where two go on from one', async () => {
      await converse(2)
      await shelf.turn({ id: 'other', previous: 'r1', input: [said('else')] })
      assert.deepEqual(texts(await shelf.turn({ id: 'x', previous: 'other' })), ['q1', 'a1', 'else'])
      assert.deepEqual(texts(await shelf.turn({ id: 'y', previous: 'r2' })), ['q1', 'a1', 'q2', 'a2'])
    })

    it('gives items back as they were, whatever stands in them', async () => {
      const odd = { type: 'x', text: 'a\u0000b\ud800 💡', deep: { z: 1, a: [null, 1e21, -0.1] }, '': '' }
      await shelf.turn({ id: 'r1', input: [odd], output: [odd] })
      const [input, output] = await shelf.turn({ id: 'r2', previous: 'r1' })
      const { id: _, ...rest } = input as Record<string, unknown>
      assert.equal(JSON.stringify(rest), JSON.stringify(odd))
      assert.equal(JSON.stringify(output), JSON.stringify(odd))
      const response = await shelf.ask('GET', '/v1/responses/r1')
      assert.deepEqual(Object.keys(response), ['id', 'object', 'output', 'usage'])
      assert.deepEqual(response.output, [odd])
    })

    it('is not continued by another organization or project, though theirs has the same id', async () => {
      const [neighbour, stranger] = [callerOf('acme', 'blog'), callerOf('globex', 'shop')]
      await converse(2)
      for (const caller of [neighbour, stranger]) {
        await assert.rejects(resume('r2', caller), notFound)
        await shelf.turn({ id: 'r2', input: [said('theirs')], caller })
        assert.deepEqual(texts(await shelf.turn({ id: 'x', previous: 'r2', caller })), ['theirs'])
      }
      assert.deepEqual(texts(await shelf.turn({ id: 'r3', previous: 'r2' })), ['q1', 'a1', 'q2', 'a2'])
    })

    it('never leads into another’s rows, even if it should point there', async () => {
      await shelf.turn({ id: 'theirs', input: [said('secret')], caller: callerOf('globex', 'shop') })
      await shelf.turn({ id: 'mine', input: [said('q')] })
      await shelf.database.query({
        text: `update responses set previous = (select id from responses where response_id = 'theirs')
          where response_id = 'mine'`,
      })
      await assert.rejects(resume('mine'), notFound)
      const { data } = await shelf.ask<{ data: unknown[] }>('GET', '/v1/responses/mine/input_items')
      assert.deepEqual(texts(data), ['q'])
    })

    it('stays what it was when a provider makes an id twice', async () => {
      await converse(2)
      await shelf.turn({ id: 'r1', previous: 'r1', input: [said('again')] })
      assert.deepEqual(texts(await shelf.turn({ id: 'r3', previous: 'r2' })), ['q1', 'a1', 'q2', 'a2'])
      assert.deepEqual(texts(await shelf.turn({ id: 'x', previous: 'r1' })), ['q1', 'a1', 'again'])
    })

    it('with a hole in it is refused, and can still be read', async () => {
      await converse(3)
      await shelf.ask('DELETE', '/v1/responses/r2')
      await assert.rejects(
        resume('r3'),
        isFault('previous_response_not_found', /goes on from has been deleted/),
      )
      const { data } = await shelf.ask<{ data: unknown[] }>('GET', '/v1/responses/r3/input_items')
      assert.deepEqual(texts(data), ['q3'])
      assert.deepEqual(texts(await shelf.turn({ id: 'x', previous: 'r1' })), ['q1', 'a1'])
    })

    it('that lost a turn while the next was made does not close over the hole', async () => {
      await converse(2)
      const { responses } = shelf
      const asked = askedOf({ input: [said('q3')], previous: 'r2' })
      const resumed = accept(await responses.resume(asked, acme))
      await shelf.ask('DELETE', '/v1/responses/r2')
      await responses.keep(answerOf({ id: 'r3' }), {
        asked: resumed,
        call: callOf('0'.repeat(32), asked, acme),
      })
      await assert.rejects(resume('r3'), notFound)
    })

    it('is refused, in clear words, when it has grown too long', async () => {
      const input = Array.from({ length: 6_000 }, (_, n) => said(`${n}`))
      await shelf.turn({ id: 'r1', input })
      await shelf.turn({ id: 'r2', input, previous: 'r1' })
      await assert.rejects(resume('r2'), isFault('invalid_request', /longer than the 10000 items or 32 MB/))
      const { data } = await shelf.ask<{ data: unknown[] }>('GET', '/v1/responses/r2/input_items?limit=1')
      assert.deepEqual(texts(data), ['5999'])
      const heavy = [said('x'.repeat(17 * 1024 ** 2))]
      await shelf.turn({ id: 'h1', input: heavy })
      await shelf.turn({ id: 'h2', input: heavy, previous: 'h1' })
      await assert.rejects(resume('h2'), isFault('invalid_request', /longer than/))
    })
  })

  describe('time', () => {
    it('ends a response after its retention', async () => {
      await converse(1)
      shelf.clock.pass(retentionMs - 1)
      assert.equal((await shelf.ask('GET', '/v1/responses/r1')).id, 'r1')
      shelf.clock.pass(1)
      for (const [method, path] of [
        ['GET', '/v1/responses/r1'],
        ['GET', '/v1/responses/r1/input_items'],
        ['DELETE', '/v1/responses/r1'],
      ] as const)
        await assert.rejects(shelf.ask(method, path), isFault('not_found'), `${method} ${path}`)
      await assert.rejects(resume('r1'), notFound)
    })

    it('does not take the beginning of a conversation that goes on', async () => {
      await converse(1)
      for (let turn = 2; turn <= 6; turn += 1) {
        shelf.clock.pass(20 * dayMs)
        await converse(1, turn)
      }
      shelf.clock.pass(retentionMs - 1)
      const shown = texts(await shelf.turn({ id: 'last', previous: 'r6' }))
      assert.equal(shown.length, 12)
      assert.equal(shown[0], 'q1')
    })

    it('rewrites the rows of a busy conversation once a day, not with every turn', async () => {
      await converse(3)
      const versions = () =>
        shelf.database.query<{ xmin: string }>({
          text: `select xmin::text from responses where response_id in ('r1', 'r2') order by id`,
        })
      const before = await versions()
      shelf.clock.pass(dayMs / 2)
      await converse(3, 4)
      const once = await versions()
      assert.notDeepEqual(once, before)
      shelf.clock.pass(dayMs / 2)
      await converse(2, 7)
      assert.deepEqual(await versions(), once)
    })

    it('has what is over swept away, and nothing else', async () => {
      await converse(1)
      shelf.clock.pass(dayMs)
      await shelf.turn({ id: 'later' })
      shelf.responses.start()
      shelf.clock.pass(retentionMs - 1)
      await shelf.responses.stop()
      const left = await shelf.database.query({ text: 'select response_id as id from responses' })
      assert.deepEqual(left, [{ id: 'later' }])
    })

    it('of new responses is what the configuration says now', async () => {
      shelf.responses.retain(dayMs)
      await converse(1)
      shelf.responses.retain(retentionMs)
      await shelf.turn({ id: 'kept' })
      shelf.clock.pass(dayMs)
      await assert.rejects(shelf.ask('GET', '/v1/responses/r1'), isFault('not_found'))
      assert.equal((await shelf.ask('GET', '/v1/responses/kept')).id, 'kept')
    })
  })
}
