import { type Static, Type } from 'typebox'
import { ByteSize, type Check, Duration, nearest } from '#platform'
import { quirks } from '#wire'
import { checkCredentials } from './credential.google.ts'
import { houses } from './houses.ts'
import { limitsConfig } from './lane-config.ts'
import { neededBy, reads, type SettingName, settingNames, type Vendor } from './vendor.ts'
import { simulatorVendor, vendors } from './vendors.ts'

const timeoutFields = {
  connect: 'Until a connection is open and the request is being written.',
  first_token: 'Streams: from there to the first content.',
  idle: 'Streams: between two events that say something; what only keeps the connection alive is none.',
  total: 'The whole call.',
}

/** Node's timers end at 24 days; a call that takes longer than one is lost. */
const bounds = { atLeast: '1ms', atMost: '24h' }

const timeoutsConfig = Type.Object(
  {
    connect: Duration({ ...bounds, default: '5s', description: timeoutFields.connect }),
    first_token: Duration({ ...bounds, default: '2m', description: timeoutFields.first_token }),
    idle: Duration({ ...bounds, default: '60s', description: timeoutFields.idle }),
    total: Duration({ ...bounds, default: '10m', description: timeoutFields.total }),
  },
  { additionalProperties: false, default: {}, description: 'Time limits on calls to it.' },
)

const breakerConfig = Type.Object(
  {
    failures: Type.Integer({
      default: 5,
      minimum: 1,
      maximum: 1_000,
      description: 'So many failures in a row.',
    }),
    ratio: Type.Number({
      default: 0.5,
      minimum: 0.01,
      maximum: 1,
      description: 'Or this share of failures within the window.',
    }),
    least_attempts: Type.Integer({
      default: 20,
      minimum: 1,
      maximum: 100_000,
      description: 'Attempts in the window before their share of failures says anything.',
    }),
    window: Duration({ atLeast: '1s', atMost: '10m', default: '30s', description: 'The window.' }),
    cooldown: Duration({
      ...bounds,
      default: '5s',
      description: 'How long it stays open before one attempt probes; doubles each time that fails.',
    }),
    longest_cooldown: Duration({ ...bounds, default: '1m', description: 'The most it doubles to.' }),
  },
  {
    additionalProperties: false,
    default: {},
    description: 'When a model of it that fails is left alone for a while.',
  },
)

const known = [...Object.keys(vendors), simulatorVendor]

/** A part of an address, which only ever stands between dots or slashes. */
const word = { pattern: '^[A-Za-z0-9][A-Za-z0-9._-]*$', patternHint: 'Use letters, digits, dots and dashes.' }

const secret = {
  pattern: '^[\\x21-\\x7e]+$',
  patternHint: 'A key has at least one character, and no spaces or line breaks.',
}

/** What some vendors need beside a key, or instead of one. Who reads it stands in the vendor's record. */
const settingsConfig = {
  region: Type.Optional(
    Type.String({ ...word, description: `The region of AWS, such as us-east-1. ${usedBy('region')}` }),
  ),
  project: Type.Optional(
    Type.String({ ...word, description: `The project of Google Cloud. ${usedBy('project')}` }),
  ),
  location: Type.Optional(
    Type.String({
      ...word,
      description: `Where it runs: global, us, eu or a region, such as europe-west4; by default global. ${usedBy('location')}`,
    }),
  ),
  resource: Type.Optional(
    Type.String({
      pattern: '^([A-Za-z0-9][A-Za-z0-9-]*|https?://[^\\s@?#/]+(/openai(/v1)?)?/?)$',
      patternHint: 'Write its name, or its address, such as https://name.openai.azure.com.',
      description: `The name of the Azure resource, or its address. ${usedBy('resource')}`,
    }),
  ),
  api_version: Type.Optional(
    Type.String({
      ...word,
      description: `A dated version of the API before v1, or preview; by default v1. ${usedBy('api_version')}`,
    }),
  ),
  credentials: Type.Optional(
    Type.String({
      minLength: 1,
      description: `A Google service account: the path of its JSON file, or the JSON itself; by default the credentials of the machine. ${usedBy('credentials')}`,
    }),
  ),
  access_key_id: Type.Optional(
    Type.String({ ...secret, description: `With which requests are signed. ${usedBy('access_key_id')}` }),
  ),
  secret_access_key: Type.Optional(
    Type.String({ ...secret, description: `The secret of it. ${usedBy('secret_access_key')}` }),
  ),
  session_token: Type.Optional(
    Type.String({ ...secret, description: `Of a key for a session. ${usedBy('session_token')}` }),
  ),
}

function usedBy(name: SettingName): string {
  return `Only for ${Object.entries(vendors)
    .flatMap(([vendor, record]) => (reads(record, name) ? `\`${vendor}\`` : []))
    .join(', ')}.`
}

const providerConfig = Type.Object(
  {
    vendor: Type.Optional(
      Type.String({
        enum: known,
        description: 'Whose service it is; by default the name of the provider, if that is one of these.',
      }),
    ),
    dialect: Type.Optional(
      Type.String({
        enum: Object.keys(houses),
        description:
          'What a server at an address of your own speaks: `openai` is chat and embeddings, `openai-responses` Responses and embeddings. If absent, a provider that is named after a vendor speaks as that does, and any other `openai`.',
      }),
    ),
    base_url: Type.Optional(
      Type.String({
        pattern: '^https?://[^\\s@?#]+$',
        patternHint:
          'Write an http or https address without credentials, query or fragment, such as http://10.0.0.5:8000/v1.',
        description:
          'Where it answers, with the part of the path before `/chat/completions`, `/messages`, `/models/…` or `/model/…`. Where Anthropic’s or Gemini’s dialect is spoken, the version is added if it is not there. A known vendor has an address of its own.',
      }),
    ),
    api_key: Type.Optional(
      Type.String({
        ...secret,
        description:
          'Sent as the vendor or the dialect wants it, mostly as `Authorization: Bearer`. Write `${NAME}` to take it from the environment.',
      }),
    ),
    ...settingsConfig,
    quirks: Type.Optional(
      Type.Array(Type.String({ enum: Object.keys(quirks) }), {
        description:
          'Ways of its own that it has beside those of its vendor; [vendors](vendors.md) says what each is.',
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
    retries: Type.Integer({
      default: 2,
      minimum: 0,
      maximum: 10,
      description:
        'Most further attempts for one call, where trying again may help: with growing waits, within the time limits, and for no more than a tenth of the calls. Clients are told not to try again on top of them.',
    }),
    breaker: breakerConfig,
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
    limits: Type.Optional(limitsConfig),
  },
  { additionalProperties: false },
)

export type ProviderConfig = Static<typeof providerConfig>

/** What a setting must look like, where a value that is not from a file does not; undefined when all is well. */
export function explainSetting(name: SettingName, value: string): string | undefined {
  const { pattern, patternHint } = providerConfig.properties[name] as {
    pattern?: string
    patternHint?: string
  }
  return pattern === undefined || new RegExp(pattern).test(value) ? undefined : patternHint
}

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
    checkAddress(name, config, report)
    for (const header of Object.keys(config.headers ?? {})) {
      if (ownHeaders.includes(header.toLowerCase()))
        report(['providers', name, 'headers', header], 'Sluice sets this header itself; remove it.')
    }
    const wrong = config.credentials === undefined ? undefined : checkCredentials(config.credentials)
    if (wrong) report(['providers', name, 'credentials'], wrong)
  }
}

const ownHeaders = ['connection', 'content-length', 'content-type', 'host', 'transfer-encoding']

function checkAddress(name: string, config: ProviderConfig, report: Report): void {
  const { base_url, vendor = name, dialect } = config
  const isVendor = isVendors(name, config)
  if (base_url !== undefined && !URL.canParse(base_url))
    report(['providers', name, 'base_url'], 'This is not an address.')
  if (isVendor && !known.includes(vendor)) {
    const near = nearest(vendor, known)
    const message = `\`${vendor}\` is not a vendor known by name, so it needs a \`base_url\`.`
    return report(['providers', name], message, near ? `Did you mean \`${near}\`?` : undefined)
  }
  if (!isVendor) return checkSettings(name, config, houseOf(config), report)
  if (dialect !== undefined)
    report(['providers', name, 'dialect'], `\`${vendor}\` speaks its own dialects; remove this.`)
  const record = vendors[vendor]
  if (record) checkSettings(name, config, record, report)
}

/** Whether a provider is the vendor that is named, or that it is named after; else it is a house of one's own. */
export function isVendors(name: string, { vendor, base_url, dialect }: ProviderConfig): boolean {
  return (
    vendor !== undefined || base_url === undefined || (dialect === undefined && Object.hasOwn(vendors, name))
  )
}

export function houseOf({ dialect = 'openai' }: ProviderConfig): Vendor {
  return houses[dialect as keyof typeof houses]
}

/** What is missing, by the set that most is there of; and what means nothing to the vendor. */
function checkSettings(name: string, config: ProviderConfig, vendor: Vendor, report: Report): void {
  for (const setting of settingNames) {
    if (config[setting] !== undefined && !reads(vendor, setting))
      report(['providers', name, setting], 'This means nothing here; remove it.', usedBy(setting))
  }
  // The address says what would be made of these.
  const inAddress: readonly SettingName[] = config.base_url === undefined ? [] : ['resource', 'api_key']
  const [nearly = []] = neededBy(vendor)
    .map(set => set.filter(setting => config[setting] === undefined && !inAddress.includes(setting)))
    .toSorted((a, b) => a.length - b.length)
  for (const setting of nearly) {
    const [variable] = vendor.env?.[setting] ?? []
    const hint = variable === undefined ? undefined : `Write \`${setting}: \${${variable}}\`.`
    report(['providers', name], `\`${setting}\` is missing.`, hint)
  }
}
