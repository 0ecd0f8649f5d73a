import type { Queryable } from './database.ts'
import { hourOf, type RollupSpec } from './rollup-spec.ts'

/** What names beyond the bound stand as. No caller can send it: names of callers are cut to 256 characters and have no `…` before them. */
export const otherName = '…other'

/** Names that are not told apart: the same place in each list is one of them. */
export interface RollupNames {
  hours: Date[]
  organizations: string[]
  dims: string[]
  names: string[]
}

const timeoutMs = 30_000

/**
 * Puts the names of these facts on the list of their hour and organization, as far as there is room, and gives those
 * for which there was none. A name that is on the list stays.
 */
export async function refuseNames(
  tx: Queryable,
  spec: RollupSpec,
  keys: readonly string[],
): Promise<RollupNames> {
  const refused: RollupNames = { hours: [], organizations: [], dims: [], names: [] }
  const rows = await tx.query<{ hour: Date; organization: string; dim: string; name: string }>(
    { text: statement(spec), timeoutMs },
    [keys, Object.keys(spec.bounded), Object.values(spec.bounded)],
  )
  for (const { hour, organization, dim, name } of rows) {
    refused.hours.push(hour)
    refused.organizations.push(organization)
    refused.dims.push(dim)
    refused.names.push(name)
  }
  return refused
}

function statement({ facts, keyType, table, bounded }: RollupSpec): string {
  const single = Object.keys(bounded).filter(dim => dim !== 'tags')
  return `with fact as (
      select ${hourOf('at')} as hour, organization, tags, ${single.join(', ')}
      from unnest($1::${keyType}[]) as taken (key) join (${facts}) facts using (key)),
    most as (select * from unnest($2::text[], $3::int[]) as most (dim, most)),
    said as (
      select hour, organization, dim, name
        from fact, lateral (values ${single.map(dim => `('${dim}', ${dim})`).join(', ')}) as named (dim, name)
        where name is not null
      union select hour, organization, 'tags', name from fact, unnest(tags) as named (name)),
    fresh as (
      select said.*, row_number() over (partition by hour, organization, dim order by name) as place from said
      where not exists (select from ${table}_names as known where known.hour = said.hour
        and known.organization = said.organization and known.dim = said.dim and known.name = said.name)),
    listed as (
      select hour, organization, dim, count(*) as listed from ${table}_names
      where (hour, organization, dim) in (select hour, organization, dim from fresh) group by 1, 2, 3),
    placed as (
      select hour, organization, dim, name, place + coalesce(listed, 0) <= most as fits
      from fresh join most using (dim) left join listed using (hour, organization, dim)),
    admitted as (insert into ${table}_names select hour, organization, dim, name from placed where fits)
  select hour, organization, dim, name from placed where not fits`
}
