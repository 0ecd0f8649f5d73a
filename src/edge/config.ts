import { Type } from 'typebox'
import { ByteSize, Duration } from '#platform'

export const listenConfig = Type.String({
  default: '127.0.0.1:4000',
  pattern:
    '^(\\[[0-9a-fA-F:]+\\]|[^:\\s]+):(\\d{1,4}|[1-5]\\d{4}|6[0-4]\\d{3}|65[0-4]\\d\\d|655[0-2]\\d|6553[0-5])$',
  patternHint: 'Write a host and a port, such as 127.0.0.1:4000 or 0.0.0.0:4000.',
  description: 'Where Sluice serves. Anything but a loopback address is reachable from the network.',
})

export const streamsConfig = Type.Object(
  {
    heartbeat: Duration({
      atLeast: '20ms',
      atMost: '1h',
      default: '8s',
      description:
        'Longest silence of a streamed answer, from before its first content on: then its reader gets a comment or a ping, so that nothing on the way takes the stream for dead.',
    }),
    stalled_reader: Duration({
      atLeast: '20ms',
      atMost: '1h',
      default: '30s',
      description:
        'A reader that takes nothing of its answer for so long is dropped, streamed or not, and the provider is hung up on.',
    }),
  },
  { additionalProperties: false, default: {}, description: 'How answers reach their readers.' },
)

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
    most_under_way: Type.Integer({
      minimum: 1,
      maximum: 1_000_000,
      default: 10_000,
      description:
        'Calls that may be under way at once in this process; further ones are refused with `overloaded`, those of class batch from four fifths of it on.',
    }),
    most_delay: Duration({
      atLeast: '10ms',
      atMost: '1m',
      default: '100ms',
      description:
        'How late this process may be with everything it does (the delay of its event loop) before it refuses a share of the calls with `overloaded`, so that the rest is served; those of class batch from two fifths of it on.',
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
