import type { FastifyRequest } from 'fastify'
import type { Call } from '#exchange'
import { answerOnce, RecordingClient } from '#gateway'
import { refuseKey } from '#idempotency'
import type { HttpClientOfCall } from './client.ts'
import type { CallRoutesOptions } from './take-call.ts'
import { shuttingDown } from './under-way.ts'

export interface KeyedCall {
  request: FastifyRequest
  call: Call
  /** The header's value, as it came. */
  key: string | string[]
  client: HttpClientOfCall
}

/**
 * Hands a request that has an `Idempotency-Key` to the gateway. It stays under way until its call has ended, also
 * when its caller has left: a drain waits for it, and cuts it off like any other.
 */
export function takeOnce({ request, call, key, client }: KeyedCall, options: CallRoutesOptions): void {
  const recorder = new RecordingClient(client)
  const leave = options.underWay.enter({
    cut: () => recorder.cut(shuttingDown()),
    look: round => client.look(round),
  })
  const refusal = refuseKey(key)
  const once = { key: String(key), address: addressOf(request) }
  const taken = { call: refusal && call.asked.ok ? { ...call, asked: refusal } : call, once }
  void answerOnce(options.current(), taken, recorder).finally(() => client.onDelivered(leave))
}

/** Method, path and query, which may hold a credential: a key that has been replaced asks for the same. */
function addressOf({ method, raw }: FastifyRequest): string {
  const url = raw.url ?? ''
  const at = url.indexOf('?')
  if (at < 0) return `${method} ${url}`
  const query = new URLSearchParams(url.slice(at))
  query.delete('key')
  return `${method} ${url.slice(0, at)}?${query.toString()}`
}
