import { type Static, Type } from 'typebox'
import type { Check } from '#platform'
import { createMarkup, type Factors } from './charge.ts'

const whom = '(\\*|[a-z0-9][a-z0-9._-]{0,62}(/[a-z0-9][a-z0-9._-]{0,62})?)'

export const markupConfig = Type.Record(
  Type.String({ pattern: `^${whom}$` }),
  Type.Number({ minimum: 0, maximum: 1_000, description: 'The factor, of at most six decimals.' }),
  {
    additionalProperties: false,
    nameHint: 'A factor belongs to an organization, to `organization/project`, or to `*` for all others.',
    placeholder: 'ORGANIZATION',
    default: {},
    description:
      'What tenants are charged for what providers bill: a factor such as 1.2 by `organization`, `organization/project`, or `*` for all others. The closest one counts; 1 where there is none. Budgets count what providers bill.',
  },
)

type MarkupConfig = Static<typeof markupConfig>

/** Factors as decimals: the shortest that is the number is what was written. */
export function readFactors(config: MarkupConfig): Factors {
  return Object.fromEntries(Object.entries(config).map(([name, factor]) => [name, String(factor)]))
}

/** A factor of more decimals than are kept would be another one than was written. */
export const checkMarkup: Check<{ markup: MarkupConfig }> = ({ markup }, report) => {
  for (const [name, factor] of Object.entries(markup)) {
    try {
      createMarkup(readFactors({ [name]: factor }))
    } catch {
      report(['markup', name], `\`${factor}\` has more than six decimals.`, 'Write a factor such as 1.25.')
    }
  }
}
