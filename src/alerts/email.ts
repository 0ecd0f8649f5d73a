import type SmtpConnection from 'nodemailer/lib/smtp-connection'
import type { Clock } from '#platform'
import { alertIdOf } from './alert.ts'
import type { Delivery, Told } from './destination.ts'
import { factsOf } from './facts.ts'

export interface EmailOptions {
  /** The name of the destination. */
  name: string
  host: string
  port: number
  security: 'starttls' | 'tls' | 'none'
  user: string | undefined
  password: string | undefined
  from: string
  to: readonly string[]
  clock: Clock
  /** For the whole conversation. */
  timeoutMs: number
  /** For tests: certificates to trust instead of the system's. */
  ca: string | undefined
}

/**
 * Sends an alert over a connection of its own. The message id follows from the alert, so that what is delivered twice
 * can be known by it. `signal` ends the conversation at once.
 */
export async function sendEmail(options: EmailOptions, alert: Told, signal: AbortSignal): Promise<Delivery> {
  const message = await compose(options, alert)
  const { default: Connection } = await import('nodemailer/lib/smtp-connection')
  if (signal.aborted) return { ok: false, error: 'It was given up.' }
  const connection: SmtpConnection = new Connection({
    host: options.host,
    port: options.port,
    secure: options.security === 'tls',
    requireTLS: options.security === 'starttls',
    ignoreTLS: options.security === 'none',
    connectionTimeout: options.timeoutMs,
    greetingTimeout: options.timeoutMs,
    socketTimeout: options.timeoutMs,
    dnsTimeout: options.timeoutMs,
    tls: { ...(options.ca !== undefined && { ca: options.ca }), minVersion: 'TLSv1.2' },
  })
  return await new Promise<Delivery>(resolve => {
    const end = (delivery: Delivery): void => {
      stopTimer()
      signal.removeEventListener('abort', giveUp)
      resolve(delivery) // first, as closing tells of an end as well
      if (!delivery.ok) connection.close()
    }
    const fail = (cause: unknown): void => end({ ok: false, error: explain(cause) })
    const giveUp = (): void => end({ ok: false, error: 'It was given up.' })
    const stopTimer = options.clock.after(options.timeoutMs, () =>
      end({ ok: false, error: `The conversation took more than ${options.timeoutMs / 1_000} seconds.` }),
    )
    signal.addEventListener('abort', giveUp, { once: true })
    connection.on('error', fail)
    connection.once('end', () => fail(new Error('the server closed the connection')))
    converse(connection, options, message).then(() => {
      connection.quit()
      end({ ok: true })
    }, fail)
  })
}

async function converse(connection: SmtpConnection, options: EmailOptions, message: Buffer): Promise<void> {
  const { user, password, from, to } = options
  await step(done => connection.connect(cause => done(cause)))
  if (user !== undefined) await step(done => connection.login({ user, pass: password }, cause => done(cause)))
  // One address that the server does not know must not keep the others from hearing of it.
  await step(done => connection.send({ from: bare(from), to: to.map(bare) }, message, cause => done(cause)))
}

async function step(run: (done: (cause: Error | null | undefined) => void) => void): Promise<void> {
  await new Promise<void>((resolve, reject) => run(cause => (cause ? reject(cause) : resolve())))
}

async function compose({ name, from, to }: EmailOptions, alert: Told): Promise<Buffer> {
  const id = alertIdOf(alert.id)
  const lines = factsOf(alert).map(([fact, value]) => `${fact}: ${value}`)
  const { default: MailComposer } = await import('nodemailer/lib/mail-composer') // few installations send any
  const composer = new MailComposer({
    from,
    to: [...to],
    subject: `[Sluice] ${alert.severity}: ${alert.title}`,
    messageId: `<${id}.${name}@${bare(from).replace(/^.*@/, '')}>`,
    date: mailTime(alert.raisedAtMs),
    headers: { 'x-sluice-alert': id, 'auto-submitted': 'auto-generated' },
    text: `${alert.title}\n\n${lines.join('\n')}\n`,
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  return await composer.compile().build()
}

/** As RFC 5322 has it in section 3.3: `Sat, 14 Mar 2026 00:00:00 +0000`. */
function mailTime(ms: number): string {
  return new Date(ms).toUTCString().replace('GMT', '+0000')
}

/** `ops@example.com` of `Ops <ops@example.com>`. */
function bare(address: string): string {
  return /<([^<>]+)>$/.exec(address)?.[1] ?? address
}

/** What the server or the network said; of a login, only that it failed. */
function explain(cause: unknown): string {
  const { message, code } = cause instanceof Error ? (cause as Error & { code?: string }) : { message: '' }
  if (code === 'EAUTH') return 'The mail server did not take the user and password.'
  return `The mail server failed: ${message.replace(/[\p{Cc}\p{Cs}]/gu, ' ').slice(0, 300)}`
}
