import { Type } from 'typebox'
import { Count, Duration } from '#platform'

/** Shorter than an hour is a slip of the pen that would empty the log. */
const bounds = { atLeast: '1h', atMost: '36500d' }

export const callsConfig = Type.Object(
  {
    content: Type.String({
      enum: ['none', 'errors', 'all'],
      default: 'none',
      description:
        'Whether prompts and answers are kept with the record of a call: never, of failed calls, always.',
    }),
    content_retention: Duration({ ...bounds, default: '30d', description: 'How long they are kept.' }),
    retention: Duration({
      ...bounds,
      default: '400d',
      description: 'How long the record of a call is kept.',
    }),
    users_per_hour: Count({
      atLeast: '1',
      atMost: '1m',
      default: '10k',
      description:
        'How many users of an organization usage and costs tell apart in an hour; further ones are shown together, as `…other`. Budgets tell all of them apart.',
    }),
  },
  { additionalProperties: false, default: {}, description: 'The call log.' },
)
