import { Type } from 'typebox'
import { ByteSize, Duration } from '#platform'

export const listenConfig = Type.String({
  default: '127.0.0.1:4000',
  pattern:
    '^(\\[[0-9a-fA-F:]+\\]|[^:\\s]+):(\\d{1,4}|[1-5]\\d{4}|6[0-4]\\d{3}|65[0-4]\\d\\d|655[0-2]\\d|6553[0-5])$',
  patternHint: 'Write a host and a port, such as 127.0.0.1:4000 or 0.0.0.0:4000.',
  description: 'Where Sluice serves. Anything but a loopback address is reachable from the network.',
})

export const requestsConfig = Type.Object(
  {
    max_body: ByteSize({
      atLeast: '1kb',
      atMost: '500mb',
      default: '32mb',
      description: 'Largest request body, by counted bytes.',
    }),
    header_timeout: Duration({
      atLeast: '10ms',
      atMost: '1h',
      default: '30s',
      description: 'For the headers of a request to arrive.',
    }),
    body_timeout: Duration({
      atLeast: '10ms',
      atMost: '1h',
      default: '60s',
      description: 'For a request to arrive whole.',
    }),
    drain: Duration({
      atMost: '1h',
      default: '30s',
      description:
        'After SIGTERM, how long calls under way may take to end before they are cut off with an error.',
    }),
  },
  { additionalProperties: false, default: {}, description: 'Bounds on what callers send.' },
)
