import { deliverStream, holdUp } from './deliver-stream.ts'
import type { Delivery } from './delivery.ts'
import { comesInside, isNoAnswer } from './disturbances.ts'
import { deliverNoAnswer } from './no-answer.ts'

const slowMs = 30_000

/** Brings the answer to the client, or breaks it off as the script wants. Returns when nothing more will be sent. */
export async function deliver(delivery: Delivery): Promise<void> {
  const { line, entry, script, disturbance, parcel } = delivery
  if (!isNoAnswer(disturbance, parcel.stream)) entry.read(parcel.inputTokens, parcel.cachedTokens)
  if (disturbance === 'hang') await line.wait()
  const lateMs = disturbance === 'slow' ? (script.forMs ?? slowMs) : 0
  if (!(await line.wait(script.ttftMs + lateMs))) return
  if (disturbance === 'reset' && script.afterTokens === undefined) line.reset()
  else if (isNoAnswer(disturbance, parcel.stream)) await deliverNoAnswer(delivery)
  else if (parcel.stream && disturbance !== 'not-streamed') await deliverStream(delivery, slowMs)
  else await deliverWhole(delivery)
}

/** The answer as one body, once all of it has been produced. */
async function deliverWhole(delivery: Delivery): Promise<void> {
  const { line, script, disturbance, parcel } = delivery
  if (!(await produceAll(delivery))) return
  const whole = parcel.whole()
  const middle = Math.floor(whole.length / 2)
  const isCutOff = disturbance === 'truncated-json' || disturbance === 'bad-event'
  const body = isCutOff ? whole.slice(0, middle) : whole
  const type = disturbance === 'wrong-type' ? 'text/plain' : 'application/json'
  line.open(200, parcel.headers(type, Buffer.byteLength(body)))
  if (disturbance === 'slow-body' && !(await holdUp(delivery, slowMs, ''))) return
  if (isCutOff || !comesInside(disturbance)) return await line.end(body)
  if (!(await line.write(body.slice(0, middle)))) return
  if (disturbance === 'reset') line.reset()
  else if (disturbance !== 'stall') line.hangUp()
  else if (await line.wait(script.forMs)) await line.end(body.slice(middle))
}

/** Lets the time pass that the tokens take; a client that leaves meanwhile is billed for those made by then. */
async function produceAll({ clock, line, entry, script, parcel }: Delivery): Promise<boolean> {
  const { shownThoughts = 0 } = parcel
  const all = shownThoughts + parcel.visibleTokens
  entry.reason(parcel.reasoningTokens - shownThoughts)
  const startedAt = clock.monotonic()
  const steps = Math.max(0, all - 1)
  const here = await line.wait(script.paceMs * steps)
  const passed = here ? steps : Math.min(steps, Math.floor((clock.monotonic() - startedAt) / script.paceMs))
  const made = Math.min(all, passed + 1)
  entry.reason(Math.min(shownThoughts, made))
  entry.produce(Math.max(0, made - shownThoughts))
  return here
}
