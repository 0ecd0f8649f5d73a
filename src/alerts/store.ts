import type { Queryable } from '#platform'
import type { Alert, AlertKind, RaisedAlert, Severity } from './alert.ts'

export type AlertStatus = 'open' | 'acknowledged' | 'silenced' | 'resolved'

export type DeliveryState = 'pending' | 'delivered' | 'failed' | 'silenced'

export interface DeliveryRow {
  destination: string
  state: DeliveryState
  attempts: number
  next_at: string | null
  ended_at: string | null
  error: string | null
}

export interface AlertRow {
  id: string
  key: string
  kind: AlertKind
  severity: Severity
  organization: string | null
  title: string
  detail: Record<string, unknown>
  raisedAt: Date
  endsAt: Date
  acknowledgedAt: Date | null
  acknowledgedBy: string | null
  status: AlertStatus
  deliveries: DeliveryRow[]
}

/** An alert on its way to one destination. */
export interface Claim {
  destination: string
  /** This one, the first being 1. */
  attempt: number
  alert: RaisedAlert
}

const ms = (parameter: string): string => `to_timestamp(${parameter}::float8 / 1000)`

/** Whether a silence holds for the alert `a`. */
const isSilenced = (nowMs: string): string => `exists (select from alert_silences s
  where s.until > ${ms(nowMs)} and (s.kind is null or s.kind = a.kind)
    and (s.key_prefix is null or starts_with(a.key, s.key_prefix))
    and (s.organization is null or s.organization = a.organization))`

const statusOf = (nowMs: string): string => `case when a.ends_at <= ${ms(nowMs)} then 'resolved'
  when a.acknowledged_at is not null then 'acknowledged'
  when ${isSilenced(nowMs)} then 'silenced' else 'open' end`

/**
 * Puts an alert on record and hands it to its destinations; says whether it is new. May be repeated when nobody knows
 * whether it went through.
 */
export async function insertAlert(
  db: Queryable,
  alert: RaisedAlert,
  destinations: readonly string[],
): Promise<boolean> {
  const rows = await db.query(
    {
      name: 'insert_alert',
      text: `with raised as (
          insert into alerts (id, key, kind, severity, organization, title, detail, raised_at, ends_at)
          values ($1, $2, $3, $4, $5, $6, $7::text::json, ${ms('$8')}, ${ms('$9')})
          on conflict (key) do nothing returning id),
        handed as (
          insert into alert_deliveries (alert_id, destination, next_at)
          select id, name, ${ms('$8')} from raised, unnest($10::text[]) name)
        select id from raised`,
    },
    [
      alert.id,
      alert.key,
      alert.kind,
      alert.severity,
      alert.organization ?? null,
      alert.title,
      JSON.stringify(alert.detail),
      alert.raisedAtMs,
      alert.endsAtMs,
      destinations,
    ],
  )
  return rows.length > 0
}

export interface AlertCut {
  status: AlertStatus | undefined
  kind: AlertKind | undefined
  organization: string | undefined
  /** Alerts older than the one of this id. */
  after: string | undefined
  limit: number
  nowMs: number
}

const columns = (
  nowMs: string,
): string => `a.id, a.key, a.kind, a.severity, a.organization, a.title, a.detail,
  a.raised_at as "raisedAt", a.ends_at as "endsAt", a.acknowledged_at as "acknowledgedAt",
  a.acknowledged_by as "acknowledgedBy", ${statusOf(nowMs)} as status,
  (select coalesce(json_agg(json_build_object('destination', d.destination, 'state', d.state,
      'attempts', d.attempts, 'next_at', case when d.state = 'pending' then d.next_at end,
      'ended_at', d.ended_at, 'error', d.last_error) order by d.destination), '[]'::json)
    from alert_deliveries d where d.alert_id = a.id) as deliveries`

/** Newest first. */
export async function listAlerts(db: Queryable, cut: AlertCut): Promise<AlertRow[]> {
  return await db.query<AlertRow>(
    {
      name: 'list_alerts',
      text: `select ${columns('$1')} from alerts a
        where ($2::uuid is null or a.id < $2) and ($3::text is null or a.kind = $3)
          and ($4::text is null or a.organization = $4) and ($5::text is null or $5 = ${statusOf('$1')})
        order by a.id desc limit $6::int`,
    },
    [cut.nowMs, cut.after ?? null, cut.kind ?? null, cut.organization ?? null, cut.status ?? null, cut.limit],
  )
}

export async function findAlert(
  db: Queryable,
  { id, nowMs }: { id: string; nowMs: number },
): Promise<AlertRow | undefined> {
  const text = `select ${columns('$1')} from alerts a where a.id = $2`
  return (await db.query<AlertRow>({ name: 'find_alert', text }, [nowMs, id]))[0]
}

/** The first acknowledgement stands. Says whether this was it. */
export async function acknowledgeAlert(
  db: Queryable,
  { id, by, nowMs }: { id: string; by: string; nowMs: number },
): Promise<boolean> {
  const text = `update alerts set acknowledged_at = ${ms('$3')}, acknowledged_by = $2
    where id = $1 and acknowledged_at is null returning id`
  return (await db.query({ text }, [id, by, nowMs])).length > 0
}

interface ClaimRow {
  destination: string
  attempt: number
  id: string
  key: string
  kind: AlertKind
  severity: Severity
  organization: string | null
  title: string
  detail: Record<string, unknown>
  raisedAt: Date
  endsAt: Date
}

/** Takes what is due for these destinations, oldest first; it is nobody else's until the lease is over. */
export async function claimDeliveries(
  db: Queryable,
  of: { destinations: readonly string[]; nowMs: number; leaseMs: number; most: number },
): Promise<Claim[]> {
  const rows = await db.query<ClaimRow>(
    {
      name: 'claim_alert_deliveries',
      text: `update alert_deliveries d set attempts = attempts + 1, first_at = coalesce(first_at, ${ms('$1')}),
          leased_until = ${ms('$1')} + $2::float8 * interval '1 millisecond'
        from alerts a
        where a.id = d.alert_id and (d.alert_id, d.destination) in (
          select p.alert_id, p.destination from alert_deliveries p join alerts a on a.id = p.alert_id
          where p.state = 'pending' and p.next_at <= ${ms('$1')}
            and (p.leased_until is null or p.leased_until <= ${ms('$1')})
            and p.destination = any($3::text[]) and not ${isSilenced('$1')}
          order by p.next_at limit $4::int for update of p skip locked)
        returning d.destination, d.attempts as attempt, a.id, a.key, a.kind, a.severity, a.organization, a.title,
          a.detail, a.raised_at as "raisedAt", a.ends_at as "endsAt"`,
    },
    [of.nowMs, of.leaseMs, of.destinations, of.most],
  )
  return rows.map(({ destination, attempt, ...row }) => ({ destination, attempt, alert: alertOf(row) }))
}

function alertOf(row: Omit<ClaimRow, 'destination' | 'attempt'>): RaisedAlert {
  const { raisedAt, endsAt, organization, ...rest } = row
  return {
    ...rest,
    organization: organization ?? undefined,
    raisedAtMs: raisedAt.getTime(),
    endsAtMs: endsAt.getTime(),
  } satisfies Alert & { id: string; raisedAtMs: number }
}

/** How an attempt came out. */
export type DeliveryEnd =
  | { state: 'delivered' }
  | { state: 'failed'; error: string }
  /** To be tried again; `spent: false` where it was not really tried. */
  | { state: 'pending'; error: string; nextAtMs: number; spent: boolean }

/** Ends an attempt, unless its lease was over and another has begun since. */
export async function endDelivery(
  db: Queryable,
  { destination, attempt, alert }: Claim,
  { end, nowMs }: { end: DeliveryEnd; nowMs: number },
): Promise<void> {
  await db.query(
    {
      name: 'end_alert_delivery',
      text: `update alert_deliveries set state = $4, leased_until = null, last_error = $5,
          next_at = coalesce(${ms('$6')}, next_at), attempts = attempts - $7::int,
          ended_at = case when $4 = 'pending' then null else ${ms('$8')} end
        where alert_id = $1 and destination = $2 and attempts = $3 and state = 'pending'`,
    },
    [
      alert.id,
      destination,
      attempt,
      end.state,
      end.state === 'delivered' ? null : end.error,
      end.state === 'pending' ? end.nextAtMs : null,
      end.state === 'pending' && !end.spent ? 1 : 0,
      nowMs,
    ],
  )
}

/** Ends deliveries of alerts that were over before their silence was: they are no news any more. */
export async function dropSilenced(db: Queryable, nowMs: number): Promise<void> {
  const text = `update alert_deliveries d set state = 'silenced', ended_at = ${ms('$1')}
    from alerts a where a.id = d.alert_id and d.state = 'pending' and d.attempts = 0
      and a.ends_at <= ${ms('$1')} and ${isSilenced('$1')}`
  await db.query({ name: 'drop_silenced_alerts', text }, [nowMs])
}

/** Gives up what is for destinations that no configuration has had for a day; says which. */
export async function dropOrphans(
  db: Queryable,
  {
    destinations,
    dueBeforeMs,
    nowMs,
  }: { destinations: readonly string[]; dueBeforeMs: number; nowMs: number },
): Promise<string[]> {
  const text = `update alert_deliveries set state = 'failed', ended_at = ${ms('$3')},
      last_error = 'No destination of this name is configured.'
    where state = 'pending' and next_at < ${ms('$2')} and destination <> all($1::text[])
    returning destination`
  const rows = await db.query<{ destination: string }>({ text }, [destinations, dueBeforeMs, nowMs])
  return rows.map(({ destination }) => destination)
}

/** Deletes a bounded number of alerts that were raised, and silences that ended, before then; says how many. */
export async function deleteOldAlerts(
  db: Queryable,
  { beforeMs, most }: { beforeMs: number; most: number },
): Promise<number> {
  const rows = await db.query(
    {
      text: `delete from alerts where id in (
        select id from alerts where raised_at < ${ms('$1')} and ends_at < ${ms('$1')} order by id limit $2::int)
        returning 1`,
    },
    [beforeMs, most],
  )
  await db.query({ text: `delete from alert_silences where until < ${ms('$1')}` }, [beforeMs])
  return rows.length
}
