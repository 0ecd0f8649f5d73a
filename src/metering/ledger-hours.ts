import type { Database } from '#platform'

/** What calls of one feature cost over some time; also of those that name no feature. */
export interface FeatureSpend {
  organization: string
  project: string
  feature: string | null
  costPicoUsd: bigint
}

/** Costs of whole hours, [from, to), in milliseconds since the epoch, as far as they are in the sums. */
export async function hourlySpend(
  database: Database,
  { fromMs, toMs }: { fromMs: number; toMs: number },
): Promise<FeatureSpend[]> {
  const rows = await database.query<Omit<FeatureSpend, 'costPicoUsd'> & { cost: string }>(
    {
      text: `select organization, project, feature, sum(cost_pico_usd)::text as cost from cost_rollups
        where level = 2 and at >= to_timestamp($1::float8 / 1000) and at < to_timestamp($2::float8 / 1000)
        group by organization, project, feature`,
    },
    [fromMs, toMs],
  )
  return rows.map(({ cost, ...of }) => ({ ...of, costPicoUsd: BigInt(cost) }))
}
