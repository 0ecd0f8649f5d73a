import { type Static, Type } from 'typebox'
import { type Route, StreamedAnswer } from '#exchange'
import type { Queryable } from '#platform'
import { oneOf } from './cost-question.ts'
import { filterFields, readFilter } from './ledger-filter.ts'
import { exportEntries, type LedgerFilter, type LedgerRow, rowColumns } from './ledger-read.ts'
import { showCall } from './ledger-show.ts'

const exportAtOnce = 1_000

const exportQuery = Type.Object(
  {
    ...filterFields,
    format: Type.Optional(oneOf(['jsonl', 'csv'], 'JSON lines, or CSV with a line of names first.')),
    after: Type.Optional(
      Type.String({ pattern: '^[0-9]{1,15}$', description: 'Entries after this `seq`: to go on later.' }),
    ),
  },
  { additionalProperties: false },
)

/** For billing: the whole ledger, in the order in which it was written. */
export function exportRoute(database: Queryable): Route {
  return {
    method: 'GET',
    path: '/sluice/v1/ledger/export',
    requires: 'admin',
    summary:
      'All entries in the order they were written, as JSON lines or CSV, up to 30 seconds ago: go on after the last `seq`.',
    query: exportQuery,
    answer: { status: 200, schema: Type.String() },
    async handle({ query }) {
      const { format = 'jsonl', after = '0', ...given }: Static<typeof exportQuery> = query
      const filter = readFilter(given)
      const first = await exportEntries(database, filter, { after: Number(after), limit: exportAtOnce })
      const rows = pages(database, filter, first)
      return format === 'csv'
        ? new StreamedAnswer('text/csv; charset=utf-8', csvOf(rows))
        : new StreamedAnswer('application/jsonl', linesOf(rows))
    },
  }
}

/** One page at a time, as the reader takes them. */
async function* pages(
  database: Queryable,
  filter: LedgerFilter,
  first: LedgerRow[],
): AsyncGenerator<LedgerRow[]> {
  for (let page = first; page.length > 0; ) {
    yield page
    if (page.length < exportAtOnce) return
    page = await exportEntries(database, filter, { after: page.at(-1)?.seq ?? 0, limit: exportAtOnce })
  }
}

async function* linesOf(rows: AsyncIterable<LedgerRow[]>): AsyncGenerator<string> {
  for await (const page of rows) {
    yield page.map(row => `${JSON.stringify({ ...row, call_id: showCall(row.call_id) })}\n`).join('')
  }
}

async function* csvOf(rows: AsyncIterable<LedgerRow[]>): AsyncGenerator<string> {
  yield `${rowColumns.join()}\n`
  for await (const page of rows)
    yield page.map(row => `${rowColumns.map(column => cell(row, column)).join()}\n`).join('')
}

function cell(row: LedgerRow, column: (typeof rowColumns)[number]): string {
  const value = column === 'call_id' ? showCall(row.call_id) : row[column]
  if (value === null) return ''
  if (value instanceof Date) return value.toISOString()
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value)
  // A name that a spreadsheet would take for a formula is a text; amounts are numbers, and may be negative.
  const plain = typeof value === 'string' && /^[=+@\t\r]|^-\D/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain
}
