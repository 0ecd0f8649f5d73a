import { type Static, Type } from 'typebox'
import { ByteSize, type Check, Duration, nearest } from '#platform'
import { simulatorVendor, vendors } from './vendors.ts'

const timeoutFields = {
  connect: 'Until a connection is open and the request is being written.',
  first_token: 'Streams: from there to the first content.',
  idle: 'Streams: between two pieces.',
  total: 'The whole call.',
}

/** Node's timers end at 24 days; a call that takes longer than one is lost. */
const bounds = { atLeast: '1ms', atMost: '24h' }

const timeoutsConfig = Type.Object(
  {
    connect: Duration({ ...bounds, default: '5s', description: timeoutFields.connect }),
    first_token: Duration({ ...bounds, default: '60s', description: timeoutFields.first_token }),
    idle: Duration({ ...bounds, default: '60s', description: timeoutFields.idle }),
    total: Duration({ ...bounds, default: '10m', description: timeoutFields.total }),
  },
  { additionalProperties: false, default: {}, description: 'Time limits on calls to it.' },
)

const known = [...Object.keys(vendors), simulatorVendor]

const providerConfig = Type.Object(
  {
    vendor: Type.Optional(
      Type.String({
        enum: known,
        description: 'Whose service it is; by default the name of the provider, if that is one of these.',
      }),
    ),
    dialect: Type.String({ enum: ['openai'], default: 'openai', description: 'The wire format it speaks.' }),
    base_url: Type.Optional(
      Type.String({
        pattern: '^https?://[^\\s@?#]+$',
        patternHint:
          'Write an http or https address without credentials, query or fragment, such as http://10.0.0.5:8000/v1.',
        description:
          'Where it answers, with the part of the path before `/chat/completions`. A known vendor has its own.',
      }),
    ),
    api_key: Type.Optional(
      Type.String({
        pattern: '^[\\x21-\\x7e]+$',
        patternHint: 'A key has at least one character, and no spaces or line breaks.',
        description: 'Sent as `Authorization: Bearer`. Write `${NAME}` to take it from the environment.',
      }),
    ),
    headers: Type.Optional(
      Type.Record(
        Type.String({ pattern: '^[A-Za-z0-9-]+$' }),
        Type.String({ pattern: '^[\\x20-\\x7e]*$', patternHint: 'Use printable ASCII characters.' }),
        {
          additionalProperties: false,
          nameHint: 'Use letters, digits and dashes.',
          placeholder: 'HEADER',
          description: 'Further headers for every request to it.',
        },
      ),
    ),
    timeouts: timeoutsConfig,
    connections: Type.Integer({
      default: 256,
      minimum: 1,
      maximum: 65_535,
      description: 'Most connections to it at once; further calls wait for one.',
    }),
    max_answer: ByteSize({
      atLeast: '1kb',
      atMost: '500mb',
      default: '64mb',
      description: 'Largest answer that is not streamed.',
    }),
    limits: Type.Optional(
      Type.Unsafe<never>({ later: 'Limits of a provider are not in this version yet; remove the section.' }),
    ),
  },
  { additionalProperties: false },
)

export type ProviderConfig = Static<typeof providerConfig>

export const providersConfig = Type.Record(
  Type.String({ pattern: '^[a-z0-9][a-z0-9_-]{0,62}$' }),
  providerConfig,
  {
    additionalProperties: false,
    nameHint: 'Use small letters, digits, dashes and underscores.',
    placeholder: 'PROVIDER',
    default: {},
    description:
      'Where calls can go, by name. With a configuration file, exactly these; `sim: {}` adds the simulator.',
  },
)

type Report = Parameters<Check<unknown>>[1]

/** What a provider needs cannot be said field by field: it depends on what its vendor brings. */
export const checkProviders: Check<{ providers: Readonly<Record<string, ProviderConfig>> }> = (
  { providers },
  report,
) => {
  for (const [name, config] of Object.entries(providers)) {
    if (config.base_url === undefined) checkVendor(name, config, report)
    else if (!URL.canParse(config.base_url))
      report(['providers', name, 'base_url'], 'This is not an address.')
    for (const header of Object.keys(config.headers ?? {})) {
      if (ownHeaders.includes(header.toLowerCase()))
        report(['providers', name, 'headers', header], 'Sluice sets this header itself; remove it.')
    }
  }
}

const ownHeaders = ['connection', 'content-length', 'content-type', 'host', 'transfer-encoding']

function checkVendor(name: string, { vendor = name, api_key }: ProviderConfig, report: Report): void {
  if (!known.includes(vendor)) {
    const near = nearest(vendor, known)
    const message = `\`${vendor}\` is not a vendor known by name, so it needs a \`base_url\`.`
    return report(['providers', name], message, near ? `Did you mean \`${near}\`?` : undefined)
  }
  const [variable] = vendors[vendor]?.apiKeyEnv ?? []
  if (variable !== undefined && api_key === undefined)
    report(['providers', name], '`api_key` is missing.', `Write \`api_key: \${${variable}}\`.`)
}
