export type { Chance } from './chance.ts'
export { systemChance } from './chance.ts'
export type { Clock } from './clock.ts'
export { systemClock } from './clock.ts'
export type { Check, Environment, Loaded } from './config/load.ts'
export { configReader, defaultConfig, loadConfig } from './config/load.ts'
export type { Problem } from './config/problem.ts'
export { renderProblems } from './config/problem.ts'
export {
  Amount,
  ByteSize,
  Count,
  Duration,
  Price,
  Threshold,
  TimeSpan,
  Usd,
} from './config/quantities.ts'
export type { RecordProblem, RecordRead, RecordReader } from './config/record.ts'
export { recordReader } from './config/record.ts'
export { watchFile } from './config/watch.ts'
export { DataFolderError, takeDataFolder } from './data-folder.ts'
export type { Database, Queryable, Statement } from './database/database.ts'
export { DatabaseUnavailable } from './database/database.ts'
export type { MigrationSource } from './database/migrate.ts'
export { migrate, NewerSchema } from './database/migrate.ts'
export type { DatabaseOptions } from './database/open.ts'
export { openDatabase } from './database/open.ts'
export { Rollup } from './database/rollup.ts'
export { otherName } from './database/rollup-names.ts'
export type { RollupQuestion } from './database/rollup-source.ts'
export { rollupSource } from './database/rollup-source.ts'
export type { RollupSpec } from './database/rollup-spec.ts'
export { checkEgress, egressConfig } from './egress.config.ts'
export type {
  Egress,
  EgressOptions,
  EgressPost,
  EgressRefusal,
  EgressReply,
  EgressResult,
} from './egress.ts'
export { createEgress } from './egress.ts'
export type { HttpClient, HttpFailure, HttpFlow, HttpReader, HttpRequest } from './http-client.ts'
export { createHttpClient } from './http-client.ts'
export { createUuids } from './ids.ts'
export { isoTime, parseTime } from './iso-time.ts'
export type { Doors } from './listen.ts'
export { doorBacklog, openDoors, reserveDoor } from './listen.ts'
export type { Log } from './log.ts'
export { createLog } from './log.ts'
export { nearest, nearestNames } from './nearest.ts'
export type { Pressure } from './pressure.ts'
export { createPressure } from './pressure.ts'
export { repeat } from './repeat.ts'
export type { Script, Valkey } from './valkey.ts'
export { openValkey, ValkeyAway, valkeyScript } from './valkey.ts'
