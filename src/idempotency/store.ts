import type { Queryable } from '#platform'
import type { AnswerHead } from './tape.ts'

/** The name of a row. */
export interface KeyName {
  organization: string
  project: string
  key: string
}

export interface NewClaim extends KeyName {
  fingerprint: string
  /** 32 hex digits of the call. */
  call: string
  instance: string
  nowMs: number
  /** When others may take it over, unless it is renewed. */
  leasedUntilMs: number
}

/** What a key is held by. */
export interface Held {
  fingerprint: string
  call: string
  state: 'running' | 'kept' | 'too_large'
  /** Null unless it is kept and the fingerprint is the one that was asked for. */
  answer: (AnswerHead & { body: Buffer }) | null
}

export interface Ending extends KeyName {
  fingerprint: string
  call: string
  instance: string
  expiresAtMs: number
  /** Absent: too large to be kept. */
  answer: (AnswerHead & { body: Buffer }) | undefined
}

/**
 * Takes a key for a call that is about to be made; false when something else holds it. What this process itself has
 * claimed and does not know any more is held by nobody.
 */
export async function claimKey(db: Queryable, claim: NewClaim): Promise<boolean> {
  const rows = await db.query(
    {
      name: 'claim_idempotency_key',
      text: `insert into idempotency_keys (organization, project, key, fingerprint, call_id, instance, state, expires_at)
        values ($1, $2, $3, $4, $5, $6, 'running', to_timestamp($8::float8 / 1000))
        on conflict (organization, project, key) do update set fingerprint = excluded.fingerprint,
          call_id = excluded.call_id, instance = excluded.instance, state = 'running', expires_at = excluded.expires_at,
          target = null, streamed = null, status = null, headers = null, body = null
        where idempotency_keys.expires_at <= to_timestamp($7::float8 / 1000)
          or (idempotency_keys.state = 'running' and idempotency_keys.instance = excluded.instance)
        returning 1`,
    },
    [
      claim.organization,
      claim.project,
      claim.key,
      claim.fingerprint,
      claim.call,
      claim.instance,
      claim.nowMs,
      claim.leasedUntilMs,
    ],
  )
  return rows.length > 0
}

/** What holds a key; undefined when nothing does, or not any more. The body comes only for the right fingerprint. */
export async function findHeld(
  db: Queryable,
  { organization, project, key }: KeyName,
  { fingerprint, nowMs }: { fingerprint: string; nowMs: number },
): Promise<Held | undefined> {
  const rows = await db.query<
    Pick<Held, 'fingerprint' | 'call' | 'state'> &
      Omit<AnswerHead, 'streamed'> & {
        streamed: boolean
        body: Buffer | null
      }
  >(
    {
      name: 'find_idempotency_key',
      text: `select fingerprint, replace(call_id::text, '-', '') as call, state, target, streamed, status, headers,
          case when fingerprint = $4 then body end as body
        from idempotency_keys
        where organization = $1 and project = $2 and key = $3 and expires_at > to_timestamp($5::float8 / 1000)`,
    },
    [organization, project, key, fingerprint, nowMs],
  )
  const [row] = rows
  if (!row) return undefined
  const { call, state, body, streamed, status, headers, target } = row
  const answer = body && { body, streamed, status, headers, target }
  return { fingerprint: row.fingerprint, call, state, answer }
}

/** Keeps how a call ended. May be repeated; a key that has meanwhile passed to another call stays with that. */
export async function keepAnswer(db: Queryable, ending: Ending): Promise<void> {
  const { answer } = ending
  await db.query(
    {
      name: 'keep_idempotent_answer',
      text: `insert into idempotency_keys (organization, project, key, fingerprint, call_id, instance, state, expires_at,
          target, streamed, status, headers, body)
        values ($1, $2, $3, $4, $5, $6, $7, to_timestamp($8::float8 / 1000), $9, $10, $11, $12::text::json, $13)
        on conflict (organization, project, key) do update set state = excluded.state, expires_at = excluded.expires_at,
          target = excluded.target, streamed = excluded.streamed, status = excluded.status,
          headers = excluded.headers, body = excluded.body
        where idempotency_keys.call_id = excluded.call_id`,
    },
    [
      ending.organization,
      ending.project,
      ending.key,
      ending.fingerprint,
      ending.call,
      ending.instance,
      answer ? 'kept' : 'too_large',
      ending.expiresAtMs,
      answer?.target ?? null,
      answer?.streamed ?? null,
      answer?.status ?? null,
      answer ? JSON.stringify(answer.headers) : null,
      answer?.body ?? null,
    ],
  )
}

/** Lets go of a key whose call failed, so that the next request with it is made. */
export async function releaseKey(
  db: Queryable,
  { organization, project, key, call }: KeyName & { call: string },
): Promise<void> {
  await db.query(
    {
      name: 'release_idempotency_key',
      text: `delete from idempotency_keys
        where organization = $1 and project = $2 and key = $3 and call_id = $4 and state = 'running'`,
    },
    [organization, project, key, call],
  )
}

/** Keeps claims of calls that still run from being taken over. */
export async function renewClaims(
  db: Queryable,
  { instance, calls, leasedUntilMs }: { instance: string; calls: readonly string[]; leasedUntilMs: number },
): Promise<void> {
  await db.query(
    {
      name: 'renew_idempotency_keys',
      text: `update idempotency_keys set expires_at = to_timestamp($3::float8 / 1000)
        where instance = $1 and state = 'running' and call_id = any($2::uuid[])`,
    },
    [instance, calls, leasedUntilMs],
  )
}

/** Lets go of what other processes were at. Only where there can be no other: on the embedded database. */
export async function releaseOthers(db: Queryable, instance: string): Promise<void> {
  await db.query({ text: `delete from idempotency_keys where state = 'running' and instance <> $1` }, [
    instance,
  ])
}

/** Deletes a bounded number of rows whose time is over, oldest first; says how many went. */
export async function deleteExpired(
  db: Queryable,
  { nowMs, most }: { nowMs: number; most: number },
): Promise<number> {
  const rows = await db.query(
    {
      text: `delete from idempotency_keys where (organization, project, key) in (
          select organization, project, key from idempotency_keys
          where expires_at <= to_timestamp($1::float8 / 1000) order by expires_at limit $2)
        and expires_at <= to_timestamp($1::float8 / 1000) returning 1`,
    },
    [nowMs, most],
  )
  return rows.length
}

/** Gives the room of deleted rows to new ones: the embedded Postgres has no autovacuum. */
export async function vacuumKeys(db: Queryable): Promise<void> {
  await db.query({ text: 'vacuum idempotency_keys', timeoutMs: 60_000 })
}
