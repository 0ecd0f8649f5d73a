import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { LoadResult } from './load.ts'
import type { Standing } from './standing.ts'

const run = promisify(execFile)
const loadProgram = fileURLToPath(new URL('./load.ts', import.meta.url))

export const laneNames = ['alone', 'crowd', 'streamAlone', 'streamCrowd'] as const

export type LaneName = (typeof laneNames)[number]

/** One way of asking; `bench/README.md` says what each is for. */
export interface Lane {
  connections: number
  seconds: number
  warmupSeconds: number
  stream: boolean
  /** Milliseconds between two pieces of a stream; 0: all at once. */
  paceMs: number
  /** Ends after so many answers instead. */
  requests?: number
}

/** The lanes at `seconds` each; the two crowded ones, whose CPU time comes in 10 ms ticks, take half as much again. */
export function lanesOf(seconds: number): Record<LaneName, Lane> {
  const plain = { stream: false, paceMs: 0, warmupSeconds: 1 }
  const stream = { stream: true, paceMs: 0, warmupSeconds: 1 }
  return {
    alone: { ...plain, connections: 1, seconds },
    crowd: { ...plain, connections: 32, seconds: seconds * 1.5 },
    streamAlone: { ...stream, connections: 1, seconds },
    streamCrowd: { ...stream, connections: 16, seconds: seconds * 1.5, paceMs: 4 },
  }
}

export interface LaneResult extends LoadResult {
  /** Requests that the upstream counted beyond those sent: retries and doublings, or, below zero, answers made up. */
  upstreamSurplus: number
}

export async function measure(standing: Standing, lane: Lane): Promise<LaneResult> {
  const before = await upstreamCount(standing.seat.upstream)
  const { stdout } = await run(process.execPath, [loadProgram, ...flags(standing, lane)])
  const result: LoadResult = JSON.parse(stdout)
  const after = await upstreamCount(standing.seat.upstream)
  return { ...result, upstreamSurplus: after - before - result.sent }
}

function flags(standing: Standing, lane: Lane): string[] {
  const { contestant, seat, child } = standing
  return [
    ...['--port', String(seat.port), '--model', contestant.model],
    ...['--connections', String(lane.connections), '--warmup', String(lane.warmupSeconds)],
    ...(lane.requests === undefined
      ? ['--seconds', String(lane.seconds)]
      : ['--requests', String(lane.requests)]),
    ...(lane.stream ? ['--stream', '--pace', String(lane.paceMs)] : []),
    ...contestant.headers(seat).flatMap(line => ['--header', line]),
    ...(child ? ['--pid', String(child.pid)] : []),
  ]
}

async function upstreamCount(upstream: string): Promise<number> {
  const answer = await fetch(`${upstream}/count`)
  const { requests } = (await answer.json()) as { requests: number }
  return requests
}
