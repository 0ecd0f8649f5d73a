import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import { DatabaseUnavailable, openDatabase, type Queryable, systemClock } from '#platform'
import { testDatabases } from '../../test/support/databases.ts'
import { callsContract } from './calls.contract.ts'
import { createCallLog } from './contract.log.ts'
import { filtersContract } from './filters.contract.ts'
import { eventRoutes } from './index.ts'
import { recoveryContract } from './recovery.contract.ts'
import { manyRowsContract, usageContract } from './usage.contract.ts'

const engines = testDatabases()
for (const engine of engines) {
  describe(`the call log on ${engine.name}`, () => {
    const log = createCallLog(async () => {
      const url = await engine.fresh()
      return await openDatabase({
        url,
        dataDir: await engine.folder(),
        statementTimeoutMs: 10_000,
        connections: 4,
      })
    })
    before(log.open)
    beforeEach(log.empty)
    after(log.close)
    callsContract(log)
    filtersContract(log)
    usageContract(log)
    if (engine === engines.at(-1)) manyRowsContract(log) // that it counts on is no matter of the engine
    recoveryContract(log)
  })
}

describe('routes of the call log', () => {
  const gone: Queryable = {
    query: async () => await Promise.reject(new DatabaseUnavailable('the server is gone', undefined)),
  }
  const routes = eventRoutes({ database: gone, flush: async () => undefined, clock: systemClock })

  it('may be used by admins alone, but for the usage of a key’s own project', () => {
    const open = routes.filter(({ requires }) => requires !== 'admin')
    assert.deepEqual(
      open.map(({ path, requires }) => [path, requires]),
      [['/sluice/v1/usage', 'key']],
    )
  })
})
