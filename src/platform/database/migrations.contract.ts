import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, it } from 'node:test'
import { pathToFileURL } from 'node:url'
import { type Database, type MigrationSource, migrate, NewerSchema } from '#platform'
import { temporaryFolder } from '../../../test/support/cleanup.ts'
import { isCode } from './statements.contract.ts'

/** How a schema comes about, on any engine. `shared` is one database for all of these tests. */
export function migrationsContract(shared: () => Database): void {
  describe('migrations', () => {
    beforeEach(async () => {
      await shared().query({ text: 'drop schema public cascade' })
      await shared().query({ text: 'create schema public' })
    })

    it('are applied in order, domain by domain, and once', async () => {
      const sources = [
        await source('fruit', {
          '002-more': `insert into apples values ('it; is\n--; sweet');\n-- The end;\n`,
          '001-tables': `create table apples (name text);\ncreate table pears (n int);`,
        }),
        await source('basket', { '001-all': 'create view basket as select name from apples;' }),
      ]
      assert.deepEqual(await migrate(shared(), sources), [
        'fruit/001-tables',
        'fruit/002-more',
        'basket/001-all',
      ])
      assert.deepEqual(await migrate(shared(), sources), [])
      assert.deepEqual(await shared().query({ text: 'select name from basket' }), [
        { name: 'it; is\n--; sweet' },
      ])
    })

    it('add what is new to a database of an older version', async () => {
      const first = { '001-tables': 'create table apples (name text);' }
      await migrate(shared(), [await source('fruit', first)])
      const newer = await source('fruit', { ...first, '002-more': `insert into apples values ('new');` })
      assert.deepEqual(await migrate(shared(), [newer]), ['fruit/002-more'])
      assert.deepEqual(await shared().query({ text: 'select name from apples' }), [{ name: 'new' }])
    })

    it('leave nothing behind when one of them fails', async () => {
      const good = await source('fruit', { '001-tables': 'create table apples (name text);' })
      const bad = await source('basket', {
        '001-all': 'create table pears (n int);\ncreate table apples (n int);',
      })
      await assert.rejects(migrate(shared(), [good, bad]), cause => isCode(cause, '42P07'))
      assert.deepEqual(await tables(), [])
      assert.deepEqual(await migrate(shared(), [good]), ['fruit/001-tables'])
    })

    it('refuse a database of a newer version, by the name of what they do not know', async () => {
      const first = { '001-tables': 'create table apples (name text);' }
      const newer = await source('fruit', { ...first, '002-more': 'create table pears (n int);' })
      await migrate(shared(), [newer])
      await assert.rejects(
        migrate(shared(), [await source('fruit', first)]),
        cause => cause instanceof NewerSchema && cause.message.includes('fruit/002-more'),
      )
      await assert.rejects(migrate(shared(), []), NewerSchema)
      assert.deepEqual(await tables(), ['apples', 'pears', 'sluice_migrations'])
    })
  })

  const tables = async (): Promise<string[]> =>
    (
      await shared().query<{ name: string }>({
        text: `select tablename::text as name from pg_tables where schemaname = 'public' order by 1`,
      })
    ).map(({ name }) => name)
}

export async function source(domain: string, files: Record<string, string>): Promise<MigrationSource> {
  const folder = join(await temporaryFolder(), domain)
  await mkdir(folder)
  for (const [name, sql] of Object.entries(files)) await writeFile(join(folder, `${name}.sql`), sql)
  return { domain, folder: pathToFileURL(folder) }
}
