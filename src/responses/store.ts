import type { Queryable } from '#platform'

/** Whose a response is. No statement here reads, changes or deletes one without asking. */
export interface Owner {
  organization: string
  project: string
}

export interface NewResponse extends Owner {
  /** 32 hex digits of the call. */
  id: string
  responseId: string
  keyId: string
  createdAtMs: number
  expiresAtMs: number
  /** Rows that it goes on from, oldest first. */
  chain: readonly string[]
  inputItems: readonly unknown[]
  /** Whole, with its output. */
  response: Readonly<Record<string, unknown>> & { output: readonly unknown[] }
}

/** One response of a chain. */
export interface Link {
  id: string
  /** Row before this one, whether it is still there or not. */
  previous: string | null
  /** Null in every link when the chain is longer than was asked for. */
  inputItems: unknown[] | null
  output: unknown[] | null
}

/** What a chain may come to. */
export interface ChainBounds {
  items: number
  bytes: number
}

/**
 * Commits a response. May be repeated when nobody knows whether it went through. Whatever it goes on from stays as
 * long as it does: that gets a day more each time, so that a conversation's rows change once a day and not with each
 * turn. (Locked in order, so that two branches of one chain do not wait for each other in a circle.)
 */
export async function insertResponse(db: Queryable, row: NewResponse): Promise<void> {
  const { output } = row.response
  await db.query(
    {
      name: 'insert_response',
      text: `with lasting as (
          update responses set expires_at = to_timestamp($7::float8 / 1000) + interval '1 day'
          where id in (
            select id from responses where id = any($8::uuid[]) and organization = $2 and project = $3
              and expires_at < to_timestamp($7::float8 / 1000) order by id for update))
        insert into responses (id, organization, project, response_id, key_id, created_at, expires_at, previous,
          items, bytes, input_items, output, response)
        values ($1, $2, $3, $4, $5, to_timestamp($6::float8 / 1000), to_timestamp($7::float8 / 1000), $9, $10,
          octet_length($11::text) + octet_length($12::text) + octet_length($13::text),
          $11::text::json, $12::text::json, $13::text::json)
        on conflict (id) do nothing`,
    },
    [
      row.id,
      row.organization,
      row.project,
      row.responseId,
      row.keyId,
      row.createdAtMs,
      row.expiresAtMs,
      row.chain,
      row.chain.at(-1) ?? null,
      Math.max(1, row.inputItems.length + output.length),
      JSON.stringify(row.inputItems),
      JSON.stringify(output),
      JSON.stringify({ ...row.response, output: null }),
    ],
  )
}

/**
 * A response and all that it goes on from, oldest first; empty when there is none of this name. The walk reads sizes
 * alone, and stops where the bounds are passed: then no link has its items.
 */
export async function findChain(
  db: Queryable,
  owner: Owner,
  { responseId, nowMs, most }: { responseId: string; nowMs: number; most: ChainBounds },
): Promise<Link[]> {
  return await db.query<Link>(
    {
      name: 'find_chain',
      text: `with recursive chain as (
          (select id, previous, items::bigint, bytes, 1 as place from responses
            where organization = $1 and project = $2 and response_id = $3
              and expires_at > to_timestamp($4::float8 / 1000)
            order by id desc limit 1)
          union all
          select earlier.id, earlier.previous, chain.items + earlier.items, chain.bytes + earlier.bytes, place + 1
          from chain join responses earlier
            on earlier.id = chain.previous and earlier.organization = $1 and earlier.project = $2
          where chain.items <= $5 and chain.bytes <= $6)
        select chain.id, chain.previous, input_items as "inputItems", output
        from chain left join responses
          on responses.id = chain.id and organization = $1 and project = $2
            and (select max(items) <= $5 and max(bytes) <= $6 from chain)
        order by place desc`,
    },
    [owner.organization, owner.project, responseId, nowMs, most.items, most.bytes],
  )
}

/** The response object, or undefined. */
export async function findResponse(
  db: Queryable,
  owner: Owner,
  { responseId, nowMs }: { responseId: string; nowMs: number },
): Promise<Record<string, unknown> | undefined> {
  const rows = await db.query<{ response: Record<string, unknown>; output: unknown[] }>(
    {
      name: 'find_response',
      text: `select response, output from responses
        where organization = $1 and project = $2 and response_id = $3 and expires_at > to_timestamp($4::float8 / 1000)
        order by id desc limit 1`,
    },
    [owner.organization, owner.project, responseId, nowMs],
  )
  const [row] = rows
  return row && { ...row.response, output: row.output } // in the place that its null has kept
}

/** Says whether there was one. */
export async function deleteResponse(
  db: Queryable,
  owner: Owner,
  { responseId, nowMs }: { responseId: string; nowMs: number },
): Promise<boolean> {
  const rows = await db.query(
    {
      text: `delete from responses
        where organization = $1 and project = $2 and response_id = $3 and expires_at > to_timestamp($4::float8 / 1000)
        returning 1`,
    },
    [owner.organization, owner.project, responseId, nowMs],
  )
  return rows.length > 0
}

/** Deletes a bounded number of responses whose time is over, oldest first; says how many went. */
export async function deleteExpired(
  db: Queryable,
  { nowMs, most }: { nowMs: number; most: number },
): Promise<number> {
  const rows = await db.query(
    {
      text: `delete from responses where id in (
        select id from responses where expires_at <= to_timestamp($1::float8 / 1000) order by expires_at limit $2)
        returning 1`,
    },
    [nowMs, most],
  )
  return rows.length
}

/** Gives the room of deleted rows to new ones: the embedded Postgres has no autovacuum. */
export async function vacuumResponses(db: Queryable): Promise<void> {
  await db.query({ text: 'vacuum responses', timeoutMs: 60_000 })
}
