import { setTimeout as pause } from 'node:timers/promises'
import type { Contestant } from './contestant.ts'
import { laneNames, lanesOf, measure } from './lanes.ts'
import { memory } from './process-tree.ts'
import type { Findings } from './report.ts'
import { type SoakSample, soak } from './soak.ts'
import { dismiss, eventLoopDelayMs, type Standing, stand } from './standing.ts'

const settleMs = 5000

type Say = (line: string) => void

/** A contestant, and what has been found of it so far; it stands until it fails or the run is over. */
export interface Entry {
  findings: Findings
  standing?: Standing
}

/** Starts all of them, and looks at their memory once they have come to rest. */
export async function standAll(
  contestants: readonly Contestant[],
  upstream: string,
  say: Say,
): Promise<Entry[]> {
  const entries: Entry[] = []
  for (const contestant of contestants) {
    const lanes = { alone: [], crowd: [], streamAlone: [], streamCrowd: [] }
    const entry: Entry = {
      findings: { name: contestant.name, does: contestant.does, lanes, eventLoopDelayMs: [] },
    }
    entries.push(entry)
    try {
      const addition = await contestant.prepare?.(say)
      if (addition) entry.findings.does += `; ${addition}`
      say(`starting ${contestant.name}`)
      entry.standing = await stand(contestant, upstream)
    } catch (cause) {
      entry.findings.missing = cause instanceof Error ? cause.message : String(cause)
      say(`${contestant.name} is not in the run: ${entry.findings.missing}`)
    }
  }
  say(`at rest for ${settleMs / 1000} s`)
  await pause(settleMs)
  for (const { findings, standing } of entries) {
    if (standing?.child === undefined) continue
    findings.readySeconds = standing.readySeconds
    findings.atRest = memory(standing.child.pid)
  }
  return entries
}

/** The contestants take turns within a lane and change places each round, so that no one has the quiet moments. */
export async function measureAll(
  entries: readonly Entry[],
  options: { rounds: number; seconds: number },
  say: Say,
): Promise<void> {
  say('warming up')
  for (const entry of entries) await attempt(entry, say, warm)
  const lanes = lanesOf(options.seconds)
  for (let round = 0; round < options.rounds; round += 1) {
    const first = round % entries.length
    for (const lane of laneNames) {
      say(`round ${round + 1} of ${options.rounds}: ${lane}`)
      for (const entry of [...entries.slice(first), ...entries.slice(0, first)]) {
        await attempt(entry, say, async standing => {
          if (lane === 'crowd') await eventLoopDelayMs(standing) // each look starts its count anew
          entry.findings.lanes[lane][round] = await measure(standing, lanes[lane])
          if (lane === 'crowd') await noteEventLoopDelay(entry.findings, standing)
        })
      }
    }
  }
  await pause(settleMs)
  for (const { findings, standing } of entries) {
    if (standing?.child) findings.afterLoad = memory(standing.child.pid)
  }
}

export async function soakAll(
  entries: readonly Entry[],
  requests: number,
  say: Say,
): Promise<Record<string, SoakSample[]>> {
  const samples: Record<string, SoakSample[]> = {}
  for (const entry of entries) {
    await attempt(entry, say, async standing => {
      if (standing.child) samples[entry.findings.name] = await soak(standing, requests, say)
    })
  }
  return samples
}

export async function dismissAll(entries: readonly Entry[]): Promise<void> {
  for (const { standing } of entries) if (standing) await dismiss(standing)
}

/** Long enough that the compilers of the contestants that have one are done. */
async function warm(standing: Standing): Promise<void> {
  const { crowd, streamAlone } = lanesOf(2)
  await measure(standing, crowd)
  await measure(standing, { ...streamAlone, seconds: 1 })
}

async function noteEventLoopDelay(findings: Findings, standing: Standing): Promise<void> {
  const delayMs = await eventLoopDelayMs(standing)
  if (delayMs !== undefined) findings.eventLoopDelayMs.push(delayMs)
}

/** Whoever fails is out for the rest of the run, and the table says why. */
async function attempt(entry: Entry, say: Say, work: (standing: Standing) => Promise<void>): Promise<void> {
  if (entry.standing === undefined) return
  try {
    await work(entry.standing)
  } catch (cause) {
    entry.findings.missing = entry.standing.child?.ended() ?? String(cause)
    say(`${entry.findings.name} is out of the run: ${entry.findings.missing}`)
    await dismiss(entry.standing)
    delete entry.standing
  }
}
