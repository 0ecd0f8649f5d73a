import { readdirSync, readFileSync } from 'node:fs'
import type { Database } from './database.ts'

/** A domain's migrations: a folder of `001-what-it-does.sql`, applied in order, never edited once released. */
export interface MigrationSource {
  domain: string
  folder: URL
}

interface Migration {
  domain: string
  number: number
  name: string
  sql: string
}

/** The database holds migrations that this version does not know: a newer Sluice has used it. */
export class NewerSchema extends Error {
  constructor(unknown: string[]) {
    super(
      `The database was made by a newer Sluice (it has ${unknown.join(', ')}, unknown to this version). ` +
        'Start the newer version, or restore a backup from before the upgrade.',
    )
    this.name = 'NewerSchema'
  }
}

/** Another process may be at it already, and a large table takes its time. */
const timeoutMs = 10 * 60_000

/** Brings the database to this version's schema. Safe to run from several processes at once; a second run is a no-op. */
export async function migrate(database: Database, sources: readonly MigrationSource[]): Promise<string[]> {
  const known = sources.flatMap(readMigrations)
  return await database.transaction(async tx => {
    await tx.query({ text: `select pg_advisory_xact_lock(hashtext('sluice migrations'))`, timeoutMs })
    await tx.query({
      text: `create table if not exists sluice_migrations (
        domain text not null, number int not null, name text not null, applied_at timestamptz not null default now(),
        primary key (domain, number))`,
    })
    const applied = await tx.query<{ domain: string; number: number; name: string }>({
      text: 'select domain, number, name from sluice_migrations order by domain, number',
    })
    const has = (
      list: { domain: string; number: number }[],
      one: { domain: string; number: number },
    ): boolean => list.some(other => other.domain === one.domain && other.number === one.number)
    const unknown = applied.filter(row => !has(known, row))
    if (unknown.length > 0) throw new NewerSchema(unknown.map(row => `${row.domain}/${row.name}`))
    const fresh = known.filter(migration => !has(applied, migration))
    for (const migration of fresh) {
      for (const text of statements(migration.sql)) await tx.query({ text, timeoutMs })
      await tx.query({ text: 'insert into sluice_migrations (domain, number, name) values ($1, $2, $3)' }, [
        migration.domain,
        migration.number,
        migration.name,
      ])
    }
    return fresh.map(migration => `${migration.domain}/${migration.name}`)
  })
}

function readMigrations(source: MigrationSource): Migration[] {
  return readdirSync(source.folder)
    .filter(file => file.endsWith('.sql'))
    .sort()
    .map(file => ({
      domain: source.domain,
      number: Number.parseInt(file, 10),
      name: file.replace(/\.sql$/, ''),
      sql: readFileSync(new URL(file, `${source.folder.href.replace(/\/$/, '')}/`), 'utf8'),
    }))
}

/** Migrations end each statement with `;` at the end of a line; none of ours needs more of a parser. */
function statements(sql: string): string[] {
  return sql
    .split(/;\s*$/m)
    .map(text => text.trim())
    .filter(text => text !== '')
}
