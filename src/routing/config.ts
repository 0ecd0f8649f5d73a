import { type Static, Type } from 'typebox'
import { type Check, Duration, nearest } from '#platform'

const target = Type.String({
  pattern: '^[^/\\s]+/\\S+$',
  patternHint: 'A target is written `provider/model`, such as openai/gpt-5-mini.',
})

/** As for providers. */
const bounds = { atLeast: '1ms', atMost: '24h' }

const timeoutsConfig = Type.Object(
  {
    connect: Type.Optional(
      Duration({ ...bounds, description: 'Until a connection is open and the request is being written.' }),
    ),
    first_token: Type.Optional(
      Duration({ ...bounds, description: 'Streams: from there to the first content.' }),
    ),
    idle: Type.Optional(Duration({ ...bounds, description: 'Streams: between two pieces.' })),
    total: Type.Optional(Duration({ ...bounds, description: 'The whole call.' })),
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
        description: 'In order of preference. This version calls the first; the others are for fail-over.',
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
        { minItems: 1, description: 'Targets that share the calls by weight, instead of `targets`.' },
      ),
    ),
    timeouts: Type.Optional(timeoutsConfig),
    unsupported: Type.Optional(unsupportedConfig),
    retries: Type.Optional(
      Type.Unsafe<never>({ later: 'Retries are not in this version yet; remove the line.' }),
    ),
  },
  { additionalProperties: false },
)

export type ModelConfig = Static<typeof modelConfig>

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
    ]
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
