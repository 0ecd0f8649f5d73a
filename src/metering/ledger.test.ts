import { after, before, beforeEach, describe } from 'node:test'
import { openDatabase } from '#platform'
import { testDatabases } from '../../test/support/databases.ts'
import { cacheSavingContract } from './cache-saving.contract.ts'
import { costsContract } from './costs.contract.ts'
import { ledgerContract } from './ledger.contract.ts'
import { createLedgerStage } from './ledger-stage.contract.ts'

for (const engine of testDatabases()) {
  describe(`the ledger on ${engine.name}`, () => {
    const stage = createLedgerStage(async () => {
      const url = await engine.fresh()
      return await openDatabase({
        url,
        dataDir: await engine.folder(),
        statementTimeoutMs: 10_000,
        connections: 4,
      })
    })
    before(stage.open)
    beforeEach(stage.empty)
    after(stage.close)
    ledgerContract(stage)
    costsContract(stage)
    cacheSavingContract(stage)
  })
}
