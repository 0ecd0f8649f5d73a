import { type Static, Type } from 'typebox'
import type { Check } from './config/load.ts'
import { ByteSize, Duration } from './config/quantities.ts'
import { readHostName } from './egress.target.ts'

export const egressConfig = Type.Object(
  {
    enabled: Type.Boolean({
      default: true,
      description:
        'Whether Sluice fetches images and files that callers name by address, for providers that take only the content. It does, unless this is `false`.',
    }),
    timeout: Duration({
      atLeast: '1ms',
      atMost: '10m',
      default: '10s',
      description: 'For one address: look-up, redirects and the last byte.',
    }),
    max_bytes: ByteSize({
      atLeast: '1kb',
      atMost: '500mb',
      default: '20mb',
      description: 'Most that is fetched from one address.',
    }),
    allow_hosts: Type.Array(
      Type.String({
        pattern: '^([A-Za-z0-9._-]+|\\[[0-9A-Fa-f:.]+\\])(:\\d{1,5})?$',
        patternHint: 'Write a host, or a host and a port, such as files.internal or 10.0.0.5:8080.',
      }),
      {
        default: [],
        description:
          'Hosts of your own that any caller may have read, though they are not public or speak plain http. All others must be https at public addresses.',
      },
    ),
  },
  { additionalProperties: false, default: {}, description: 'Addresses that callers name.' },
)

/** A host must be one that an address can have: 1.2.3.4.5 looks like a name and is none. */
export const checkEgress: Check<{ egress: Static<typeof egressConfig> }> = ({ egress }, report) => {
  for (const [index, name] of egress.allow_hosts.entries()) {
    if (readHostName(name) === undefined)
      report(['egress', 'allow_hosts', index], 'No address has this host and port.')
  }
}
