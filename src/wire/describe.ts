import type { CallerDialect, Dialect } from '#exchange'
import type { FieldRecord } from './dialect.ts'
import { dialects, providerDialects } from './dialects.ts'
import { type Feature, features, type Taking } from './features.ts'

/** What becomes of one field of a caller's request at a provider of each dialect, in words. */
export interface FieldFate {
  field: string
  /** What it asks for; empty where the name says it. */
  about: string
  fates: readonly string[]
}

/** For every dialect of a chat: its fields, and their fates at `providers`, in that order. */
export interface DialectFates {
  caller: CallerDialect
  providers: readonly Dialect[]
  fields: readonly FieldFate[]
}

/** What happens to every field between every pair of dialects: the records that decide it, told. */
export function describeTranslation(): DialectFates[] {
  const providers = (Object.keys(providerDialects) as Dialect[]).filter(
    name => providerDialects[name].operation === 'chat',
  )
  return (Object.keys(dialects) as CallerDialect[]).flatMap(caller => {
    const dialect = dialects[caller]
    if (dialect.operation !== 'chat') return []
    const fields = dialect.fields.map(record => describeField(record, caller, providers))
    return [{ caller, providers, fields }]
  })
}

function describeField(
  { field, feature }: FieldRecord,
  caller: CallerDialect,
  providers: readonly Dialect[],
): FieldFate {
  const known = feature in features ? features[feature as keyof typeof features] : undefined
  const fates = providers.map(name => {
    if (name === caller) return 'as it is'
    if (feature === 'plain') return 'carried'
    if (known === undefined) return lossOf(feature === 'meaning' ? 'meaning' : 'hint')
    const provider = providerDialects[name]
    const taking = provider.operation === 'chat' ? provider.takes[feature as keyof typeof features] : 'no'
    return fateOf(taking, known.weight)
  })
  return { field, about: known?.about ?? '', fates }
}

function fateOf(taking: Taking, weight: Feature['weight']): string {
  if (taking === 'yes') return 'carried'
  if (taking === 'no') return lossOf(weight)
  return taking.if ? `${taking.how}; otherwise ${lossOf(weight)}` : taking.how
}

function lossOf(weight: Feature['weight']): string {
  return weight === 'meaning' ? '**refused**' : 'dropped'
}
