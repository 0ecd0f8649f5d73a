import type { Events, Exchange, Settlement } from '#events'
import {
  type Answer,
  type Asked,
  accept,
  type Call,
  type Caller,
  type Decision,
  type Fault,
  type Passthrough,
  type Plan,
  type Presence,
  type Trip,
} from '#exchange'
import type { Idempotency } from '#idempotency'
import type { Limits, Reservation } from '#limits'
import type { Routing } from '#routing'
import { relay } from './relay.ts'

/** The stages of a call, by the domains that own them. One immutable set for each configuration. */
export interface Gateway {
  keys: { admit(call: Call['caller'], model: string, passthrough?: Passthrough): Decision<void> }
  routing: Pick<Routing, 'plan' | 'names'>
  responses: {
    resume(asked: Asked, caller: Caller): Decision<Asked> | Promise<Decision<Asked>>
    keep(answer: Answer, of: { asked: Asked; call: Call }): Answer | Promise<Answer>
  }
  limits: Limits
  providers: { attempt(trip: Trip): Promise<Answer>; vendorOf(provider: string): string }
  metering: { settle(attempts: Exchange['attempts'], vendorOf: (provider: string) => string): Settlement }
  events: Pick<Events, 'begin' | 'record'>
  idempotency: Pick<Idempotency, 'claim'>
}

/** Who asked, as far as the answer is concerned. `edge/` makes one for each request. */
export interface Client extends Presence {
  /** Answers whole; what it cost is known by then. */
  send(
    answer: { status: number; headers: Readonly<Record<string, string>>; body: Buffer },
    exchange: Exchange,
  ): void
  /** A stream will answer: from now on its reader may be kept awake, before it begins and while it is silent. */
  expectStream(exchange: Exchange): void
  /** Begins to answer with a stream; `status` is 200 unless told. */
  begin(headers: Readonly<Record<string, string>>, exchange: Exchange, status?: number): void
  /** Takes bytes of a stream; false asks for a pause until `onDrain`. */
  write(bytes: Buffer): boolean
  onDrain(work: () => void): void
  end(): void
  /** Answers with an error, or ends a stream with one. */
  fail(fault: Fault, exchange: Exchange): void
}

/**
 * The way of a call, top to bottom, with one way out: whatever happened, `settle` and `record` run exactly once.
 * Stages are added here as other domains' verbs; what a stage does is its domain's business.
 */
export async function answer(gateway: Gateway, call: Call, client: Client): Promise<void> {
  const exchange = gateway.events.begin(call)
  let reservation: Reservation | undefined
  const settle = (): void => {
    exchange.settlement ??= gateway.metering.settle(exchange.attempts, gateway.providers.vendorOf)
    reservation?.settle()
  }
  try {
    const whole = accept(await gateway.responses.resume(accept(call.asked), call.caller))
    accept(gateway.keys.admit(call.caller, whole.model, whole.passthrough))
    const { passthrough } = whole
    const planned = (): Decision<Plan> =>
      gateway.routing.plan({ model: whole.model, class: call.class, passthrough })
    const eased = accept(await gateway.limits.ease(call, whole, planned))
    const { asked, model, class: of, degraded } = eased
    for (const why of degraded) exchange.degrade(why)
    const plan = eased.plan ?? accept(gateway.routing.plan({ model, class: of, passthrough }))
    const going = of === call.class ? call : { ...call, class: of }
    const degrade = (why: string): void => exchange.degrade(why)
    reservation = accept(
      await gateway.limits.reserve({
        call: going,
        asked,
        plan,
        presence: client,
        degrade,
        tell: standings => (exchange.limits = standings),
      }),
    )
    const trip: Trip = {
      call: going,
      asked,
      plan,
      presence: client,
      cover: target => reservation?.cover(target) ?? { asked, hold: undefined },
      async open(target, hold) {
        const attempt = await exchange.open(target, hold)
        reservation?.opened(hold, attempt)
        return attempt
      },
      skip: (target, reason) => exchange.skip(target, reason),
      degrade,
    }
    if (asked.stream) client.expectStream(exchange)
    const answered = await gateway.providers.attempt(trip)
    await relay(await gateway.responses.keep(answered, { asked, call }), client, exchange, settle)
  } catch (cause) {
    client.fail(exchange.fail(cause), exchange)
  } finally {
    settle()
    gateway.events.record(exchange)
  }
}
