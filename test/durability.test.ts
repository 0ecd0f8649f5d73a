import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { compareBooks, forgetLiving, readBooks, readJson } from './durability.books.ts'
import { Crowd, type Heard } from './durability.crowd.ts'
import { testDatabases } from './support/databases.ts'
import { eventually } from './support/eventually.ts'
import { type Simulator, startSimulator } from './support/simulator.ts'
import { type Sluice, startSluice } from './support/sluice.ts'

const key = 'sk-test-web-0123456789'
const callers = 32
/** So many whole answers before each end. */
const answersBefore = 120

for (const engine of testDatabases()) {
  describe(`what was promised is durable (${engine.name})`, () => {
    let simulator: Simulator
    let database: string | undefined
    let sluice: Sluice

    before(async () => {
      simulator = await startSimulator()
      database = await engine.fresh()
      sluice = await startSluice({
        config: `
providers:
  up: { vendor: sim, base_url: ${simulator.url} }
keys:
  - { name: web, key: ${key}, organization: acme, project: shop }
${database ? `database: ${database}` : ''}`,
      })
    })

    const gather = (name: string): Crowd =>
      new Crowd({
        url: sluice.url,
        key,
        callers,
        name,
        script: n => `ttft=${n % 7}ms&pace=1ms&tokens=${5 + (n % 31)}`,
      })

    it('through kill -9 under load: every request is on record, token by token where its end is known', async () => {
      const crowd = gather('killed')
      for (let killing = 0; killing < 3; killing += 1) {
        await answers(crowd)
        await sluice.kill()
        if (database) await forgetLiving(database)
        await sluice.restart()
      }
      await answers(crowd)
      const heard = await crowd.stop()
      const books = await readBooks(sluice, simulator, 'killed')
      compareBooks(books)

      const lost = books.calls.filter(({ status }) => status === 'unknown')
      assert.ok(lost.length > 0, 'calls were under way when it was killed')
      for (const { tag } of heard.filter(({ end }) => end === 'whole')) {
        // Answered whole and killed before its end was committed: known to have been made, and no more than that.
        assert.match(books.callsByName.get(tag)?.status ?? 'nowhere', /^(succeeded|unknown)$/, tag)
      }
      const { total } = await readJson<{ total: Record<string, number> }>(
        new URL('/sluice/v1/usage', sluice.url),
        sluice.adminKey,
      )
      assert.deepEqual([total.calls, total.unknown], [books.calls.length, lost.length])
    })

    it('through SIGTERM under load: every request is on record with its end', async () => {
      const crowd = gather('stopped')
      for (let stopping = 0; stopping < 2; stopping += 1) {
        await answers(crowd)
        assert.deepEqual(await sluice.stop(), { code: 0, signal: null })
        await sluice.restart()
      }
      await answers(crowd)
      const heard = await crowd.stop()
      const books = await readBooks(sluice, simulator, 'stopped')
      compareBooks(books)

      const ends = new Set(books.calls.map(({ status }) => status))
      assert.deepEqual([...ends], ['succeeded'])
      const whole = heard.filter(({ end }) => end === 'whole')
      assert.equal(books.lines.length, whole.length, 'who was taken was answered whole')
      assert.deepEqual(codesOf(heard), ['shutting_down'])
    })

    /** Meanwhile somebody reads the call log, as a console would. */
    async function answers(crowd: Crowd): Promise<void> {
      const enough = crowd.whole + answersBefore
      await eventually(`${answersBefore} more answers`, async () => {
        await readJson(new URL('/sluice/v1/calls?status=running', sluice.url), sluice.adminKey)
        return crowd.whole >= enough
      })
    }
  })
}

function codesOf(heard: readonly Heard[]): unknown[] {
  return [...new Set(heard.flatMap(({ code }) => (code === undefined ? [] : [code])))]
}
