import type { RollupLevel, RollupSpec } from './rollup-spec.ts'

const hourMs = 3_600_000
const dayMs = 24 * hourMs

/** What is asked of the sums. */
export interface RollupQuestion {
  /** Dimensions that are grouped by or filtered on. */
  dims: ReadonlySet<string>
  /** From this time to the one before `toMs`; undefined: open. */
  fromMs: number | undefined
  toMs: number | undefined
  /** The longest stretch of UTC that may be answered in one; `fact` where sums are of no use. */
  grain: 'fact' | 'hour' | 'day'
}

/**
 * Rows that add up to what there is between two times: whole days from the sums by day, whole hours before and after
 * them from those by hour, the rest from the facts themselves, and whatever waits in the feed. The text is a
 * subselect with the columns `at`, dimensions and sums; its parameters begin with `$<first>`. One statement sees each
 * fact once, in the sums or in the feed.
 */
export function rollupSource(
  spec: RollupSpec,
  question: RollupQuestion,
  first: number,
): { text: string; values: unknown[] } {
  const values: (string | null)[] = []
  const time = (ms: number): string => {
    values.push(timeText(ms))
    return `$${first + values.length - 1}::timestamptz`
  }
  const from = question.fromMs ?? Number.NEGATIVE_INFINITY
  const to = question.toMs ?? Number.POSITIVE_INFINITY
  const summed = ['at', ...Object.keys(spec.dims), ...Object.keys(spec.sums)]
  const columns = [...summed, ...Object.keys(spec.more ?? {})].join(', ')
  const nulls = Object.entries(spec.more ?? {}).map(([name, type]) => `null::${type} as ${name}`)
  const factsWithin = ([start, end]: Span): string =>
    `select ${columns} from (${spec.facts}) facts where ${spec.between(time(start), time(end))}`

  const { raw, hours, days } = cutSpan({ from, to, grain: question.grain, spec, dims: question.dims })
  const parts = raw.map(factsWithin)
  for (const [level, spans] of [hours, days]) {
    for (const [start, end] of spans)
      parts.push(
        `select ${[...summed, ...nulls].join(', ')} from ${spec.table} where level = ${level} and at >= ${time(start)} and at < ${time(end)}`,
      )
  }
  const stretch = [...hours[1], ...days[1]].toSorted((one, other) => one[0] - other[0])
  if (stretch.length > 0) {
    // The sums are of one stretch without gaps, so what waits is looked for once.
    const [start, end] = [time(stretch[0]?.[0] ?? 0), time(stretch.at(-1)?.[1] ?? 0)]
    const within = `at >= ${start} and at < ${end}`
    parts.push(
      `select ${columns} from (select distinct unnest(keys) as key from ${spec.feed}) waiting join (${spec.facts}) facts using (key) where ${within}`,
    )
    if (spec.live) parts.push(`select ${columns} from (${spec.facts}) facts where ${spec.live} and ${within}`)
  }
  return {
    text: parts.length > 0 ? `(${parts.join(' union all ')})` : `(${factsWithin([0, 0])})`,
    values,
  }
}

type Span = readonly [start: number, end: number]

interface Cut {
  raw: Span[]
  hours: readonly [level: number, spans: Span[]]
  days: readonly [level: number, spans: Span[]]
}

function cutSpan({
  from,
  to,
  grain,
  spec,
  dims,
}: {
  from: number
  to: number
  grain: RollupQuestion['grain']
  spec: RollupSpec
  dims: ReadonlySet<string>
}): Cut {
  const hour = grain === 'fact' ? undefined : coarsest(spec, 'hour', dims)
  if (!hour) return { raw: spans([from, to]), hours: [0, []], days: [0, []] }
  const [hourFrom, hourTo] = [Math.ceil(from / hourMs) * hourMs, Math.floor(to / hourMs) * hourMs]
  if (!(hourFrom < hourTo)) return { raw: spans([from, to]), hours: [0, []], days: [0, []] }
  const raw = spans([from, hourFrom], [hourTo, to])
  const day = grain === 'day' ? coarsest(spec, 'day', dims) : undefined
  const [dayFrom, dayTo] = [Math.ceil(from / dayMs) * dayMs, Math.floor(to / dayMs) * dayMs]
  if (!day || !(dayFrom < dayTo))
    return { raw, hours: [hour.level, spans([hourFrom, hourTo])], days: [0, []] }
  return {
    raw,
    hours: [hour.level, spans([hourFrom, dayFrom], [dayTo, hourTo])],
    days: [day.level, spans([dayFrom, dayTo])],
  }
}

function spans(...given: Span[]): Span[] {
  return given.filter(([start, end]) => start < end)
}

/** Of the levels that tell apart what is asked for, the smallest. */
function coarsest(
  spec: RollupSpec,
  grain: RollupLevel['grain'],
  dims: ReadonlySet<string>,
): RollupLevel | undefined {
  return spec.levels.findLast(
    level =>
      level.grain === grain &&
      (!level.eachTag || dims.has('tags')) &&
      [...dims].every(dim => level.dims.includes(dim)),
  )
}

function timeText(ms: number): string {
  if (ms === Number.POSITIVE_INFINITY) return 'infinity'
  return ms === Number.NEGATIVE_INFINITY ? '-infinity' : new Date(ms).toISOString()
}
