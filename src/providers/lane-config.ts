import { type Static, Type } from 'typebox'
import { Count, Duration } from '#platform'
import { type GateLimits, type LaneLimits, usualQueue } from './lane-limits.ts'

const waits = { atLeast: '0ms', atMost: '24h' }

const gateConfig = {
  requests_per_minute: Type.Optional(
    Count({
      atLeast: '1',
      atMost: '100m',
      description: 'Requests, evenly: a twelfth of it may come at once.',
    }),
  ),
  tokens_per_minute: Type.Optional(
    Count({
      atLeast: '1',
      atMost: '1000000m',
      description:
        'Tokens of input and output, evenly. Calls are let in by an estimate, which is set right by what they used.',
    }),
  ),
  concurrency: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 65_535, description: 'Calls under way at once.' }),
  ),
}

export const limitsConfig = Type.Object(
  {
    ...gateConfig,
    models: Type.Optional(
      Type.Record(
        Type.String({ pattern: '^[^*]*\\*?$' }),
        Type.Object(gateConfig, { additionalProperties: false }),
        {
          additionalProperties: false,
          nameHint: 'Write the name of a model, or its beginning and a `*`.',
          placeholder: 'MODEL',
          description:
            'Further limits of a model by its name, or of each model that begins so: `gpt-5*`. The longest that fits holds.',
        },
      ),
    ),
    queue: Type.Object(
      {
        interactive: Duration({
          ...waits,
          default: '10s',
          description:
            'Longest wait of an interactive call. Who would wait longer is refused at once, and told when to come back.',
        }),
        batch: Duration({ ...waits, default: '5m', description: 'Longest wait of a batch call.' }),
        length: Type.Integer({
          default: usualQueue.length,
          minimum: 0,
          maximum: 100_000,
          description: 'Most calls that wait, of each of the two classes.',
        }),
      },
      {
        additionalProperties: false,
        default: {},
        description: 'Calls that wait until the limits let them in.',
      },
    ),
  },
  {
    additionalProperties: false,
    description:
      'What may be asked of it. Calls wait for their turn: interactive ones first, fair between organizations. Limits that a provider tells or shows are found by themselves.',
  },
)

type LimitsConfig = Static<typeof limitsConfig>

export function readLimits(config: LimitsConfig | undefined): LaneLimits {
  if (!config) return { models: {}, queue: usualQueue }
  const models = Object.entries(config.models ?? {}).map(
    ([name, limits]) => [name, readGate(limits)] as const,
  )
  const { interactive, batch, length } = config.queue
  return {
    ...readGate(config),
    models: Object.fromEntries(models),
    queue: { interactiveMs: interactive, batchMs: batch, length },
  }
}

function readGate(config: Omit<LimitsConfig, 'models' | 'queue'>): GateLimits {
  return {
    requestsPerMinute: config.requests_per_minute,
    tokensPerMinute: config.tokens_per_minute,
    concurrency: config.concurrency,
  }
}
