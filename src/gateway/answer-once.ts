import type { Exchange, Settlement } from '#events'
import { accept, type Call, toFault } from '#exchange'
import type { Tape } from '#idempotency'
import { answer, type Gateway } from './answer.ts'
import { play } from './play.ts'
import type { RecordingClient, ReturningClient } from './recording-client.ts'

/** What a request calls itself, and what it is sent to. */
export interface Once {
  key: string
  /** Method, path and query, without credentials. */
  address: string
}

/**
 * The way of a call with an `Idempotency-Key`: of all requests with the same key one goes the way of a call, and
 * the others are given what that one is answered. They are on record as calls of their own, with no attempt and at no
 * cost.
 */
export async function answerOnce(
  gateway: Gateway,
  { call, once }: { call: Call; once: Once },
  client: RecordingClient,
): Promise<void> {
  // What is refused in any case needs no key; `answer` says why.
  if (isRefused(gateway, call)) return await answer(gateway, call, client.reader)
  let first: Tape
  try {
    const claim = accept(await gateway.idempotency.claim(keyedRequest(call, once), client.reader))
    if (claim.kind === 'make') {
      client.record(claim.recording)
      return await answer(gateway, call, client)
    }
    first = claim.tape
  } catch (cause) {
    return record(gateway, call, exchange => client.reader.fail(exchange.fail(cause), exchange))
  }
  await repeat(gateway, { call, first }, client.reader)
}

function isRefused(gateway: Gateway, { asked, caller }: Call): boolean {
  return !asked.ok || !gateway.keys.admit(caller, asked.value.model, asked.value.passthrough).ok
}

function keyedRequest(
  { caller, id, headers, body }: Call,
  { key, address }: Once,
): Parameters<Gateway['idempotency']['claim']>[0] {
  return {
    organization: caller.organization,
    project: caller.project,
    key,
    callId: id,
    address,
    provider: textOf(headers['x-sluice-provider']),
    contentType: textOf(headers['content-type']),
    body,
  }
}

const nothing: Settlement = { usage: {}, usageSource: undefined, costPicoUsd: 0n, priced: 'free' }

async function repeat(
  gateway: Gateway,
  { call, first }: { call: Call; first: Tape },
  reader: ReturningClient,
): Promise<void> {
  const exchange = gateway.events.begin(call)
  exchange.settlement = nothing
  exchange.repeats = first.callId
  try {
    reader.repeats(first)
    if (call.asked.ok && call.asked.value.stream) reader.expectStream(exchange)
    await play(first, reader, exchange)
  } catch (cause) {
    reader.fail(exchange.fail(toFault(cause)), exchange)
  } finally {
    gateway.events.record(exchange)
  }
}

/** A call that comes to nothing. */
function record(gateway: Gateway, call: Call, tell: (exchange: Exchange) => void): void {
  const exchange = gateway.events.begin(call)
  try {
    tell(exchange)
  } finally {
    exchange.settlement = nothing
    gateway.events.record(exchange)
  }
}

function textOf(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined
}
