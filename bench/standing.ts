import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { chatRequest } from './answers.ts'
import { type Child, freePort, startChild } from './child.ts'
import type { Contestant, Seat } from './contestant.ts'

const readyMs = 120_000

/** A contestant that has answered its first request and may be measured. */
export interface Standing {
  contestant: Contestant
  seat: Seat
  /** Absent for the upstream itself. */
  child?: Child
  /** From the start of its process to its first right answer. */
  readySeconds: number
}

/** Starts a contestant and waits for its first answer; throws, with a sentence, when there is none; its output stays. */
export async function stand(contestant: Contestant, upstream: string): Promise<Standing> {
  const folder = mkdtempSync(join(tmpdir(), `bench-${contestant.name}-`))
  if (contestant.launch === undefined) {
    const seat = { port: Number(new URL(upstream).port), upstream, folder }
    return { contestant, seat, readySeconds: 0 }
  }
  const seat = { port: await freePort(), upstream, folder }
  const startedAtMs = performance.now()
  const logFile = join(folder, 'output.log')
  const child = startChild(contestant.launch(seat), logFile)
  try {
    await answering(contestant, seat, child)
  } catch (cause) {
    await child.stop()
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new Error(`${why} (its output is in ${logFile})`, { cause })
  }
  return { contestant, seat, child, readySeconds: (performance.now() - startedAtMs) / 1000 }
}

export async function dismiss(standing: Standing): Promise<void> {
  await standing.child?.stop()
  rmSync(standing.seat.folder, { recursive: true, force: true })
}

/** The 99th percentile of its event loop's delay since the last look, in milliseconds, if it tells it. */
export async function eventLoopDelayMs(standing: Standing): Promise<number | undefined> {
  const source = standing.contestant.eventLoopDelay
  if (source === undefined) return undefined
  const answer = await fetch(`http://127.0.0.1:${standing.seat.port}${source.path}`)
  const value = new RegExp(`^${source.metric}(?:{.*})? (\\S+)`, 'm').exec(await answer.text())?.[1]
  return value === undefined ? undefined : Number(value) * 1000
}

async function answering(contestant: Contestant, seat: Seat, child: Child): Promise<void> {
  const deadlineMs = performance.now() + readyMs
  let last = 'it does not listen'
  while (performance.now() < deadlineMs) {
    const end = child.ended()
    if (end !== undefined) throw new Error(end)
    const complaint = await ask(contestant, seat)
    if (complaint === undefined) return
    last = complaint
    await pause(50)
  }
  throw new Error(`no right answer within ${readyMs / 1000} s: ${last}`)
}

async function ask(contestant: Contestant, seat: Seat): Promise<string | undefined> {
  const headers = contestant.headers(seat).map((line): [string, string] => {
    const colon = line.indexOf(': ')
    return [line.slice(0, colon), line.slice(colon + 2)]
  })
  try {
    const answer = await fetch(`http://127.0.0.1:${seat.port}/v1/chat/completions`, {
      method: 'POST',
      headers: [['content-type', 'application/json'], ...headers],
      body: chatRequest(contestant.model, false, 0),
    })
    const text = await answer.text()
    return answer.status === 200 ? undefined : `${answer.status} ${text.slice(0, 300)}`
  } catch (cause) {
    return String(cause)
  }
}
