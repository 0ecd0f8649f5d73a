import { readdirSync, readFileSync } from 'node:fs'

/**
 * What the kernel says of a process and all its descendants, from `/proc` (proc_pid_stat(5) and
 * proc_pid_smaps_rollup of the Linux manual pages); a gateway that forks workers is measured whole.
 */

/** `/proc` counts CPU time in USER_HZ, which is 100 a second on every machine that runs Node. */
const tickMs = 10

export interface Memory {
  /** Resident pages of every process added up; shared pages count once for each. */
  rssMb: number
  /** The same with shared pages divided among those that share them. */
  pssMb: number
}

/** Milliseconds of CPU used so far, user and system, all threads of all living processes of the tree. */
export function cpuMs(rootPid: number): number {
  let ticks = 0
  for (const pid of tree(rootPid)) {
    const fields = stat(pid)
    ticks += Number(fields?.[11] ?? 0) + Number(fields?.[12] ?? 0)
  }
  return ticks * tickMs
}

export function memory(rootPid: number): Memory {
  const total = { rssMb: 0, pssMb: 0 }
  for (const pid of tree(rootPid)) {
    const rollup = read(`/proc/${pid}/smaps_rollup`) ?? ''
    total.rssMb += Number(/^Rss: *(\d+)/m.exec(rollup)?.[1] ?? 0) / 1024
    total.pssMb += Number(/^Pss: *(\d+)/m.exec(rollup)?.[1] ?? 0) / 1024
  }
  return total
}

function tree(rootPid: number): number[] {
  const children = new Map<number, number[]>()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const parent = Number(stat(Number(name))?.[1] ?? 0)
    children.set(parent, [...(children.get(parent) ?? []), Number(name)])
  }
  const found = [rootPid]
  for (const pid of found) found.push(...(children.get(pid) ?? []))
  return found
}

/** The fields after the command's name, which may itself hold blanks and parentheses: [0] is the state. */
function stat(pid: number): string[] | undefined {
  return read(`/proc/${pid}/stat`)?.split(') ').at(-1)?.split(' ')
}

/** Processes end while we look; one that has gone reads as nothing. */
function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
