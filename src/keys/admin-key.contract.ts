import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { accept } from '#exchange'
import { configured, createClient, type House, type KeyAnswer, type ListAnswer } from './contract.house.ts'
import { createCredential } from './credential.ts'
import { indexConfiguredKeys, type Keys } from './index.ts'

const none = configured()

export function adminKeyContract(house: House): void {
  describe('admin key', () => {
    let dataDir = ''
    const ensure = (keys: Keys) => keys.ensureAdminKey({ dataDir, configured: none })
    const file = () => join(dataDir, 'admin-key')
    beforeEach(async () => {
      dataDir = await mkdtemp(join(tmpdir(), 'sluice-keys-'))
    })
    afterEach(() => rm(dataDir, { recursive: true }))

    async function made(keys: Keys): Promise<string> {
      const result = await ensure(keys)
      return result.state === 'made' ? result.credential : assert.fail(`admin key is ${result.state}`)
    }

    it('is made at the first start, kept in a file for the owner alone, and not shown again', async () => {
      const keys = house.start()
      const credential = await made(keys)
      assert.match(credential, /^sk-sluice-admin-/)
      assert.equal((await readFile(file(), 'utf8')).trim(), credential)
      assert.equal((await stat(file())).mode & 0o777, 0o600)
      assert.deepEqual(await ensure(house.start()), { state: 'kept', path: file() })
      const { role, organization, project } = accept(await keys.authenticate(credential, none))
      assert.deepEqual([role, organization, project], ['admin', 'default', 'default'])
    })

    it('is made once when several processes start at the same time', async () => {
      const states = (await Promise.all([house.start(), house.start()].map(ensure))).map(
        result => result.state,
      )
      assert.deepEqual(states.sort(), ['kept', 'made'])
    })

    it('is not made when one is configured', async () => {
      const keys = house.start()
      const own = indexConfiguredKeys([], 'my own admin key')
      assert.deepEqual(await keys.ensureAdminKey({ dataDir, configured: own }), { state: 'configured' })
      assert.equal(accept(await keys.authenticate('my own admin key', own)).role, 'admin')
    })

    it('replaces a file whose key is not on record, as a crash leaves it', async () => {
      const stale = createCredential({ random: () => 0, bytes: count => Buffer.alloc(count, 9) }, 'admin')
      await writeFile(file(), `${stale}\n`)
      const keys = house.start()
      const credential = await made(keys)
      assert.equal((await readFile(file(), 'utf8')).trim(), credential)
      assert.equal((await stat(file())).mode & 0o777, 0o600)
      assert(!(await keys.authenticate(stale, none)).ok)
    })

    it('replaces a file that a crash has left half written', async () => {
      await writeFile(file(), 'sk-sluice-adm')
      await writeFile(`${file()}.new`, 'sk-slu')
      const credential = await made(house.start())
      assert.equal((await readFile(file(), 'utf8')).trim(), credential)
    })

    it('does not come back to life from the file once it was revoked', async () => {
      const keys = house.start()
      const first = await made(keys)
      const client = createClient(keys)
      const { data } = await client<ListAnswer<KeyAnswer>>('GET', '/sluice/v1/keys')
      await client('DELETE', `/sluice/v1/keys/${data[0]?.id}`)
      const second = await made(house.start())
      assert.notEqual(second, first)
      assert(!(await keys.authenticate(first, none)).ok)
      assert((await keys.authenticate(second, none)).ok)
    })

    it('is elsewhere when it was rotated, or another replica made it', async () => {
      const keys = house.start()
      const self = accept(await keys.authenticate(await made(keys), none))
      await createClient(keys, self)('POST', `/sluice/v1/keys/${self.keyId}/rotate`)
      assert.deepEqual(await ensure(house.start()), { state: 'elsewhere' })
    })
  })
}
