import { Type } from 'typebox'
import { ByteSize, Duration } from '#platform'

export const idempotencyConfig = Type.Object(
  {
    keep: Duration({
      // Shorter than the longest pause between an SDK's tries, a key would protect from nothing.
      atLeast: '1m',
      atMost: '30d',
      default: '24h',
      description:
        'How long the answer to a request with an `Idempotency-Key` is kept, to be given again to whoever repeats it. Holds for answers that are made from then on.',
    }),
    max_answer: ByteSize({
      atLeast: '1kb',
      atMost: '64mb',
      default: '4mb',
      description:
        'The largest answer that is kept, and held in memory for those who repeat a request while it runs. Of a larger one only the key is kept: a repeat is refused, since it would be made and paid for twice.',
    }),
  },
  { additionalProperties: false, default: {}, description: 'Requests with an `Idempotency-Key`.' },
)
