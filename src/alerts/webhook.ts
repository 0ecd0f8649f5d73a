import { createHmac } from 'node:crypto'
import { type EgressPost, isoTime } from '#platform'
import { alertIdOf } from './alert.ts'
import type { Delivery, Told } from './destination.ts'

export interface WebhookOptions {
  url: string
  /** `whsec_…`: the one that counts first, then any that is being replaced. */
  secrets: readonly string[]
  egress: EgressPost
  nowMs(): number
}

/**
 * Sends an alert as Standard Webhooks has it (version 1.0.0, symmetric signatures): the id stays the same over all
 * attempts, the time is that of the attempt.
 */
export async function sendWebhook(options: WebhookOptions, alert: Told): Promise<Delivery> {
  const { url, secrets, egress, nowMs } = options
  const sentAtMs = nowMs()
  const id = alertIdOf(alert.id)
  const body = Buffer.from(JSON.stringify(payloadOf(alert)))
  const timestamp = String(Math.floor(sentAtMs / 1_000))
  const signatures = secrets.map(secret => sign(secret, { id, timestamp, body }))
  const headers = {
    'content-type': 'application/json',
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': signatures.join(' '),
  }
  return readReply(await egress.post(url, { headers, body }), sentAtMs)
}

function payloadOf(alert: Told): object {
  return {
    type: `alert.${alert.kind}`,
    timestamp: isoTime(alert.raisedAtMs),
    data: {
      id: alertIdOf(alert.id),
      kind: alert.kind,
      key: alert.key,
      severity: alert.severity,
      organization: alert.organization ?? null,
      title: alert.title,
      detail: alert.detail,
      raised_at: isoTime(alert.raisedAtMs),
      ends_at: isoTime(alert.endsAtMs),
    },
  }
}

export function sign(
  secret: string,
  { id, timestamp, body }: { id: string; timestamp: string; body: Buffer },
): string {
  const hmac = createHmac('sha256', secretBytes(secret)).update(`${id}.${timestamp}.`).update(body)
  return `v1,${hmac.digest('base64')}`
}

/** What stands behind `whsec_`. */
export function secretBytes(secret: string): Buffer {
  return Buffer.from(secret.slice('whsec_'.length), 'base64')
}

/** Any 2xx is a success, 410 is for good, and everything else is tried again. */
export function readReply(reply: Awaited<ReturnType<EgressPost['post']>>, nowMs: number): Delivery {
  if (!reply.ok) return { ok: false, error: reply.reason }
  const { status, retryAfter } = reply
  if (status >= 200 && status < 300) return { ok: true }
  const error = `It answered with status ${status}.`
  if (status === 410) return { ok: false, error, gone: true }
  return { ok: false, error, waitMs: readRetryAfter(retryAfter, nowMs) }
}

/** Seconds or a date (RFC 9110, section 10.2.3). */
function readRetryAfter(text: string | undefined, nowMs: number): number | undefined {
  if (text === undefined) return undefined
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1_000
  const waitMs = /^[A-Z][a-z]{2}, .+ GMT$/.test(text) ? Date.parse(text) - nowMs : 0
  return waitMs > 0 ? waitMs : undefined
}
