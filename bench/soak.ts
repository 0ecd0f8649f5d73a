import { measure } from './lanes.ts'
import { memory } from './process-tree.ts'
import type { Standing } from './standing.ts'

const sliceRequests = 20_000

/** Memory after so many requests. */
export interface SoakSample {
  requests: number
  rssMb: number
  pssMb: number
  perSecond: number
  errors: number
}

/** Sends `requests` at 32 connections and looks at the memory every 20,000: does it level off? */
export async function soak(
  standing: Standing,
  requests: number,
  say: (line: string) => void,
): Promise<SoakSample[]> {
  const samples: SoakSample[] = []
  if (standing.child === undefined) return samples
  for (let done = 0; done < requests; ) {
    const slice = Math.min(sliceRequests, requests - done)
    const lane = { connections: 32, seconds: 0, warmupSeconds: 0, stream: false, paceMs: 0, requests: slice }
    const result = await measure(standing, lane)
    done += slice
    const perSecond = result.answers / result.seconds
    const sample = { requests: done, ...memory(standing.child.pid), perSecond, errors: result.errors }
    samples.push(sample)
    say(soakLine(standing.contestant.name, sample))
  }
  return samples
}

function soakLine(name: string, sample: SoakSample): string {
  const { requests, rssMb, pssMb, perSecond, errors } = sample
  const memoryText = `RSS ${rssMb.toFixed(0)} MB, PSS ${pssMb.toFixed(0)} MB`
  return `${name} after ${requests} requests: ${memoryText}, ${perSecond.toFixed(0)} requests/s, ${errors} errors`
}
