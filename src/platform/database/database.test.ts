import { before, describe } from 'node:test'
import { type Database, openDatabase } from '#platform'
import { testDatabases } from '../../../test/support/databases.ts'
import { migrationsContract } from './migrations.contract.ts'
import { closingContract, patienceContract } from './patience.contract.ts'
import { statementsContract } from './statements.contract.ts'
import { transactionsContract } from './transactions.contract.ts'

for (const engine of testDatabases()) {
  describe(`the database (${engine.name})`, () => {
    let database: Database
    before(async () => {
      database = await openDatabase({
        url: await engine.fresh(),
        dataDir: await engine.folder(),
        statementTimeoutMs: 10_000,
        connections: 4,
      })
    })
    statementsContract(() => database)
    transactionsContract(() => database)
    migrationsContract(() => database)
    patienceContract(() => database)
    closingContract(async () => database) // last: nothing comes after it
  })
}
