import { Fault } from '#exchange'
import type { RecordProblem, RecordRead } from '#platform'
import { checkBudget, checkRateLimit, type KnownNames } from './check-rules.ts'
import { type BudgetConfig, type RateLimitConfig, readBudgetConfig, readRateLimitConfig } from './config.ts'
import { budgetName, configuredId, rateLimitName, readBudget, readRateLimit } from './read-rules.ts'
import type { Increase, Rule } from './rule.ts'
import { type RuleSet, ruleSet } from './rule-set.ts'
import type { IncreaseRow, RuleRow } from './store.rules.ts'

/** A budget, or an entry of rate limits: what has a name, is changed and is shown as one. */
export interface RuleEntry {
  id: string
  kind: Rule['kind']
  name: string
  origin: Rule['origin']
  /** As its owner wrote it. */
  definition: object
  rules: readonly Rule[]
  increases: readonly IncreaseRow[]
  /** Absent where it stands in the configuration. */
  row: RuleRow | undefined
}

/** All rules at one time. */
export interface RuleBook {
  /** Those of the configuration first, then by age. */
  entries: ReadonlyMap<string, RuleEntry>
  rules: RuleSet
}

/** The sections of a configuration that rules are about. */
export interface ConfiguredRules {
  budgets: readonly BudgetConfig[]
  rate_limits: readonly RateLimitConfig[]
  models: Readonly<Record<string, unknown>>
  providers: Readonly<Record<string, unknown>>
}

/** What is as it was in the book before is taken from there: reading ten thousand definitions takes its time. */
export function writeBook(
  configured: ConfiguredRules,
  { rules, increases }: { rules: readonly RuleRow[]; increases: readonly IncreaseRow[] },
  before: RuleBook | undefined,
): RuleBook {
  const entries = [
    ...configured.budgets.map(config => configuredEntry('budget', config, increases)),
    ...configured.rate_limits.map(config => configuredEntry('limit', config, increases)),
    ...rules.map(
      row => keptEntry(before?.entries.get(row.id), row, increases) ?? storedEntry(row, increases),
    ),
  ]
  return {
    entries: new Map(entries.map(entry => [entry.id, entry])),
    rules: ruleSet(entries.flatMap(entry => entry.rules)),
  }
}

type Kinded = { kind: 'budget'; config: BudgetConfig } | { kind: 'limit'; config: RateLimitConfig }

function configuredEntry(
  kind: Rule['kind'],
  config: BudgetConfig | RateLimitConfig,
  increases: readonly IncreaseRow[],
): RuleEntry {
  const kinded = { kind, config } as Kinded
  const name = nameOf(kinded)
  const id = configuredId(kind, name)
  return createEntry(kinded, { id, origin: 'configuration', definition: config, increases, row: undefined })
}

function keptEntry(
  entry: RuleEntry | undefined,
  { id, version }: RuleRow,
  increases: readonly IncreaseRow[],
): RuleEntry | undefined {
  if (entry?.row?.version !== version) return undefined
  const own = increases.filter(increase => increase.entryId === id)
  const isSame =
    own.length === entry.increases.length && own.every(({ id }, i) => entry.increases[i]?.id === id)
  return isSame ? entry : undefined
}

function storedEntry(row: RuleRow, increases: readonly IncreaseRow[]): RuleEntry {
  const { id, kind, definition } = row
  const read = readDefinition(kind, definition)
  if (!read.ok) {
    const [problem] = read.problems
    throw new Error(`${kind} ${id} on record cannot be read: ${problem?.path}: ${problem?.message}`)
  }
  return createEntry(read.value, { id, origin: 'api', definition, increases, row })
}

function createEntry(
  kinded: Kinded,
  {
    id,
    origin,
    definition,
    increases,
    row,
  }: Pick<RuleEntry, 'id' | 'origin' | 'definition' | 'increases' | 'row'>,
): RuleEntry {
  const own = increases.filter(increase => increase.entryId === id)
  const increasesOf = (ruleId: string): Increase[] =>
    own.filter(increase => increase.ruleId === ruleId).map(readIncrease)
  const from = { origin, entryId: id, increasesOf }
  const rules =
    kinded.kind === 'budget' ? [readBudget(kinded.config, from)] : readRateLimit(kinded.config, from)
  return { id, kind: kinded.kind, name: nameOf(kinded), origin, definition, rules, increases: own, row }
}

function nameOf(kinded: Kinded): string {
  return kinded.kind === 'budget' ? budgetName(kinded.config) : rateLimitName(kinded.config)
}

function readIncrease({ id, subject, amount, until }: IncreaseRow): Increase {
  return { id, subject: subject ?? undefined, amount: BigInt(amount), untilMs: until.getTime() }
}

/** By the schema alone: what was right when it was written stays in force, whatever is configured since. */
function readDefinition(kind: Rule['kind'], definition: object): RecordRead<Kinded> {
  if (kind === 'budget') {
    const read = readBudgetConfig(definition)
    return read.ok ? { ok: true, value: { kind, config: read.value } } : read
  }
  const read = readRateLimitConfig(definition)
  return read.ok ? { ok: true, value: { kind, config: read.value } } : read
}

/** A definition from outside, whole: its name, or all that is wrong with it. */
export function checkDefinition(
  kind: Rule['kind'],
  definition: object,
  known: KnownNames,
): RecordRead<{ name: string }> {
  const read = readDefinition(kind, definition)
  if (!read.ok) return read
  const problems: RecordProblem[] = []
  const report = (path: readonly (string | number)[], message: string, hint?: string): void => {
    problems.push({ path: path.join('.'), message, hint })
  }
  const { value } = read
  if (value.kind === 'budget') checkBudget(value.config, known, report)
  else checkRateLimit(value.config, report)
  return problems.length > 0 ? { ok: false, problems } : { ok: true, value: { name: nameOf(value) } }
}

/** The rule that is meant: the only one, or by its id or what it counts. */
export function pickRule({ rules }: RuleEntry, wanted: string | undefined): Rule {
  const rule = rules.find(({ id, unit }) => wanted === undefined || id === wanted || unit === wanted)
  const isClear = wanted !== undefined || rules.length === 1
  if (rule && isClear) return rule
  const units = rules.map(({ unit }) => `\`${unit}\``).join(', ')
  throw new Fault('invalid_request', `Say in \`rule\` which of its limits is meant: ${units}.`, {
    param: 'rule',
  })
}
