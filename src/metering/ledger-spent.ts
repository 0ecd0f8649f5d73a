import type { RuleSubject } from '#exchange'
import { type Database, otherName, type Queryable, type RollupSpec } from '#platform'

/** What budgets count of attempts that are alike in all that rules look at, in one stretch of time. */
export interface Spent {
  subject: RuleSubject
  provider: string
  /** `provider/model`. */
  target: string
  /** Where the stretch begins, in milliseconds since the epoch; of a single attempt, when it was held. */
  atMs: number
  picoUsd: bigint
  inputTokens: number
  outputTokens: number
  /** Calls that ended there: those whose answer, or last failure, came from these attempts. Absent for single entries. */
  calls?: number
  /** An attempt under way: the amounts are what is held for it. Absent: ended, and in the ledger. */
  open?: { callId: string; attempt: number }
}

export interface SpentQuestion {
  /** What was held at this time or later, in milliseconds since the epoch. */
  fromMs: number
  /** Length of a stretch; they begin at the epoch. Whole hours are read from the sums and are much cheaper. */
  bucketMs: number
}

interface SpentRow {
  at: Date
  organization: string
  project: string
  key_id: string
  key_name: string
  user_id: string | null
  feature: string | null
  model: string | null
  class: RuleSubject['class']
  target: string
  environment: string | null
  tags: string[]
  counted_pico_usd: string
  counted_input_tokens: number
  counted_output_tokens: number
  calls?: number
  call_id?: string
  attempt?: number
}

const hourMs = 3_600_000
const dayMs = 24 * hourMs
const timeoutMs = 60_000
/** Stretches of which one statement gives the sums. */
const bucketsAtOnce = 24

const dims =
  'organization, project, key_id, key_name, user_id, feature, model, class, target, environment, tags'
const entryColumns = `held_at as at, ${dims}, coalesce(counted_pico_usd, 0)::text as counted_pico_usd,
  coalesce(counted_input_tokens, 0)::float8 as counted_input_tokens,
  coalesce(counted_output_tokens, 0)::float8 as counted_output_tokens`
const counted = 'counted_pico_usd, counted_input_tokens, counted_output_tokens, answers, entries'
const bucket = `date_bin(make_interval(secs => $3::float8 / 1000), at, 'epoch'::timestamptz)`

/**
 * Sums of what the ledger counts, and what is held for attempts under way, as of one moment: a single snapshot. Reads
 * within a transaction, so on the embedded database nothing else may be asked of it before the iteration is over.
 */
export async function* spentSince(
  database: Database,
  spec: RollupSpec,
  { fromMs, bucketMs }: SpentQuestion,
): AsyncGenerator<Spent> {
  const pages = new Handover<readonly SpentRow[]>()
  const reading = database
    .transaction(async tx => {
      await beginReading(tx)
      await pages.give(await openAttempts(tx, fromMs))
      for (const [start, end] of await slices(tx, { fromMs, bucketMs })) {
        if (pages.isClosed) return
        await pages.give(await sumsWithin(tx, spec, { start, end, bucketMs }))
      }
    })
    .then(
      () => pages.end(undefined),
      cause => pages.end(cause),
    )
  try {
    for (let page = await pages.take(); page; page = await pages.take()) yield* page.map(spentOf)
  } finally {
    pages.close()
    await reading
  }
}

/** Of single entries, by `seq`. */
export async function spentOfEntries(db: Queryable, seqs: readonly number[]): Promise<Spent[]> {
  const text = `select ${entryColumns} from ledger where seq = any($1::bigint[])`
  const rows = await db.query<SpentRow>({ text }, [seqs])
  return rows.map(spentOf)
}

/** What the ledger says of single calls. */
export interface CallsInLedger {
  /** What is counted of those that have entries, by id. */
  spent: ReadonlyMap<string, readonly Spent[]>
  /** Those that have attempts without an entry: they are under way, or their process has just died. */
  open: ReadonlySet<string>
}

/** Of these calls (`call_…`), as of one moment. */
export async function callsInLedger(database: Database, ids: readonly string[]): Promise<CallsInLedger> {
  if (ids.length === 0) return { spent: new Map(), open: new Set() }
  return await database.transaction(async tx => {
    await beginReading(tx)
    const attempts = await openAttempts(tx, 0)
    const rows = await tx.query<SpentRow & { id: string }>(
      {
        text: `select replace(call_id::text, '-', '') as id, ${entryColumns} from ledger
          where call_id = any($1::uuid[])`,
        timeoutMs,
      },
      [ids.map(id => id.slice('call_'.length))],
    )
    const spent = Map.groupBy(rows, ({ id }) => `call_${id}`)
    return {
      spent: new Map([...spent].map(([id, entries]) => [id, entries.map(spentOf)])),
      open: new Set(attempts.map(({ call_id }) => `call_${call_id}`)),
    }
  })
}

/**
 * As of one moment. Postgres cannot guess how many attempts are in a JSON column, takes the question for a large one, and
 * compiles it: that took half a second for fifty attempts, while nobody could reserve anything.
 */
async function beginReading(tx: Queryable): Promise<void> {
  await tx.query({ text: 'set transaction isolation level repeatable read, read only' })
  await tx.query({ text: 'set local jit = off' })
}

/** From the question's beginning to after the last entry, so that a slice is not too much for memory. */
async function slices(
  tx: Queryable,
  { fromMs, bucketMs }: SpentQuestion,
): Promise<[start: number, end: number][]> {
  const [last] = await tx.query<{ at: Date | null }>({ text: 'select max(held_at) as at from ledger' })
  const until = (last?.at?.getTime() ?? Number.NEGATIVE_INFINITY) + 1
  const [first] = await tx.query<{ at: Date | null }>(
    { text: 'select min(held_at) as at from ledger where held_at >= to_timestamp($1::float8 / 1000)' },
    [fromMs],
  )
  const length = Math.max(bucketMs, Math.min(dayMs, bucketMs * bucketsAtOnce))
  const found: [number, number][] = []
  for (let start = Math.max(fromMs, first?.at?.getTime() ?? until); start < until; ) {
    const end = (Math.floor(start / length) + 1) * length
    found.push([start, end])
    start = end
  }
  return found
}

async function sumsWithin(
  tx: Queryable,
  spec: RollupSpec,
  { start, end, bucketMs }: { start: number; end: number; bucketMs: number },
): Promise<SpentRow[]> {
  const usesSums = bucketMs % hourMs === 0
  const hourStart = usesSums ? Math.ceil(start / hourMs) * hourMs : end
  const text = `select ${bucket} as at, ${dims}, sum(counted_pico_usd)::text as counted_pico_usd,
      sum(counted_input_tokens) as counted_input_tokens, sum(counted_output_tokens) as counted_output_tokens,
      coalesce(sum(entries) filter (where answers), 0)::float8 as calls
    from (${usesSums ? fromSums(spec) : fromFacts(spec)}) counted group by 1, ${dims}`
  const values = [new Date(start).toISOString(), new Date(end).toISOString(), bucketMs]
  const hours = [new Date(Math.min(hourStart, end)).toISOString(), otherName]
  return await tx.query<SpentRow>({ text, timeoutMs }, usesSums ? [...values, ...hours] : values)
}

function fromFacts({ facts }: RollupSpec): string {
  return `select at, ${dims}, ${counted} from (${facts}) facts where at >= $1::timestamptz and at < $2::timestamptz`
}

/**
 * Sums of whole hours from $4 on; entries before that, and entries that are not in the sums. Where names were too
 * many to be told apart, budgets tell them apart all the same: those hours of an organization are read from the ledger.
 */
function fromSums({ facts, table, feed }: RollupSpec): string {
  const bounded = ['user_id', 'feature', 'model', 'environment'].map(dim => `${dim} = $5`).join(' or ')
  return `with summed as materialized (
      select at, ${dims}, ${counted} from ${table} where level = 1 and at >= $4::timestamptz and at < $2::timestamptz),
    folded as (select distinct at as hour, organization from summed where ${bounded} or $5 = any(tags)),
    waiting as (select distinct unnest(keys) as key from ${feed})
    select at, ${dims}, ${counted} from summed
      where not exists (select from folded where hour = at and folded.organization = summed.organization)
    union all select at, ${dims}, ${counted} from (${facts}) facts where at >= $1::timestamptz and at < $4
    union all select at, ${dims}, ${counted} from waiting join (${facts}) facts using (key) where at >= $4 and at < $2
    union all select at, ${dims}, ${counted} from (select hour, organization as whose from folded) folded
      join (${facts}) facts on organization = whose and at >= hour and at < hour + interval '1 hour'
      where not exists (select from waiting where waiting.key = facts.key)`
}

/** Of one that was over when the next was made, what was counted then: its hold was let go. */
async function openAttempts(tx: Queryable, fromMs: number): Promise<SpentRow[]> {
  return await tx.query<SpentRow>(
    {
      text: `with intended as materialized (
          select call.*, call.attempts->0 as tried, (call.attempts->0->>'n')::int as n from call_intents,
            json_to_recordset(call_intents.attempts::json) as call (id uuid, organization text, project text, key_id text,
              key_name text, user_id text, feature text, model text, class text, environment text, tags json,
              attempts json, earlier json)),
        known as (
          select distinct on (intended.id, known.n) intended.id, known.* from intended, json_to_recordset(earlier)
            as known (n int, cost_pico_usd text, input_tokens float8, output_tokens float8))
        select distinct on (open.id, open.n) coalesce(tried->'hold'->>'at', tried->>'started_at')::timestamptz as at,
          organization, project, key_id, key_name, user_id, feature, model, class, tried->>'target' as target, environment,
          case when tags is null then '{}' else array(select json_array_elements_text(tags)) end as tags,
          coalesce(known.cost_pico_usd, tried->'hold'->>'cost_pico_usd', '0') as counted_pico_usd,
          coalesce(known.input_tokens, (tried->'hold'->>'input_tokens')::float8, 0) as counted_input_tokens,
          coalesce(known.output_tokens, (tried->'hold'->>'output_tokens')::float8, 0) as counted_output_tokens,
          replace(open.id::text, '-', '') as call_id, open.n as attempt
        from intended open left join known on known.id = open.id and known.n = open.n
        where not exists (select from ledger where call_id = open.id and attempt = open.n)
          and coalesce(tried->'hold'->>'at', tried->>'started_at')::timestamptz >= to_timestamp($1::float8 / 1000)
          and not exists (select from calls where calls.id = open.id and calls.status <> 'unknown')`,
      timeoutMs,
    },
    [fromMs],
  )
}

function spentOf(row: SpentRow): Spent {
  const spent: Spent = {
    subject: {
      organization: row.organization,
      project: row.project,
      keyId: row.key_id,
      keyName: row.key_name,
      user: row.user_id ?? undefined,
      feature: row.feature ?? undefined,
      model: row.model ?? undefined,
      class: row.class,
      tags: row.tags,
      environment: row.environment ?? undefined,
    },
    provider: row.target.split('/', 1)[0] ?? row.target,
    target: row.target,
    atMs: row.at.getTime(),
    picoUsd: BigInt(row.counted_pico_usd),
    inputTokens: row.counted_input_tokens,
    outputTokens: row.counted_output_tokens,
  }
  if (row.calls !== undefined) spent.calls = row.calls
  if (row.call_id !== undefined && row.attempt !== undefined)
    spent.open = { callId: `call_${row.call_id}`, attempt: row.attempt }
  return spent
}

/** From a transaction to whoever iterates over what it reads: one page at a time. */
class Handover<Page> {
  #page: Page | undefined
  #ended: { cause: unknown } | undefined
  #closed = false
  #wake: () => void = () => undefined

  get isClosed(): boolean {
    return this.#closed
  }

  async give(page: Page): Promise<void> {
    this.#page = page
    this.#wake()
    while (this.#page !== undefined && !this.#closed) await this.#changed()
  }

  async take(): Promise<Page | undefined> {
    while (this.#page === undefined && this.#ended === undefined) await this.#changed()
    const page = this.#page
    this.#page = undefined
    this.#wake()
    if (page === undefined && this.#ended?.cause !== undefined) throw this.#ended.cause
    return page
  }

  end(cause: unknown): void {
    this.#ended = { cause }
    this.#wake()
  }

  close(): void {
    this.#closed = true
    this.#wake()
  }

  #changed(): Promise<void> {
    return new Promise(resolve => {
      const before = this.#wake
      this.#wake = () => {
        before()
        resolve()
      }
    })
  }
}
