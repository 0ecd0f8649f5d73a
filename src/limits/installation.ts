import { assert } from '#exchange'
import type { Database } from '#platform'

/** What everything of this installation is called in a store that others may use, too: 12 hex digits. */
export async function readInstallation(database: Database): Promise<string> {
  const [row] = await database.query<{ id: string }>({ text: 'select id from installation' })
  assert(row, 'an installation has an id')
  return row.id.replaceAll('-', '').slice(0, 12)
}
