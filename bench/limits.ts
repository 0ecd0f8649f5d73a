/**
 * What it takes to hold and settle a call's part of three budgets and two rolling limits: in memory, and in Valkey over
 * loopback. `node bench/limits.ts [valkey://…]`; without an address, in memory alone. Figures are read, not asserted.
 */
import { type LimitStore, MemoryLimitStore, ValkeyLimitStore } from '#limits'
import { createLog, createUuids, openValkey, systemChance, systemClock, valkeyScript } from '#platform'

const calls = 20_000
const users = 1_000
const clock = systemClock
const newUuid = createUuids(clock, systemChance)
const log = createLog('warn')

function linesOf(n: number) {
  const user = n % users
  const hour = { rolling: undefined, endsAtMs: Date.now() + 3_600_000 }
  const minute = { rolling: { windowMs: 60_000, bucketMs: 250 }, endsAtMs: Number.POSITIVE_INFINITY }
  const money = { most: 10n ** 24n, amount: 12_345_678_901n }
  return [
    { key: 'b1:month2026-11:acme', ...hour, ...money },
    { key: 'b2:day2026-11-21:acme/chat', ...hour, ...money },
    { key: `b3:day2026-11-21:acme/user/u-${user}`, ...hour, ...money },
    { key: `l1:last60000:acme/user/u-${user}`, ...minute, most: 10n ** 9n, amount: 1n },
    { key: 'l2:last60000:acme/key/web', ...minute, most: 10n ** 12n, amount: 1_500n },
  ]
}

async function measure(name: string, store: LimitStore, atOnce: number): Promise<void> {
  const tookUs: number[] = []
  let next = 0
  const one = async (): Promise<void> => {
    for (let n = next++; n < calls; n = next++) {
      const id = `${name}-${atOnce}-${n}`
      const lines = linesOf(n)
      const beginMs = performance.now()
      const outcome = await store.reserve(id, lines, Date.now())
      tookUs.push((performance.now() - beginMs) * 1_000)
      if (!outcome.ok) throw new Error('it should have fitted')
      await store.settle(
        id,
        lines.map(({ key, amount }) => ({ key, amount: amount / 2n })),
        Date.now(),
      )
    }
  }
  const cpu = process.cpuUsage()
  const beginMs = performance.now()
  await Promise.all(Array.from({ length: atOnce }, one))
  const { user, system } = process.cpuUsage(cpu)
  const perSecond = (calls / (performance.now() - beginMs)) * 1_000
  tookUs.sort((a, b) => a - b)
  const at = (share: number): string => (tookUs[Math.floor(tookUs.length * share)] ?? 0).toFixed(1)
  process.stdout.write(
    `${name.padEnd(8)} ${String(atOnce).padStart(3)} at once: reserve p50 ${at(0.5)} µs, p99 ${at(0.99)} µs; ` +
      `${((user + system) / calls).toFixed(1)} µs of CPU for reserve and settle; ${perSecond.toFixed(0)} calls/s\n`,
  )
}

const memory = new MemoryLimitStore()
for (const atOnce of [1, 1]) await measure('memory', memory, atOnce) // the first is for the compilers

const [, , url] = process.argv
if (url) {
  const valkey = await openValkey({ url, stepTimeoutMs: 2_000, clock, log })
  const store = new ValkeyLimitStore({
    ...{ valkey, name: newUuid(), owner: newUuid(), clock, log, newUuid, gatherMs: 0 },
    load: async () => ({ entries: [], holds: [], ended: [], rules: [] }),
    onExpired: async () => undefined,
  })
  if (!(await store.start(5_000))) throw new Error(`no Valkey at ${url}`)
  const serverUs = async (): Promise<{ calls: number; us: number }> => {
    const said = await valkey.run(valkeyScript("return redis.call('INFO', 'commandstats')"), [], [])
    const [, count = 0, us = 0] = /cmdstat_evalsha:calls=(\d+),usec=(\d+)/.exec(String(said)) ?? []
    return { calls: Number(count), us: Number(us) }
  }
  for (const atOnce of [1, 1, 32]) {
    const before = await serverUs()
    await measure('valkey', store, atOnce)
    const after = await serverUs()
    const us = (after.us - before.us) / (after.calls - before.calls)
    process.stdout.write(`         the server's own time: ${us.toFixed(1)} µs a step\n`)
  }
  store.stop()
  await valkey.close()
}
