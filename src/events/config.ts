import { Type } from 'typebox'
import { Duration } from '#platform'

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
  },
  { additionalProperties: false, default: {}, description: 'The call log.' },
)
