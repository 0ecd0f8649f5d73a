import type { Clock, Database } from '#platform'
import { recordAudit } from './audit.ts'
import type { RuleBook } from './rule-book.ts'
import { type Definition, lockConfigured, writeConfigured } from './store.rules.ts'

const configuration = { keyId: 'configuration', keyName: 'configuration' }

/**
 * Puts on record what the configuration changes of rules, against what it said last on this database: whichever
 * process said it, and whether or not it was running when the file was edited.
 */
export async function auditConfigured(
  { database, clock, newUuid }: { database: Database; clock: Clock; newUuid(): string },
  book: RuleBook,
): Promise<void> {
  const said = Object.fromEntries(
    [...book.entries.values()]
      .filter(({ origin }) => origin === 'configuration')
      .map(({ id, kind, name, definition }) => [id, { id, kind, name, definition }]),
  )
  const nowMs = clock.now()
  await database.transaction(async tx => {
    const before = await lockConfigured(tx)
    const changes = differences(before, said)
    for (const { action, target, ...change } of changes)
      await recordAudit({ action, target, ...change, caller: configuration, nowMs }, { db: tx, newUuid })
    if (changes.length > 0) await writeConfigured(tx, said)
  })
}

type Said = Readonly<Record<string, Definition>>

function differences(
  before: Said,
  after: Said,
): { action: string; target: string; before: object | null; after: object | null }[] {
  const ids = new Set([...Object.keys(before), ...Object.keys(after)])
  return [...ids].flatMap(id => {
    const [was, is] = [before[id], after[id]]
    if (JSON.stringify(was) === JSON.stringify(is)) return []
    const verb = was === undefined ? 'create' : is === undefined ? 'delete' : 'change'
    return [
      {
        action: `${(is ?? was)?.kind}.${verb}`,
        target: id,
        before: was?.definition ?? null,
        after: is?.definition ?? null,
      },
    ]
  })
}
