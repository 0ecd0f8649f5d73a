import { Type } from 'typebox'
import { Duration } from '#platform'

export const responsesConfig = Type.Object(
  {
    retention: Duration({
      // Shorter than an hour is a slip of the pen that would break every conversation.
      atLeast: '1h',
      atMost: '36500d',
      default: '30d',
      description:
        'How long a response is kept whose caller did not say `store: false`, and all that it goes on from. Holds for responses that are made from then on.',
    }),
  },
  { additionalProperties: false, default: {}, description: 'Stored responses (OpenAI Responses).' },
)
