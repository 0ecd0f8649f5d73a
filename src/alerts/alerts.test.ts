import { after, before, beforeEach, describe } from 'node:test'
import { openDatabase } from '#platform'
import { testDatabases } from '../../test/support/databases.ts'
import { deliveriesContract } from './deliveries.contract.ts'
import { createDesk } from './desk.contract.ts'
import { routesContract } from './routes.contract.ts'

for (const engine of testDatabases()) {
  describe(`alerts on ${engine.name}`, () => {
    const desk = createDesk(async () => {
      const url = await engine.fresh()
      return await openDatabase({
        url,
        dataDir: await engine.folder(),
        statementTimeoutMs: 10_000,
        connections: 4,
      })
    })
    before(desk.open)
    beforeEach(desk.empty)
    after(desk.close)
    deliveriesContract(desk)
    routesContract(desk)
  })
}
