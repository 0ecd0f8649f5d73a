import { type Static, Type } from 'typebox'
import { alertsConfig, checkAlerts } from '#alerts'
import { listenConfig, requestsConfig, streamsConfig } from '#edge'
import { callsConfig } from '#events'
import { idempotencyConfig } from '#idempotency'
import { adminKeyConfig, checkKeys, keysConfig } from '#keys'
import { budgetsConfig, checkRules, rateLimitsConfig } from '#limits'
import { checkMarkup, checkPrices, markupConfig, pricesConfig } from '#metering'
import {
  type Check,
  checkEgress,
  configReader,
  defaultConfig,
  type Environment,
  egressConfig,
} from '#platform'
import {
  checkProviders,
  explainSetting,
  providersConfig,
  settingsFromEnvironment,
  simulatorVendor,
  vendors,
} from '#providers'
import { responsesConfig } from '#responses'
import { checkModels, contextsConfig, modelsConfig, unsupportedConfig } from '#routing'
import { StartError } from './start-error.ts'

const later = (what: string): ReturnType<typeof Type.Unsafe<never>> =>
  Type.Unsafe<never>({
    later: `${what} are not in this version yet. Remove the section: it would have no effect.`,
  })

/** The whole configuration, put together from one record for each domain. */
export const configSchema = Type.Object(
  {
    listen: listenConfig,
    data: Type.String({
      default: './.sluice',
      minLength: 1,
      description: 'The data folder: the embedded database, the admin key, the lock.',
    }),
    database: Type.Optional(
      Type.String({
        pattern: '^postgres(ql)?://',
        patternHint: 'Write the URL of a Postgres server, such as postgres://user:password@host:5432/sluice.',
        description: 'A Postgres server to use instead of the embedded one.',
      }),
    ),
    log_level: Type.String({
      enum: ['debug', 'info', 'warn', 'error', 'silent'],
      default: 'info',
      description: 'What is logged, on standard error.',
    }),
    admin_key: Type.Optional(adminKeyConfig),
    requests: requestsConfig,
    streams: streamsConfig,
    providers: providersConfig,
    models: modelsConfig,
    contexts: contextsConfig,
    unsupported: Type.Optional(unsupportedConfig),
    prices: pricesConfig,
    markup: markupConfig,
    keys: keysConfig,
    calls: callsConfig,
    responses: responsesConfig,
    idempotency: idempotencyConfig,
    alerts: alertsConfig,
    egress: egressConfig,
    valkey: Type.Optional(
      Type.String({
        pattern: '^(valkey|redis)s?://',
        patternHint: 'Write the URL of a Valkey server, such as valkey://user:password@host:6379.',
        description:
          'A Valkey (8 or later) in which several processes count budgets and limits together. All of them need the same `database`.',
      }),
    ),
    budgets: budgetsConfig,
    rate_limits: rateLimitsConfig,
    cache: Type.Optional(later('Caches')),
  },
  { additionalProperties: false },
)

export type Config = Static<typeof configSchema>

/** Counters are made from the ledger: who shares them shares that. */
const checkValkey: Check<Config> = ({ valkey, database }, report) => {
  if (valkey === undefined) return
  if (!URL.canParse(valkey))
    report(['valkey'], 'It is no URL.', 'Write it as valkey://user:password@host:6379.')
  else if (database === undefined)
    report(
      ['valkey'],
      'Processes that count together in a Valkey need one Postgres as well: what they count is in its ledger.',
      'Set `database` to its URL, or remove `valkey` where there is one process.',
    )
}

/** Of a file's text, and all that is wrong with it. */
export const readConfig = configReader({
  schema: configSchema,
  checks: [
    { reads: ['providers'], check: checkProviders },
    { reads: ['providers', 'models'], check: checkModels },
    { reads: ['providers', 'prices'], check: checkPrices },
    { reads: ['markup'], check: checkMarkup },
    { reads: ['keys', 'admin_key'], check: checkKeys },
    { reads: ['egress'], check: checkEgress },
    { reads: ['valkey', 'database'], check: checkValkey },
    { reads: ['alerts'], check: checkAlerts },
    { reads: ['budgets', 'rate_limits', 'models', 'providers'], check: checkRules },
  ],
})

/**
 * Without a file: every vendor whose key is in the environment, a local Ollama, and the simulator. A model of
 * any name goes to the first real provider, or to the simulator when there is none, so that the first request works.
 */
export function configFromEnvironment(env: Environment, found: { ollama: boolean }): Config {
  const keyed = Object.entries(vendors).flatMap(([name, vendor]) => {
    const settings = settingsFromEnvironment(vendor, env)
    return settings ? [[name, checkSettings(settings)] as const] : []
  })
  const providers = {
    ...Object.fromEntries(keyed),
    ...(found.ollama && { ollama: {} }),
    [simulatorVendor]: {},
  }
  const first = Object.keys(providers)[0] ?? simulatorVendor
  return defaultConfig(configSchema, {
    providers,
    models: { '*': { targets: [`${first}/*`] } },
    ...(/^postgres(ql)?:\/\//.test(env.DATABASE_URL ?? '') && { database: env.DATABASE_URL }),
  })
}

/** The values alone, when each is such as a file could have. */
function checkSettings(
  found: NonNullable<ReturnType<typeof settingsFromEnvironment>>,
): Record<string, string> {
  const checked = Object.entries(found).map(([name, { variable, value }]) => {
    const why = explainSetting(name as keyof typeof found, value)
    if (why === undefined) return [name, value]
    throw new StartError(`The environment variable ${variable} cannot be used as \`${name}\`. ${why}`)
  })
  return Object.fromEntries(checked)
}
