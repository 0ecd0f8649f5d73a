import { Type } from 'typebox'
import { ByteSize, Duration } from '#platform'

export const listenConfig = Type.String({
  default: '127.0.0.1:4000',
  pattern: '^(\\[[0-9a-fA-F:]+\\]|[^:\\s]+):\\d{1,5}$',
  patternHint: 'Write a host and a port, such as 127.0.0.1:4000 or 0.0.0.0:4000.',
  description: 'Where Sluice serves. Anything but a loopback address is reachable from the network.',
})

export const requestsConfig = Type.Object(
  {
    max_body: ByteSize({ default: '32mb', description: 'Largest request body, by counted bytes.' }),
    header_timeout: Duration({ default: '30s', description: 'For the headers of a request to arrive.' }),
    body_timeout: Duration({ default: '60s', description: 'For a request to arrive whole.' }),
    drain: Duration({
      default: '30s',
      description:
        'After SIGTERM, how long calls under way may take to end before they are cut off with an error.',
    }),
  },
  { additionalProperties: false, default: {}, description: 'Bounds on what callers send.' },
)
