import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { callerOf, isFault, type Shelf } from './contract.shelf.ts'

interface List {
  object: string
  data: { id: string }[]
  first_id: string | null
  last_id: string | null
  has_more: boolean
}

export function routesContract(shelf: Shelf): void {
  const root = '/v1/responses'
  const list = (query = '', id = 'r2') => shelf.ask<List>('GET', `${root}/${id}/input_items${query}`)
  const idsOf = ({ data }: List): string[] => data.map(({ id }) => id)
  const item = (id: string): object => ({ type: 'message', id })

  /** r2 was shown i1, o1, i2, i3, i4. */
  const fill = async (): Promise<void> => {
    await shelf.turn({ id: 'r1', input: [item('i1')], output: [item('o1')] })
    await shelf.turn({ id: 'r2', input: [item('i2'), item('i3'), item('i4')], previous: 'r1' })
  }

  describe('input items', () => {
    it('are listed newest first unless told otherwise, with those of the turns before', async () => {
      await fill()
      const all = ['i1', 'o1', 'i2', 'i3', 'i4']
      assert.deepEqual(idsOf(await list()), all.toReversed())
      const { data: _, ...rest } = await list('?order=asc')
      assert.deepEqual(rest, { object: 'list', first_id: 'i1', last_id: 'i4', has_more: false })
      assert.deepEqual(idsOf(await list('?order=desc', 'r1')), ['i1'])
    })

    it('come in pages that leave nothing out and say when they end', async () => {
      await fill()
      const pages = ['?order=asc&limit=2', '?order=asc&limit=2&after=o1', '?order=asc&limit=2&after=i3']
      const shown = await Promise.all(pages.map(query => list(query)))
      assert.deepEqual(shown.map(idsOf), [['i1', 'o1'], ['i2', 'i3'], ['i4']])
      assert.deepEqual(
        shown.map(({ has_more }) => has_more),
        [true, true, false],
      )
      assert.equal((await list('?order=asc&limit=3&after=o1')).has_more, false)
      const beyond = await list('?order=asc&after=i4')
      assert.deepEqual([beyond.data, beyond.first_id, beyond.last_id], [[], null, null])
    })

    it('before one are those next to it', async () => {
      await fill()
      const page = await list('?order=asc&limit=2&before=i3')
      assert.deepEqual([idsOf(page), page.has_more], [['o1', 'i2'], true])
      assert.deepEqual(idsOf(await list('?order=asc&after=i1&before=i4&limit=2')), ['o1', 'i2'])
      assert.deepEqual(idsOf(await list('?order=desc&before=i3')), ['i4'])
    })

    it('with the same id twice do not lead a reader round in circles', async () => {
      await shelf.turn({ id: 'r2', input: [item('a'), item('b'), item('a'), item('c')] })
      assert.deepEqual(idsOf(await list('?order=asc&after=a')), ['c'])
    })

    it('are refused outside of what a list can be asked', async () => {
      await fill()
      for (const query of ['?limit=0', '?limit=101', '?order=up', '?after=nobody', '?before=nobody', '?x=1'])
        await assert.rejects(list(query), isFault('invalid_request'), query)
    })
  })

  it('find nothing of another organization or project, and delete nothing of theirs', async () => {
    await fill()
    for (const caller of [callerOf('acme', 'blog'), callerOf('globex', 'shop')]) {
      for (const [method, path] of [
        ['GET', '/r2'],
        ['DELETE', '/r2'],
        ['GET', '/r2/input_items'],
        ['POST', '/r2/cancel'],
      ] as const) {
        const foreign = shelf.ask(method, root + path, caller)
        await assert.rejects(
          foreign,
          isFault('not_found', /^Response with id 'r2' not found\.$/),
          method + path,
        )
      }
    }
    assert.equal((await shelf.ask('GET', `${root}/r2`)).id, 'r2')
  })

  it('delete once', async () => {
    await fill()
    assert.deepEqual(await shelf.ask('DELETE', `${root}/r2`), { id: 'r2', object: 'response', deleted: true })
    await assert.rejects(shelf.ask('DELETE', `${root}/r2`), isFault('not_found'))
    assert.equal((await shelf.ask('GET', `${root}/r1`)).id, 'r1')
  })
}
