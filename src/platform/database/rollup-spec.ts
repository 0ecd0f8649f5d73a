/** Sums of facts by hour and by day, kept ready. The tables are made by the migrations of the domain they belong to. */
export interface RollupSpec {
  /**
   * `level, at, digest` (unique), the dimensions, the sums. The digest is of the dimensions: they may be longer
   * together than a row of an index. Beside it `<table>_names`: `hour, organization, dim, name`.
   */
  table: string
  /** `no, at, size, keys`: facts that are not in the sums yet. */
  feed: string
  /** `select … as key, … as at, <dimensions>, <sums> from …`, a row for each fact. */
  facts: string
  keyType: 'uuid' | 'bigint'
  /** Condition on `facts` that is true between two times and that an index serves; times are SQL. */
  between(from: string, to: string): string
  /** Condition on facts that never come into the feed, and are few. */
  live?: string
  /** Dimensions with their types; `organization` and `tags` are among them. */
  dims: Readonly<Record<string, string>>
  /** What `facts` can be filtered on beside them, with their types: it is not in the sums, so facts are then read. */
  more?: Readonly<Record<string, string>>
  sums: Readonly<Record<string, 'sum' | 'max'>>
  /** The one with the most rows first, among those of a grain. */
  levels: readonly RollupLevel[]
  /** Dimensions that take names from outside: most different ones in an hour of an organization. */
  bounded: Readonly<Record<string, number>>
}

export interface RollupLevel {
  level: number
  grain: 'hour' | 'day'
  /** Those that are told apart. */
  dims: readonly string[]
  /** A row for each tag rather than for each list of them. */
  eachTag?: boolean
}

/** By UTC, whatever the session's zone. */
export const hourOf = (at: string): string => `date_trunc('hour', ${at}, 'UTC')`

/**
 * Adds the facts `$1` to the sums of all levels. When names are folded, `$2` to `$5` are the hours, organizations,
 * dimensions and names that stand as `$6`.
 */
export function writeStatement(spec: RollupSpec, folds: boolean): string {
  const { table, facts, keyType } = spec
  const dims = Object.keys(spec.dims)
  const sums = Object.keys(spec.sums)
  const grouped = sums.map(name => `${spec.sums[name]}(${name}) as ${name}`).join(', ')
  const folded = dims.map(dim => (folds && dim in spec.bounded ? foldedDim(dim) : dim)).join(', ')
  const more = sums.map(name =>
    spec.sums[name] === 'max'
      ? `${name} = greatest(${table}.${name}, excluded.${name})`
      : `${name} = ${table}.${name} + excluded.${name}`,
  )
  return `with fact as (
      select ${hourOf('at')} as hour, ${[...dims, ...sums].join(', ')}
      from unnest($1::${keyType}[]) as taken (key) join (${facts}) facts using (key)),
    ${folds ? 'refused as (select * from unnest($2::timestamptz[], $3::text[], $4::text[], $5::text[]) as refused (hour, organization, dim, name)),' : ''}
    base as (
      select hour, ${dims.join(', ')}, ${grouped} from (select hour, ${folded}, ${sums.join(', ')} from fact) fact
      group by hour, ${dims.join(', ')}),
    spread as (${spec.levels.map(level => spreadOver(spec, level)).join(' union all ')})
  insert into ${table} (level, at, digest, ${[...dims, ...sums].join(', ')})
  select level, at, md5(jsonb_build_array(${dims.join(', ')})::text)::uuid, ${[...dims, ...sums].join(', ')} from spread
  on conflict (level, at, digest) do update set ${more.join(', ')}`
}

function foldedDim(dim: string): string {
  const isRefused = (name: string): string =>
    `exists (select from refused where refused.hour = fact.hour and refused.organization = fact.organization
      and dim = '${dim}' and name = ${name})`
  return dim === 'tags'
    ? `(select coalesce(array_agg(distinct case when ${isRefused('tag')} then $6 else tag end), '{}')
        from unnest(tags) as each (tag)) as tags`
    : `case when ${isRefused(`fact.${dim}`)} then $6 else fact.${dim} end as ${dim}`
}

/** The rows of a level: those of the finest as they are, of the others what they add up to. */
function spreadOver(spec: RollupSpec, { level, grain, dims, eachTag = false }: RollupLevel): string {
  const all = Object.keys(spec.dims)
  const at = grain === 'hour' ? 'hour' : `date_trunc('day', hour, 'UTC')`
  const tag = `case when tag is null then '{}' else array[tag] end`
  const shown = Object.entries(spec.dims).map(([dim, type]) => {
    if (dim === 'tags' && eachTag) return `${tag} as tags`
    return dims.includes(dim) ? dim : `${dim === 'tags' ? `'{}'` : 'null'}::${type} as ${dim}`
  })
  const from = eachTag ? 'base left join lateral unnest(tags) as each (tag) on true' : 'base'
  const isFinest = !eachTag && grain === 'hour' && all.every(dim => dims.includes(dim))
  const sums = Object.entries(spec.sums).map(([name, how]) =>
    isFinest ? name : `${how}(${name}) as ${name}`,
  )
  const keys = dims.map(dim => (dim === 'tags' && eachTag ? tag : dim))
  return `select ${level} as level, ${at} as at, ${[...shown, ...sums].join(', ')} from ${from}
    ${isFinest ? '' : `group by ${[at, ...keys].join(', ')}`}`
}
