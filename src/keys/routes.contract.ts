import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  admin,
  createClient,
  type House,
  isFault,
  type KeyAnswer,
  type ListAnswer,
} from './contract.house.ts'

interface Named {
  name: string
}

export function routesContract(house: House): void {
  organizationsContract(house)
  keysRoutesContract(house)
}

function organizationsContract(house: House): void {
  describe('organizations and projects', () => {
    it('are made, listed and deleted', async () => {
      const client = createClient(house.start())
      await client('POST', '/sluice/v1/organizations', { name: 'acme' })
      await client('POST', '/sluice/v1/organizations/acme/projects', { name: 'shop' })
      const organizations = await client<ListAnswer<Named>>('GET', '/sluice/v1/organizations')
      assert.deepEqual(names(organizations), ['acme', 'default'])
      const projects = await client<ListAnswer<Named>>('GET', '/sluice/v1/organizations/acme/projects')
      assert.deepEqual(names(projects), ['shop'])
      await client('DELETE', '/sluice/v1/organizations/acme/projects/shop')
      await client('DELETE', '/sluice/v1/organizations/acme')
      await assert.rejects(client('GET', '/sluice/v1/organizations/acme'), isFault('not_found'))
    })

    it('are refused twice, without their organization, and under names that are no slugs', async () => {
      const client = createClient(house.start())
      const make = (name: string) => client('POST', '/sluice/v1/organizations', { name })
      await make('acme')
      await assert.rejects(make('acme'), isFault('conflict'))
      const orphan = client('POST', '/sluice/v1/organizations/nowhere/projects', { name: 'shop' })
      await assert.rejects(orphan, isFault('not_found'))
      for (const name of ['Acme', '', '-a', 'a b', 'a/b', 'a\u0000', 'a'.repeat(64)]) {
        await assert.rejects(make(name), isFault('invalid_request'), name)
      }
    })

    it('stay while a live key is left, and take dead keys with them', async () => {
      const client = createClient(house.start())
      const at = new Date(house.clock.now() + 1_000).toISOString()
      const place = { organization: 'acme', project: 'shop' }
      const live = await client<KeyAnswer>('POST', '/sluice/v1/keys', { name: 'live', ...place })
      await client('POST', '/sluice/v1/keys', { name: 'expiring', expires_at: at, ...place })
      house.clock.pass(1_000)
      for (const path of ['acme', 'acme/projects/shop']) {
        await assert.rejects(client('DELETE', `/sluice/v1/organizations/${path}`), isFault('conflict'))
      }
      await client('DELETE', `/sluice/v1/keys/${live.id}`)
      await client('DELETE', '/sluice/v1/organizations/acme')
      await assert.rejects(client('GET', `/sluice/v1/keys/${live.id}`), isFault('not_found'))
    })

    it('lose no key that is made while they are deleted', async () => {
      const client = createClient(house.start())
      await client('POST', '/sluice/v1/organizations', { name: 'acme' })
      const wish = { name: 'late', organization: 'acme', project: 'shop' }
      const [key] = await Promise.allSettled([
        client<KeyAnswer>('POST', '/sluice/v1/keys', wish),
        client('DELETE', '/sluice/v1/organizations/acme'),
      ])
      assert(key.status === 'fulfilled')
      assert.equal((await client<KeyAnswer>('GET', `/sluice/v1/keys/${key.value.id}`)).organization, 'acme')
    })

    it('keep `default` for good', async () => {
      const client = createClient(house.start())
      for (const path of ['default', 'default/projects/default']) {
        await assert.rejects(client('DELETE', `/sluice/v1/organizations/${path}`), isFault('conflict'))
      }
    })
  })
}

function keysRoutesContract(house: House): void {
  describe('keys over the API', () => {
    it('show the credential in the answer that makes it, and never again', async () => {
      const client = createClient(house.start())
      const made = await client<KeyAnswer>('POST', '/sluice/v1/keys', { name: 'web' })
      assert.equal(made.hint, `sk-sluice-…${made.key.slice(-4)}`)
      const { key, ...rest } = made
      assert.deepEqual(await client('GET', `/sluice/v1/keys/${made.id}`), rest)
      assert(!JSON.stringify(await client('GET', '/sluice/v1/keys')).includes(key))
    })

    it('are listed newest first, page by page, each once', async () => {
      const client = createClient(house.start())
      for (let n = 1; n <= 5; n += 1) await client('POST', '/sluice/v1/keys', { name: `n${n}` })
      const seen: string[] = []
      let path = '/sluice/v1/keys?limit=2'
      for (let more = true; more; ) {
        const page = await client<ListAnswer<Named>>('GET', path)
        seen.push(...names(page))
        more = page.has_more
        path = `/sluice/v1/keys?limit=2&after=${page.next}`
      }
      assert.deepEqual(seen, ['n5', 'n4', 'n3', 'n2', 'n1'])
    })

    it('are listed by organization and project, revoked ones only when asked for', async () => {
      const client = createClient(house.start())
      const place = { organization: 'acme', project: 'shop' }
      const gone = await client<KeyAnswer>('POST', '/sluice/v1/keys', { name: 'gone', ...place })
      await client('POST', '/sluice/v1/keys', { name: 'here', ...place })
      await client('POST', '/sluice/v1/keys', { name: 'other' })
      await client('DELETE', `/sluice/v1/keys/${gone.id}`)
      const list = async (query: string) =>
        names(await client<ListAnswer<Named>>('GET', `/sluice/v1/keys?${query}`))
      assert.deepEqual(await list('organization=acme&project=shop'), ['here'])
      assert.deepEqual(await list('organization=acme&revoked=true'), ['here', 'gone'])
      assert.deepEqual(await list('organization=nowhere'), [])
    })

    it('keep what a change does not name, and lose a restriction that is set to null', async () => {
      const client = createClient(house.start())
      const expires_at = '2027-01-01T00:00:00.000Z'
      const made = await client<KeyAnswer>('POST', '/sluice/v1/keys', {
        name: 'web',
        models: ['fast'],
        expires_at,
      })
      const change = (body: object) => client<KeyAnswer>('PATCH', `/sluice/v1/keys/${made.id}`, body)
      const renamed = await change({ name: 'shop window' })
      assert.deepEqual(
        [renamed.name, renamed.models, renamed.expires_at],
        ['shop window', ['fast'], expires_at],
      )
      const freed = await change({ models: null, expires_at: null })
      assert.deepEqual([freed.name, freed.models, freed.expires_at], ['shop window', null, null])
    })

    it('cannot be changed or rotated once revoked, and revoking twice keeps the first time', async () => {
      const client = createClient(house.start())
      const { id } = await client<KeyAnswer>('POST', '/sluice/v1/keys', { name: 'web' })
      const path = `/sluice/v1/keys/${id}`
      const first = await client<KeyAnswer>('DELETE', path)
      house.clock.pass(1_000)
      assert.deepEqual(await client<KeyAnswer>('DELETE', path), first)
      await assert.rejects(client('PATCH', path, { name: 'back' }), isFault('conflict'))
      await assert.rejects(client('POST', `${path}/rotate`), isFault('conflict'))
    })

    it('refuse a key that would revoke itself', async () => {
      const keys = house.start()
      const { id } = await createClient(keys)<KeyAnswer>('POST', '/sluice/v1/keys', {
        name: 'boss',
        role: 'admin',
      })
      const self = createClient(keys, { ...admin, keyId: id })
      await assert.rejects(self('DELETE', `/sluice/v1/keys/${id}`), isFault('conflict'))
    })

    it('refuse fields nobody may set, empty lists, stars in the middle, and times that have passed', async () => {
      const client = createClient(house.start())
      const wrong = [
        {},
        { name: '' },
        { name: 'a\u0000b' },
        { name: 'a', id: 'key_mine' },
        { name: 'a', hash: 'ab' },
        { name: 'a', created_by: 'someone' },
        { name: 'a', role: 'owner' },
        { name: 'a', role: 'admin', organization: 'acme' },
        { name: 'a', organization: '../acme' },
        { name: 'a', models: [] },
        { name: 'a', models: ['gpt-*-mini'] },
        { name: 'a', models: [''] },
        { name: 'a', expires_at: '' },
        { name: 'a', expires_at: 'tomorrow' },
        { name: 'a', expires_at: '2027-13-45T00:00:00Z' },
        { name: 'a', expires_at: '2020-01-01T00:00:00Z' },
      ]
      for (const body of wrong) {
        await assert.rejects(
          client('POST', '/sluice/v1/keys', body),
          isFault('invalid_request'),
          JSON.stringify(body),
        )
      }
      assert.deepEqual(names(await client<ListAnswer<Named>>('GET', '/sluice/v1/keys')), [])
    })

    it('are not found under ids that do not exist', async () => {
      const client = createClient(house.start())
      const path = `/sluice/v1/keys/key_${'0'.repeat(32)}`
      await assert.rejects(client('GET', path), isFault('not_found'))
      await assert.rejects(client('DELETE', path), isFault('not_found'))
      await assert.rejects(client('PATCH', path, { name: 'a' }), isFault('not_found'))
      await assert.rejects(client('POST', `${path}/rotate`), isFault('not_found'))
    })

    it('may be used by admins alone, on every route', () => {
      for (const route of house.start().routes)
        assert.equal(route.requires, 'admin', `${route.method} ${route.path}`)
    })
  })
}

function names(list: ListAnswer<Named>): string[] {
  return list.data.map(item => item.name)
}
