import type { Extra } from '#exchange'
import type { FieldRecord } from './dialect.ts'

/**
 * Top-level fields that have no word in `ChatRequest`: those the dialect's records call `meaning` or `hint`, and
 * those nobody has heard of, whose meaning cannot be known. A field that is null asks for nothing.
 */
export function readExtras(json: Readonly<Record<string, unknown>>, fields: readonly FieldRecord[]): Extra[] {
  const extras: Extra[] = []
  for (const [field, value] of Object.entries(json)) {
    if (value === null || value === undefined) continue
    const known = fields.filter(record => topLevel(record.field) === field)
    const record = known.find(record => record.field === field)
    if (known.length === 0) extras.push({ field, value, weight: 'meaning' })
    else if (record?.feature === 'meaning' || record?.feature === 'hint')
      extras.push({ field, value, weight: record.feature })
  }
  return extras
}

function topLevel(field: string): string {
  return /^[^.[]+/.exec(field)?.[0] ?? field
}
