import { openDatabase } from '#platform'
import { testDatabases } from '../../test/support/databases.ts'
import { rulesContract } from './rules.contract.ts'

for (const engine of testDatabases()) {
  rulesContract(engine.name, async () => {
    const url = await engine.fresh()
    return await openDatabase({
      url,
      dataDir: await engine.folder(),
      statementTimeoutMs: 10_000,
      connections: 4,
    })
  })
}
