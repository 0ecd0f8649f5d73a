import { type Static, Type } from 'typebox'
import { type Check, Count, Duration, nearest } from '#platform'

const target = Type.String({
  pattern: '^[^/\\s]+/\\S+$',
  patternHint: 'A target is written `provider/model`, such as openai/gpt-5-mini.',
})

/** As for providers. */
const bounds = { atLeast: '1ms', atMost: '24h' }

const limits = {
  connect: Type.Optional(
    Duration({ ...bounds, description: 'Until a connection is open and the request is being written.' }),
  ),
  first_token: Type.Optional(
    Duration({ ...bounds, description: 'Streams: from there to the first content.' }),
  ),
  idle: Type.Optional(
    Duration({
      ...bounds,
      description:
        'Streams: between two events that say something; what only keeps the connection alive is none.',
    }),
  ),
  total: Type.Optional(Duration({ ...bounds, description: 'The whole call.' })),
}

const timeoutsConfig = Type.Object(
  {
    ...limits,
    batch: Type.Optional(
      Type.Object(limits, { additionalProperties: false, description: 'For calls of the class `batch`.' }),
    ),
  },
  {
    additionalProperties: false,
    description: 'Time limits; what is not set is as the first target’s provider has it.',
  },
)

export type TimeoutsConfig = Static<typeof timeoutsConfig>

/** A policy for what a provider of another dialect cannot take. */
export const unsupportedConfig = Type.String({
  enum: ['error', 'drop'],
  description:
    'What to do when a provider cannot take something that a request asks for: `error` refuses the request, `drop` goes on without it and names it in `x-sluice-dropped`. If absent, what changes the meaning is refused and hints are dropped.',
})

const modelConfig = Type.Object(
  {
    targets: Type.Optional(
      Type.Array(target, {
        minItems: 1,
        description:
          'In order of preference: the first, and the others where it cannot take a call or fails.',
      }),
    ),
    balance: Type.Optional(
      Type.Array(
        Type.Object(
          {
            use: Type.String({ ...target, description: 'A target.' }),
            weight: Type.Number({ default: 1, minimum: 0, description: 'Its share, against the others.' }),
          },
          { additionalProperties: false },
        ),
        {
          minItems: 1,
          description: 'Targets that share the calls, instead of `targets`; each stands in for the others.',
        },
      ),
    ),
    timeouts: Type.Optional(timeoutsConfig),
    unsupported: Type.Optional(unsupportedConfig),
    by: Type.Optional(
      Type.String({
        enum: ['weight', 'least_loaded', 'fastest'],
        description:
          'How `balance` chooses: by weight (the default), the target with the fewest calls under way for its weight, or the one whose streams have begun soonest of late.',
      }),
    ),
    retries: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 10,
        description:
          'Most further attempts once every target has been tried; as the first target’s provider has it.',
      }),
    ),
    hedge: Type.Optional(
      Type.Object(
        {
          after: Type.Optional(
            Duration({
              ...bounds,
              description: 'By default as long as 95 of 100 streams of the target have taken of late.',
            }),
          ),
          share: Type.Number({
            default: 0.05,
            minimum: 0,
            maximum: 1,
            description:
              'The most of the calls for which that is done, of each organization: at 0.05 every twentieth call earns one, and at most ten are saved up.',
          }),
        },
        {
          additionalProperties: false,
          description:
            'For interactive streams that take unusually long to begin: the next target is asked too (not one of `degrade`), and who begins later is given up, at the price of what it has read by then.',
        },
      ),
    ),
    on_content_block: Type.Optional(
      Type.String({
        enum: ['stop', 'fail_over'],
        description:
          'What to do when a provider’s content filter stops a request: tell the caller (the default), or ask the next target, which gets round a policy.',
      }),
    ),
    degrade: Type.Optional(
      Type.Object(
        {
          use: Type.Optional(
            Type.Array(target, {
              minItems: 1,
              description:
                'Targets that are better than nothing, such as a smaller model. Callers are told in `x-sluice-degraded`.',
            }),
          ),
          try_again: Type.Optional(
            Duration({
              ...bounds,
              description: 'What callers are told to wait when there is no answer at all.',
            }),
          ),
        },
        {
          additionalProperties: false,
          description: 'What happens when none of the targets can take a call.',
        },
      ),
    ),
  },
  { additionalProperties: false },
)

export type ModelConfig = Static<typeof modelConfig>

export const contextsConfig = Type.Record(
  Type.String({ pattern: '^[^/\\s]+/\\S+$' }),
  Count({ atLeast: '1', atMost: '1000m', description: 'Most input tokens.' }),
  {
    additionalProperties: false,
    nameHint: 'Write a target: `provider/model`; it may end in `*`.',
    placeholder: 'TARGET',
    default: {},
    description:
      'How long an input each target takes. One that takes too little is passed over; what is not named is tried.',
  },
)

export const modelsConfig = Type.Record(Type.String({ pattern: '^[^\\s\\x00-\\x1f]{1,200}$' }), modelConfig, {
  additionalProperties: false,
  nameHint: 'A name has 1 to 200 characters and no spaces.',
  placeholder: 'MODEL',
  default: {},
  description: 'Names that callers use, and where each goes. A name may end in `*`; its targets then do too.',
})

interface Checked {
  models: Readonly<Record<string, ModelConfig>>
  providers: Readonly<Record<string, unknown>>
}

/** Targets must name configured providers, and a model has one kind of list. */
export const checkModels: Check<Checked> = ({ models, providers }, report) => {
  const names = Object.keys(providers)
  for (const [alias, model] of Object.entries(models)) {
    const path = ['models', alias]
    if ((model.targets === undefined) === (model.balance === undefined)) {
      report(path, 'A model needs either `targets` or `balance`, one of the two.')
      continue
    }
    const targets = [
      ...(model.targets ?? []).map((text, index) => ({ text, at: [...path, 'targets', index] })),
      ...(model.balance ?? []).map(({ use }, index) => ({
        text: use,
        at: [...path, 'balance', index, 'use'],
      })),
      ...(model.degrade?.use ?? []).map((text, index) => ({ text, at: [...path, 'degrade', 'use', index] })),
    ]
    if (model.by !== undefined && model.balance === undefined)
      report([...path, 'by'], 'This says how `balance` chooses; there is none here.')
    if (model.balance?.every(({ weight }) => weight === 0))
      report([...path, 'balance'], 'At least one weight must be above 0.')
    for (const { text, at } of targets) {
      const provider = text.slice(0, text.indexOf('/'))
      if (!names.includes(provider)) {
        const near = nearest(provider, names)
        const hint = near
          ? `Did you mean \`${near}\`?`
          : `Configured providers: ${names.join(', ') || 'none'}.`
        report(at, `There is no provider \`${provider}\`.`, hint)
      }
      if (text.endsWith('*') && !alias.endsWith('*'))
        report(at, 'Only the targets of a name that ends in `*` may end in `*`.')
    }
  }
}
