import { type Static, Type } from 'typebox'
import { Amount, Count, recordReader, Threshold, TimeSpan, Usd } from '#platform'

export const dimensions = [
  'organization',
  'project',
  'key',
  'user',
  'feature',
  'model',
  'provider',
  'target',
  'tag',
  'environment',
] as const

const periods = ['minute', 'hour', 'day', 'week', 'month', 'quarter', 'total'] as const

/** A list of names, or one of them. */
const names = (description: string) =>
  Type.Optional(
    Type.Array(Type.String({ minLength: 1 }), { minItems: 1, maxItems: 1_000, orOne: true, description }),
  )

const matchConfig = Type.Object(
  {
    organization: names('Organizations.'),
    project: names('Projects.'),
    key: names('Keys, by id or by name.'),
    user: names('End users.'),
    feature: names('Features of the product.'),
    model: names('Models, by the names that callers use.'),
    class: names('`interactive` or `batch`.'),
    provider: names('Providers that a call goes to.'),
    target: names('Targets that a call goes to, `provider/model`.'),
    tag: names('Tags, any of a call’s own.'),
    environment: names('Environments.'),
  },
  {
    additionalProperties: false,
    description:
      'Which calls it is about: a name, a list of names, or names with `*` for any text. All that is given must hold; all calls when absent.',
  },
)

const shared = {
  name: Type.Optional(
    Type.String({
      pattern: '^[^\\s\\x00-\\x1f](?:[^\\x00-\\x1f]{0,98}[^\\s\\x00-\\x1f])?$',
      patternHint: 'A name has 1 to 100 characters, no line breaks, and no spaces at its ends.',
      description: 'To know it by; unique. By default it says what is counted.',
    }),
  ),
  per: Type.Array(Type.Unsafe<(typeof dimensions)[number]>({ type: 'string', enum: [...dimensions] }), {
    default: [],
    orOne: true,
    uniqueItems: true,
    description:
      'Whose each counter is; several together make one for each combination. One counter for all when absent.',
  }),
  match: Type.Optional(matchConfig),
  require: Type.Boolean({
    default: false,
    description: 'With `per: user`: refuses calls that do not name their user.',
  }),
}

const openConfig = Type.Object(
  {
    do: Type.Optional(Type.Unsafe<'closed'>({ type: 'string', enum: ['closed'] })),
    open: Type.Optional(Amount({ description: 'How much more each process may let through by itself.' })),
  },
  {
    additionalProperties: false,
    word: 'do',
    description:
      'What happens while the store of counters cannot be reached: `closed` refuses calls (the default), `{ open: $1 }` lets each process spend so much more.',
  },
)

const actionConfig = Type.Object(
  {
    do: Type.Optional(Type.Unsafe<'alert' | 'confirm'>({ type: 'string', enum: ['alert', 'confirm'] })),
    use: Type.Optional(Type.String({ minLength: 1, description: 'The model that answers instead.' })),
    class: Type.Optional(
      Type.Unsafe<'batch'>({ type: 'string', enum: ['batch'], description: 'Calls go to the slow lane.' }),
    ),
    output: Type.Optional(
      Count({ atLeast: '1', atMost: '10m', description: 'Most tokens that an answer has.' }),
    ),
  },
  {
    additionalProperties: false,
    word: 'do',
    default: { do: 'alert' },
    description:
      'What is done from there on: `alert` tells the owner (the default), `confirm` wants the header `x-sluice-confirm: true`, and a map says how the call is made instead.',
  },
)

const budgetConfig = Type.Object(
  {
    ...shared,
    limit: Type.Optional(Usd({ description: 'Money: what providers bill.' })),
    tokens: Type.Optional(
      Count({ atLeast: '1', atMost: '9000000m', description: 'All tokens, instead of `limit`.' }),
    ),
    every: Type.Unsafe<(typeof periods)[number]>({
      type: 'string',
      enum: [...periods],
      default: 'month',
      description: 'After which time it begins anew; `total`: never.',
    }),
    rolling: Type.Boolean({
      default: false,
      description:
        'Counts the time up to now instead of the calendar’s: a month is then the last 30 days, a quarter the last 90.',
    }),
    time_zone: Type.String({
      default: 'UTC',
      minLength: 1,
      description: 'Whose calendar, such as `Europe/Berlin`; a week begins on Monday.',
    }),
    hard: Type.Boolean({
      default: true,
      description: 'Whether calls that do not fit are refused; otherwise only `soft` has an effect.',
    }),
    soft: Type.Array(
      Type.Object(
        {
          at: Threshold({ description: 'From which share or amount on; 100% when absent.', default: '100%' }),
          // biome-ignore lint/suspicious/noThenProperty: the configuration's word
          then: actionConfig,
        },
        { additionalProperties: false },
      ),
      {
        default: [],
        maxItems: 20,
        orOne: true,
        description: 'What is done before the end.',
      },
    ),
    unpriced: Type.Unsafe<'refuse' | 'allow'>({
      type: 'string',
      enum: ['refuse', 'allow'],
      default: 'refuse',
      description: 'What becomes of calls that have no price, under a hard budget of money.',
    }),
    when_store_is_away: Type.Optional(openConfig),
  },
  { additionalProperties: false },
)

export type BudgetConfig = Static<typeof budgetConfig>

/** Of one that came over the API. */
export const readBudgetConfig = recordReader(budgetConfig)

const quantity = (description: string) =>
  Type.Optional(Count({ atLeast: '1', atMost: '9000000m', description }))

const rateLimitConfig = Type.Object(
  {
    ...shared,
    requests: quantity('Calls.'),
    tokens: quantity('All tokens.'),
    input_tokens: quantity('Input tokens.'),
    output_tokens: quantity('Output tokens.'),
    concurrent: quantity('Calls under way at the same time; `every` says nothing of these.'),
    every: TimeSpan({
      default: 'minute',
      atLeast: '100ms',
      atMost: '31d',
      description: 'In each time of this length, wherever it begins.',
    }),
    when_store_is_away: Type.Unsafe<'open' | 'closed'>({
      type: 'string',
      enum: ['open', 'closed'],
      default: 'open',
      description:
        'What happens while the store of counters cannot be reached: each process counts alone, or calls are refused.',
    }),
  },
  { additionalProperties: false },
)

export type RateLimitConfig = Static<typeof rateLimitConfig>

export const readRateLimitConfig = recordReader(rateLimitConfig)

export const budgetsConfig = Type.Array(budgetConfig, {
  default: [],
  description:
    'How much may be spent, beside the budgets made over the API. All that concern a call must have room for it.',
})

export const rateLimitsConfig = Type.Array(rateLimitConfig, {
  default: [],
  description: 'How often and how much at a time, beside the limits made over the API.',
})
