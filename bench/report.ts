import type { LaneName, LaneResult } from './lanes.ts'
import type { Memory } from './process-tree.ts'
import type { SoakSample } from './soak.ts'

/** Everything that was measured of one contestant; each list has one entry a round. */
export interface Findings {
  name: string
  does: string
  /** Why it could not be measured, or not to the end. */
  missing?: string
  readySeconds?: number
  atRest?: Memory
  afterLoad?: Memory
  lanes: Record<LaneName, LaneResult[]>
  /** At full load, as it tells it itself. */
  eventLoopDelayMs: number[]
}

/** What the figures of one contestant are compared with. */
interface Peers {
  direct: Findings | undefined
  bare: Findings | undefined
  portkey: Findings | undefined
  /** Sluice between two of the same dialect. */
  relay: Findings | undefined
}

interface Row {
  title: string
  digits: number
  /** One value a round, or a single one; none when it was not measured. */
  values(one: Findings, peers: Peers): number[]
}

type Figure = (result: LaneResult) => number

const rate: Figure = result => result.answers / result.seconds
const cpuPerRequest: Figure = result => ((result.cpuMs ?? Number.NaN) * 1000) / result.answers
const cpuPerPiece: Figure = result => ((result.cpuMs ?? Number.NaN) * 1000) / result.pieces

const rows: Row[] = [
  plain('plain, 1 connection: p50, ms', 'alone', 3, result => result.latencyMs.p50),
  added('… added p50, ms', 'alone', result => result.latencyMs.p50),
  added('… added p99, ms', 'alone', result => result.latencyMs.p99),
  plain('plain, 32 connections: requests/s', 'crowd', 0, rate),
  against('… × Portkey', 'portkey', 'crowd', rate),
  plain('… p50, ms', 'crowd', 1, result => result.latencyMs.p50),
  plain('… p99, ms', 'crowd', 1, result => result.latencyMs.p99),
  plain('… CPU µs/request', 'crowd', 0, cpuPerRequest),
  against('… CPU × bare', 'bare', 'crowd', cpuPerRequest),
  { title: '… event-loop delay p99, ms', digits: 1, values: one => one.eventLoopDelayMs },
  added(
    'stream, 1 connection: added first content p50, ms',
    'streamAlone',
    result => result.firstContentMs.p50,
  ),
  added('… added first content p99, ms', 'streamAlone', result => result.firstContentMs.p99),
  plain('stream, 16 connections: CPU µs/chunk', 'streamCrowd', 1, cpuPerPiece),
  against('… CPU × bare', 'bare', 'streamCrowd', cpuPerPiece),
  against('… CPU × the byte relay', 'relay', 'streamCrowd', cpuPerPiece),
  plain('… chunks/s', 'streamCrowd', 0, result => result.pieces / result.seconds),
  plain('… gap p50, ms', 'streamCrowd', 1, result => result.gapMs.p50),
  plain('… gap p99, ms', 'streamCrowd', 1, result => result.gapMs.p99),
  single('ready after, s', 1, one => one.readySeconds),
  single('at rest: RSS, MB', 0, one => one.atRest?.rssMb),
  single('… PSS, MB', 0, one => one.atRest?.pssMb),
  single('after load: RSS, MB', 0, one => one.afterLoad?.rssMb),
  single('… PSS, MB', 0, one => one.afterLoad?.pssMb),
  single('wrong or missing answers', 0, one => sum(one, result => result.errors)),
  single('upstream requests beyond those sent', 0, one => sum(one, result => result.upstreamSurplus)),
]

/** The table, in Markdown: a column for each contestant, medians over the rounds. */
export function table(all: readonly Findings[]): string {
  const named = (name: string): Findings | undefined => all.find(one => one.name === name)
  const peers = {
    direct: named('direct'),
    bare: named('bare'),
    portkey: named('portkey'),
    relay: named('sluice'),
  }
  const lines = rows.map(row => [
    row.title,
    ...all.map(one => shown(median(row.values(one, peers)), row.digits)),
  ])
  return aligned([['', ...all.map(one => one.name)], ...lines])
}

/** Memory by requests served: a row for every look. */
export function soakTable(samples: Readonly<Record<string, readonly SoakSample[]>>): string {
  const lines = Object.entries(samples).flatMap(([name, list]) =>
    list.map(one => [
      name,
      ...[one.requests, one.rssMb, one.pssMb, one.perSecond, one.errors].map(value => value.toFixed(0)),
    ]),
  )
  return aligned([['', 'requests', 'RSS, MB', 'PSS, MB', 'requests/s', 'errors'], ...lines])
}

/** What each contestant does with a call, and why one could not be measured. */
export function legend(all: readonly Findings[]): string {
  return all
    .map(one => `- ${one.name}: ${one.does}${one.missing ? `\n  NOT MEASURED: ${one.missing}` : ''}`)
    .join('\n')
}

function median(values: readonly number[]): number | undefined {
  const sorted = values.filter(value => Number.isFinite(value)).sort((a, b) => a - b)
  const low = sorted[Math.floor((sorted.length - 1) / 2)]
  const high = sorted[Math.floor(sorted.length / 2)]
  return low === undefined || high === undefined ? undefined : (low + high) / 2
}

function plain(title: string, lane: LaneName, digits: number, figure: Figure): Row {
  return { title, digits, values: one => one.lanes[lane].map(figure) }
}

/** A latency minus the direct one of the same round. */
function added(title: string, lane: LaneName, figure: Figure): Row {
  return {
    title,
    digits: 3,
    values: (one, { direct }) => (one === direct ? [] : byRound(one, direct, lane, figure, (a, b) => a - b)),
  }
}

/** A ratio to a peer in the same round, so that what disturbs the machine in between disturbs both. */
function against(title: string, peer: 'bare' | 'portkey' | 'relay', lane: LaneName, figure: Figure): Row {
  return {
    title,
    digits: 2,
    values: (one, peers) => byRound(one, peers[peer], lane, figure, (a, b) => a / b),
  }
}

function single(title: string, digits: number, figure: (one: Findings) => number | undefined): Row {
  return { title, digits, values: one => [figure(one) ?? Number.NaN] }
}

function byRound(
  one: Findings,
  peer: Findings | undefined,
  lane: LaneName,
  figure: Figure,
  combine: (own: number, others: number) => number,
): number[] {
  return one.lanes[lane].flatMap((result, round) => {
    const other = peer?.lanes[lane][round]
    return other ? [combine(figure(result), figure(other))] : []
  })
}

function sum(one: Findings, figure: Figure): number | undefined {
  const results = Object.values(one.lanes).flat()
  return results.length === 0 ? undefined : results.reduce((total, result) => total + figure(result), 0)
}

function shown(value: number | undefined, digits: number): string {
  return value === undefined ? '–' : value.toFixed(digits)
}

function aligned(cells: readonly string[][]): string {
  const widths = (cells[0] ?? []).map((_, column) => Math.max(...cells.map(row => row[column]?.length ?? 0)))
  const line = (row: readonly string[]): string => {
    const padded = row.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!),
    )
    return `| ${padded.join(' | ')} |`
  }
  const rule = widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`))
  return [line(cells[0] ?? []), line(rule), ...cells.slice(1).map(line)].join('\n')
}
