import { type Asked, allow, type Call, type Decision, type Fault, faults } from '#exchange'
import type { Clock } from '#platform'
import { dialects } from '#wire'
import type { Draw } from './draw.ts'
import type { UserPlan } from './scenario.ts'
import type { SluiceProcess } from './sluice-process.ts'
import { VirtualReader } from './virtual-reader.ts'

/** One request of a user, and what came of it. */
export interface Trial {
  user: UserPlan
  /** In the prompt. */
  number: number
  call: Call
  process: SluiceProcess
  reader: VirtualReader
  startedMs: number
  /** When the gateway was done with it; undefined: it never was. */
  doneMs: number | undefined
}

export interface Street {
  clock: Clock
  draw: Draw
  /** Who takes new calls now; undefined: nobody does. */
  front(): SluiceProcess | undefined
  /** Told at its beginning. */
  note(trial: Trial): void
  nextNumber(): number
}

/** As the SDKs of OpenAI and Anthropic do by themselves. */
const sdk = { retries: 2, shortestMs: 500, longestMs: 8_000, longestAskedMs: 60_000 }
/** An SDK that says how long it waits is given this much more, so that the gateway's own word comes first. */
const graceMs = 2_000

/** Wants one thing, and tries again as an SDK does. True: it got it. */
export async function live(user: UserPlan, street: Street): Promise<boolean> {
  for (let retry = 0; ; retry += 1) {
    const waitMs = await attempt(user, street)
    if (waitMs === 'done') return true
    if (waitMs === 'never' || retry >= sdk.retries) return false
    const usualMs = Math.min(sdk.longestMs, sdk.shortestMs * 2 ** retry) * (1 - street.draw.random() / 4)
    await pause(street.clock, waitMs ?? usualMs)
  }
}

/** What to do after it: nothing more, or wait so long, or as long as one does. */
async function attempt(user: UserPlan, street: Street): Promise<'done' | 'never' | number | undefined> {
  const process = street.front()
  if (!process) return undefined
  const { clock } = street
  const reader = new VirtualReader({ clock, readMs: user.readMs })
  const number = street.nextNumber()
  const call = callOf(user, { number, process, clock })
  const trial: Trial = {
    user,
    number,
    call,
    process,
    reader,
    startedMs: clock.monotonic(),
    doneMs: undefined,
  }
  street.note(trial)
  if (user.leavesAfterMs !== undefined) clock.after(user.leavesAfterMs, () => reader.leave())
  if (user.patienceMs !== undefined)
    clock.after(user.patienceMs + graceMs, () => !reader.begun && reader.leave())
  await Promise.race([
    process.serve(call, reader).then(() => {
      trial.doneMs = clock.monotonic()
    }),
    process.death,
  ])
  if (trial.doneMs === undefined) return reader.begun ? 'never' : undefined
  if (reader.gone && !reader.fault) return 'never'
  return reader.fault ? afterFault(reader, reader.fault) : 'done'
}

function afterFault(reader: VirtualReader, fault: Fault): 'never' | number | undefined {
  const isRetried = [408, 409, 429].includes(fault.status) || fault.status >= 500
  if (reader.gone || reader.begun || !isRetried) return 'never'
  if (!faults[fault.code].retry || fault.detail.retriesSpent) return 'never'
  const { retryAfterMs } = fault.detail
  return retryAfterMs !== undefined && retryAfterMs <= sdk.longestAskedMs ? retryAfterMs : undefined
}

function callOf(
  user: UserPlan,
  { number, process, clock }: { number: number; process: SluiceProcess; clock: Clock },
): Call {
  const id = process.newUuid()
  const content = `This is call number ${number}. Tell me about lighthouses, please.`
  const body = Buffer.from(
    JSON.stringify({
      model: user.model,
      messages: [{ role: 'user', content }],
      stream: user.stream,
      ...(user.dialect === 'anthropic-messages'
        ? { max_tokens: user.cap ?? 1_000 }
        : {
            ...(user.cap !== undefined && { max_completion_tokens: user.cap }),
            ...(user.stream && user.wantsUsage && { stream_options: { include_usage: true } }),
          }),
    }),
  )
  return {
    id: `call_${id}`,
    requestId: `req_${id}`,
    startedAtMs: clock.now(),
    dialect: user.dialect,
    caller: { organization: user.organization, project: 'main', keyId: 'key_1', keyName: 'one', role: 'key' },
    asked: askedOf(user, body),
    body,
    user: user.name,
    feature: undefined,
    tags: [],
    environment: undefined,
    attributionDropped: 0,
    class: user.class,
    unsupported: undefined,
    patienceMs: user.patienceMs,
    headers: user.confirms ? { 'x-sluice-confirm': 'true' } : {},
  }
}

function askedOf({ dialect }: UserPlan, body: Buffer): Decision<Asked> {
  const asked = dialects[dialect].parseRequest({ body, rest: '', query: {} })
  return asked.ok ? allow(asked.value) : asked
}

async function pause(clock: Clock, ms: number): Promise<void> {
  await new Promise<void>(resolve => clock.after(ms, resolve))
}
