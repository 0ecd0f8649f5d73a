import { after, before, beforeEach, describe } from 'node:test'
import type { Database } from '#platform'
import { adminKeyContract } from './admin-key.contract.ts'
import { authenticateContract } from './authenticate.contract.ts'
import { createHouse } from './contract.house.ts'
import { routesContract } from './routes.contract.ts'

/** What keys promise on any engine. `open` returns a database that is empty and belongs to this run alone. */
export function keysContract(engine: string, open: () => Promise<Database>): void {
  describe(`keys on ${engine}`, () => {
    const house = createHouse(open)
    before(house.open)
    beforeEach(house.empty)
    after(house.close)
    authenticateContract(house)
    adminKeyContract(house)
    routesContract(house)
  })
}
