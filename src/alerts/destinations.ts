import { type Clock, createEgress, type EgressOptions } from '#platform'
import { type Severity, severities } from './alert.ts'
import { sendChat } from './chat.ts'
import type { AlertsConfig, DestinationConfig } from './config.ts'
import type { Destination } from './destination.ts'
import { sendEmail } from './email.ts'
import { sendWebhook } from './webhook.ts'

/** Of the outside world, as far as tests have another one. */
export type Network = Pick<EgressOptions, 'resolve' | 'ca' | 'isPublic'>

interface Deps {
  clock: Clock
  network: Network
}

/** For one attempt, look-ups and all; Standard Webhooks recommends 15 to 30 seconds. */
export const sendTimeoutMs = 20_000

/** The destinations of a configuration that has been checked. */
export function createDestinations(config: AlertsConfig['destinations'], deps: Deps): Destination[] {
  return Object.entries(config).map(([name, settings]) => {
    const wants = filterOf(settings)
    return settings.type === 'email'
      ? createEmail({ name, type: 'email', wants }, settings, deps)
      : createHook({ name, type: settings.type, wants }, settings, deps)
  })
}

type Addressee = Pick<Destination, 'name' | 'type' | 'wants'>

function filterOf({ kinds, severity, organizations }: DestinationConfig): Destination['wants'] {
  const least = severities.indexOf(severity as Severity)
  return alert =>
    severities.indexOf(alert.severity) >= least &&
    (kinds === undefined || kinds.includes(alert.kind)) &&
    (organizations === undefined ||
      (alert.organization !== undefined && organizations.includes(alert.organization)))
}

function createHook(
  addressee: Addressee,
  { type, url = '', internal, secret, old_secret }: DestinationConfig,
  { clock, network }: Deps,
): Destination {
  const egress = createEgress({
    enabled: true,
    clock,
    timeoutMs: sendTimeoutMs,
    maxRedirects: 0,
    allowHosts: internal ? [new URL(url).host] : [],
    ...network,
  })
  const secrets = [secret, old_secret].filter(text => text !== undefined)
  const nowMs = (): number => clock.now()
  return {
    ...addressee,
    send: alert =>
      type === 'slack'
        ? sendChat({ url, egress, nowMs }, alert)
        : sendWebhook({ url, egress, nowMs, secrets }, alert),
    close: () => egress.close(),
  }
}

function createEmail(
  addressee: Addressee,
  { smtp, from = '', to = [] }: DestinationConfig,
  { clock, network }: Deps,
): Destination {
  const end = new AbortController()
  const options = {
    name: addressee.name,
    host: smtp?.host ?? '',
    port: smtp?.port ?? 0,
    security: (smtp?.security ?? 'starttls') as 'starttls' | 'tls' | 'none',
    user: smtp?.user,
    password: smtp?.password,
    from,
    to,
    clock,
    timeoutMs: sendTimeoutMs,
    ca: network.ca,
  }
  return {
    ...addressee,
    send: alert => sendEmail(options, alert, end.signal),
    async close() {
      end.abort()
    },
  }
}
