import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { PricesTask } from './prices.ts'

/** A target that calls went to in the last 30 days. */
export interface UsedTarget {
  target: string
  provider: string
  model: string
  calls: number
  costUsd: string
  unpricedCalls: number
}

/** By the word of a running Sluice; in words why not, where none answers. */
export async function usedOfLate({ url, env, files }: PricesTask): Promise<readonly UsedTarget[] | string> {
  const adminKey = env.SLUICE_ADMIN_KEY ?? readKey(join(files.path, '..', 'admin-key'))
  const why = `Which targets were called of late is not known: no Sluice answers at ${url}`
  if (adminKey === undefined)
    return `${why} with an admin key. Set SLUICE_ADMIN_KEY, or name the data folder with --data.`
  const answer = await fetch(new URL('/sluice/v1/usage?group_by=target', url), {
    headers: { authorization: `Bearer ${adminKey}` },
  }).catch(() => undefined)
  if (!answer?.ok) return `${why}${answer ? ` (status ${answer.status})` : ''}. Name another with --url.`
  const { data } = (await answer.json()) as { data: UsageRow[] }
  return data.flatMap(row => readRow(row) ?? [])
}

interface UsageRow {
  target?: string | null
  calls: number
  cost_usd: string
  unpriced_calls: number
}

function readRow({
  target,
  calls,
  cost_usd: costUsd,
  unpriced_calls: unpricedCalls,
}: UsageRow): UsedTarget | undefined {
  const slash = target?.indexOf('/') ?? -1
  if (!target || slash < 1) return undefined
  return {
    target,
    provider: target.slice(0, slash),
    model: target.slice(slash + 1),
    calls,
    costUsd,
    unpricedCalls,
  }
}

function readKey(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return undefined
  }
}
