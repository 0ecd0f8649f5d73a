import type { Contestant } from '../contestant.ts'
import { bare } from './bare.ts'
import { direct } from './direct.ts'
import { litellm } from './litellm.ts'
import { portkey } from './portkey.ts'
import { sluice, translating } from './sluice.ts'
import { budgets, server, shared } from './sluice-budgets.ts'

/** In the order of the table's columns. */
export const contestants: readonly Contestant[] = [direct, bare, sluice, translating, portkey, litellm]

/** Only where `--only` names them. */
export const more: readonly Contestant[] = [budgets, server, shared]
