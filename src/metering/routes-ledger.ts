import { type Static, Type } from 'typebox'
import { Fault, type Route } from '#exchange'
import type { Queryable } from '#platform'
import { oneOf } from './cost-question.ts'
import { type Adjustment, adjust } from './ledger-adjust.ts'
import type { ChargeOf } from './ledger-entry.ts'
import { callId, filterFields, readFilter } from './ledger-filter.ts'
import { type LedgerRow, listEntries, listOpenHolds } from './ledger-read.ts'
import { type Entry, entryShape, kinds, showEntry, showOpen, showPair } from './ledger-show.ts'
import { exportRoute } from './routes-ledger-export.ts'

export interface LedgerRoutesOptions {
  database: Queryable
  chargeOf: ChargeOf
  flush(): Promise<void>
  /** Told of a correction that has just been written. */
  onAdjusted(seq: number): Promise<void>
}

const mostHolds = 1_000

const listQuery = Type.Object(
  {
    ...filterFields,
    kind: Type.Optional(oneOf(kinds, 'Entries of this kind.')),
    limit: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 1_000, default: 100, description: 'Attempts in an answer.' }),
    ),
    after: Type.Optional(
      Type.String({ pattern: '^[0-9]{1,15}$', description: '`next` of the answer before.' }),
    ),
  },
  { additionalProperties: false },
)

const usdPattern = '^-?[0-9]{1,9}(\\.[0-9]{1,12})?$'

const adjustmentBody = Type.Object(
  {
    id: Type.String({
      minLength: 1,
      maxLength: 128,
      pattern: '^[\\x21-\\x7e]+$',
      description: 'Yours: the same one again changes nothing.',
    }),
    call: callId,
    attempt: Type.Integer({
      minimum: 1,
      maximum: 1_000,
      default: 1,
      description: 'Which attempt of the call.',
    }),
    amount_usd: Type.Optional(
      Type.String({
        pattern: usdPattern,
        description: 'US dollars to add to what it cost, such as `-0.25`; budgets of its time count them.',
      }),
    ),
    cost_usd: Type.Optional(
      Type.String({
        pattern: usdPattern.replace('-?', ''),
        description:
          'Instead of an amount: US dollars that it cost in all, whatever was held or thought before. Prices what had no price.',
      }),
    ),
    charge_usd: Type.Optional(
      Type.String({
        pattern: usdPattern,
        description:
          'US dollars to add to what the tenant is charged. Absent: by the cost with the markup, where the attempt answered.',
      }),
    ),
    reason: Type.String({ minLength: 1, maxLength: 500, description: 'Why.' }),
  },
  { additionalProperties: false },
)

export function ledgerRoutes(options: LedgerRoutesOptions): Route[] {
  return [listRoute(options), exportRoute(options.database), adjustRoute(options)]
}

function listRoute({ database, flush }: LedgerRoutesOptions): Route {
  return {
    method: 'GET',
    path: '/sluice/v1/ledger',
    requires: 'admin',
    summary: 'Entries of the ledger, newest first; those of attempts under way come before all others.',
    query: listQuery,
    answer: {
      status: 200,
      schema: Type.Object({
        object: Type.Literal('list'),
        data: Type.Array(entryShape),
        has_more: Type.Boolean(),
        next: Type.Optional(Type.String()),
      }),
    },
    async handle({ query }) {
      const { kind, limit = 100, after, ...given }: Static<typeof listQuery> = query
      const filter = readFilter(given)
      await flush()
      const isFirst = after === undefined
      const holds =
        isFirst && (kind === undefined || kind === 'hold')
          ? await listOpenHolds(database, filter, mostHolds)
          : []
      const how = { before: isFirst ? undefined : Number(after), limit: limit + 1 }
      const rows = await listEntries(database, { ...filter, kind: kind === 'hold' ? undefined : kind }, how)
      const shown = rows.slice(0, limit)
      const hasMore = rows.length > limit
      return {
        object: 'list',
        data: [...holds.map(showOpen), ...shown.flatMap(showPair)].filter(
          entry => kind === undefined || entry.kind === kind,
        ),
        has_more: hasMore,
        ...(hasMore && { next: String(shown.at(-1)?.seq) }),
      }
    },
  }
}

function adjustRoute({ database, chargeOf, onAdjusted }: LedgerRoutesOptions): Route {
  return {
    method: 'POST',
    path: '/sluice/v1/ledger/adjustments',
    requires: 'admin',
    summary: 'Corrects what an attempt came to, by an entry of its own. Once for each id.',
    body: adjustmentBody,
    answer: { status: 200, schema: entryShape },
    async handle({ body, caller }): Promise<Entry> {
      const given: Static<typeof adjustmentBody> = body
      const adjustment: Adjustment = {
        id: given.id,
        call: given.call.slice('call_'.length),
        attempt: given.attempt,
        ...readCost(given),
        chargePicoUsd: given.charge_usd === undefined ? undefined : readUsd(given.charge_usd),
        reason: given.reason.replaceAll('\u0000', ''),
        by: caller.keyName,
      }
      const by = (cost: bigint, { organization, project }: LedgerRow): bigint =>
        chargeOf(cost, organization, project)
      const adjusted = await adjust(database, adjustment, by)
      if (adjusted.outcome === 'unknown')
        throw new Fault('not_found', `The ledger has no attempt ${given.attempt} of ${given.call}.`, {
          param: 'attempt',
        })
      if (adjusted.outcome === 'differs')
        throw new Fault('conflict', 'The `id` belongs to another adjustment: use a new one.', { param: 'id' })
      if (adjusted.outcome === 'written') await onAdjusted(adjusted.entry.seq)
      return showEntry(adjusted.entry)
    },
  }
}

function readCost({
  amount_usd: amount,
  cost_usd: total,
}: Static<typeof adjustmentBody>): Pick<Adjustment, 'costPicoUsd' | 'isTotal'> {
  const [one, other] = [amount ?? total, amount === undefined ? undefined : total]
  if (one !== undefined && other === undefined)
    return { costPicoUsd: readUsd(one), isTotal: amount === undefined }
  throw new Fault(
    'invalid_request',
    'Send either `amount_usd`, to be added to what it cost, or `cost_usd`, what it cost in all.',
    { param: 'amount_usd' },
  )
}

/** Pico-dollars of a decimal that has the form of `usdPattern`: exact. */
function readUsd(text: string): bigint {
  const [whole = '', fraction = ''] = text.replace('-', '').split('.')
  const picoUsd = BigInt(whole + fraction.padEnd(12, '0'))
  return text.startsWith('-') ? -picoUsd : picoUsd
}
