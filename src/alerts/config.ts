import { type Static, Type } from 'typebox'
import { type Check, Duration, Price } from '#platform'
import { alertKinds, severities } from './alert.ts'
import { secretBytes } from './webhook.ts'

const address = '[^\\s<>@,;"\\\\]+@[A-Za-z0-9.-]+'
const emailAddress = {
  pattern: `^(${address}|[^<>"\\r\\n]+ <${address}>)$`,
  patternHint: 'Write an address, such as ops@example.com, or a name with it: Ops <ops@example.com>.',
}

const secret = {
  pattern: '^whsec_[A-Za-z0-9+/]+={0,2}$',
  patternHint: 'Write `whsec_` and 24 to 64 random bytes as base64; `openssl rand -base64 32` makes some.',
}

const smtpConfig = Type.Object(
  {
    host: Type.String({
      pattern: '^[A-Za-z0-9.:_-]+$',
      patternHint: 'Write a host, such as smtp.example.com.',
      description: 'The mail server that takes our messages.',
    }),
    port: Type.Integer({ default: 587, minimum: 1, maximum: 65_535, description: 'Its port.' }),
    security: Type.String({
      enum: ['starttls', 'tls', 'none'],
      default: 'starttls',
      description:
        '`tls` from the first byte (mostly port 465), `starttls` before anything is said, or `none` for a server beside us. Without what is asked for, nothing is sent.',
    }),
    user: Type.Optional(Type.String({ minLength: 1, description: 'With which to log in; absent: without.' })),
    password: Type.Optional(
      Type.String({ minLength: 1, description: 'Write `${NAME}` to take it from the environment.' }),
    ),
  },
  { additionalProperties: false, description: 'Of `email`: where it is sent from.' },
)

const destinationConfig = Type.Object(
  {
    type: Type.String({
      enum: ['webhook', 'slack', 'email'],
      description:
        '`webhook` is signed by Standard Webhooks; `slack` is an incoming webhook of Slack or of what takes the same (Mattermost; Discord with `/slack` behind its address).',
    }),
    url: Type.Optional(
      Type.String({
        pattern: '^https?://[^\\s#]+$',
        patternHint: 'Write an https address, such as https://hooks.example.com/sluice.',
        description: 'Of `webhook` and `slack`: https at a public address, unless `internal` says otherwise.',
      }),
    ),
    internal: Type.Boolean({
      default: false,
      description: 'The address is of your own network: neither https nor a public address is asked of it.',
    }),
    secret: Type.Optional(
      Type.String({
        ...secret,
        description: 'Of `webhook`: what it is signed with. Write `${NAME}` to take it from the environment.',
      }),
    ),
    old_secret: Type.Optional(
      Type.String({
        ...secret,
        description: 'Of `webhook`: signed with as well, while receivers change over to `secret`.',
      }),
    ),
    smtp: Type.Optional(smtpConfig),
    from: Type.Optional(Type.String({ ...emailAddress, description: 'Of `email`: the sender.' })),
    to: Type.Optional(
      Type.Array(Type.String(emailAddress), { minItems: 1, description: 'Of `email`: who gets it.' }),
    ),
    kinds: Type.Optional(
      Type.Array(Type.String({ enum: [...alertKinds] }), {
        minItems: 1,
        description: 'Only these kinds of alerts; absent: all.',
      }),
    ),
    severity: Type.String({
      enum: [...severities],
      default: 'info',
      description: 'Only alerts of this severity or a higher one.',
    }),
    organizations: Type.Optional(
      Type.Array(Type.String({ minLength: 1 }), {
        minItems: 1,
        description: 'Only alerts of these organizations; absent: all, also those of none.',
      }),
    ),
  },
  { additionalProperties: false },
)

export type DestinationConfig = Static<typeof destinationConfig>

export const alertsConfig = Type.Object(
  {
    destinations: Type.Record(Type.String({ pattern: '^[a-z0-9][a-z0-9_-]{0,62}$' }), destinationConfig, {
      additionalProperties: false,
      nameHint: 'Use small letters, digits, dashes and underscores.',
      placeholder: 'DESTINATION',
      default: {},
      description: 'Who hears of alerts, by name. Without any, they are on record and in the log alone.',
    }),
    budget_shares: Type.Array(Type.Integer({ minimum: 1, maximum: 100 }), {
      default: [50, 80, 100],
      description:
        'An alert is raised when a budget has reached so many percent; none when the list is empty.',
    }),
    budget_burn: Type.Boolean({
      default: true,
      description:
        'Whether an alert is raised when a budget will be used up before it renews, as it is used now.',
    }),
    most_per_hour: Type.Integer({
      default: 20,
      minimum: 1,
      maximum: 10_000,
      description:
        'So many subjects of one budget (such as users) are named one by one in an hour, by each process; one more alert says that there are others.',
    }),
    spend_change: Type.Object(
      {
        enabled: Type.Boolean({ default: true, description: 'Whether each hour is compared.' }),
        factor: Type.Number({
          default: 3,
          minimum: 1.1,
          maximum: 1_000,
          description: 'So many times what is usual, or that part of it.',
        }),
        floor: Price({
          default: '5',
          description: 'And at least so many US dollars away from it.',
        }),
      },
      {
        additionalProperties: false,
        default: {},
        description:
          'An alert when the spend of an hour is far from that of the same hour of the last 7 days and the last 4 weeks.',
      },
    ),
    retention: Duration({
      atLeast: '2d',
      atMost: '36500d',
      default: '90d',
      description: 'How long alerts are kept.',
    }),
  },
  { additionalProperties: false, default: {}, description: 'What the owner is told before it hurts.' },
)

export type AlertsConfig = Static<typeof alertsConfig>

type Report = Parameters<Check<unknown>>[1]
type Field = keyof DestinationConfig

const fieldsOf: Readonly<Record<string, { needs: readonly Field[]; takes: readonly Field[] }>> = {
  webhook: { needs: ['url', 'secret'], takes: ['old_secret', 'internal'] },
  slack: { needs: ['url'], takes: ['internal'] },
  email: { needs: ['smtp', 'from', 'to'], takes: [] },
}
const ofSome: readonly Field[] = ['url', 'secret', 'old_secret', 'smtp', 'from', 'to']

/** What a destination needs depends on its type, and what its address may be on whose it is. */
export const checkAlerts: Check<{ alerts: AlertsConfig }> = ({ alerts }, report) => {
  for (const [name, destination] of Object.entries(alerts.destinations)) {
    const path = ['alerts', 'destinations', name]
    const { needs = [], takes = [] } = fieldsOf[destination.type] ?? {}
    for (const field of needs) {
      if (destination[field] === undefined)
        report(path, `\`${field}\` is missing.`, `A destination of type \`${destination.type}\` needs it.`)
    }
    for (const field of ofSome) {
      if (destination[field] !== undefined && !needs.includes(field) && !takes.includes(field))
        report([...path, field], `This means nothing to type \`${destination.type}\`; remove it.`)
    }
    checkUrl(destination, path, report)
    checkSecrets(destination, path, report)
    checkSmtp(destination, path, report)
  }
}

function checkUrl({ url, internal }: DestinationConfig, path: string[], report: Report): void {
  if (url === undefined) return
  const parsed = URL.parse(url)
  if (!parsed) return report([...path, 'url'], 'This is not an address.')
  if (parsed.username !== '' || parsed.password !== '')
    report(
      [...path, 'url'],
      'A user name or a password in an address is not sent.',
      'Use a path that nobody can guess.',
    )
  if (parsed.protocol === 'http:' && !internal)
    report(
      [...path, 'url'],
      'Only https addresses are sent to.',
      'For an address of your own network, add `internal: true`.',
    )
}

function checkSecrets(destination: DestinationConfig, path: string[], report: Report): void {
  for (const field of ['secret', 'old_secret'] as const) {
    const { length } = secretBytes(destination[field] ?? '')
    if (destination[field] !== undefined && (length < 24 || length > 64))
      report([...path, field], `This has ${length} bytes behind \`whsec_\`.`, secret.patternHint)
  }
}

function checkSmtp({ smtp }: DestinationConfig, path: string[], report: Report): void {
  if (!smtp) return
  if ((smtp.user === undefined) !== (smtp.password === undefined))
    report([...path, 'smtp'], 'A `user` and a `password` belong together; one of them is missing.')
  if (smtp.security === 'none' && smtp.password !== undefined)
    report([...path, 'smtp', 'security'], 'A password is not sent without TLS. Use `starttls` or `tls`.')
}
