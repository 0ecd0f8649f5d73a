import { PGlite } from '@electric-sql/pglite'

/** Makes an embedded database in a folder that has none, and ends. A process of its own: see `embedded.ts`. */
const [, , dataDir = ''] = process.argv
const database = await PGlite.create({ dataDir })
await database.close()
process.exit(0)
