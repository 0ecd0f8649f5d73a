import type { Caller, Decision, Passthrough, Route } from '#exchange'
import { type Chance, type Clock, createUuids, type Database, type Log } from '#platform'
import { type AdminKey, ensureAdminKey } from './admin-key.ts'
import { admit } from './admit.ts'
import { authenticate, createDatabaseKeys } from './authenticate.ts'
import type { ConfiguredKeys } from './configured.ts'
import { createCredential } from './credential.ts'
import type { KeyRing } from './keys.ts'
import { keyRoutes } from './routes.keys.ts'
import { organizationRoutes } from './routes.organizations.ts'

export interface Keys {
  /**
   * Who a credential belongs to; refuses with `invalid_api_key`. Throws `DatabaseUnavailable` when the
   * database cannot say.
   */
  authenticate(credential: string | undefined, configured: ConfiguredKeys): Promise<Decision<Caller>>
  /**
   * Whether the caller may use a model by this name, or have a request passed through that may name none; refuses
   * with `model_not_allowed` or `permission_denied`.
   */
  admit(caller: Caller, model: string, passthrough?: Passthrough): Decision<void>
  /** At each start, after the migrations: makes an admin key when there is none. */
  ensureAdminKey(options: { dataDir: string; configured: ConfiguredKeys }): Promise<AdminKey>
  routes: Route[]
}

export interface KeysOptions {
  database: Database
  clock: Clock
  chance: Chance
  log: Log
}

export function createKeys({ database, clock, chance, log }: KeysOptions): Keys {
  const cache = createDatabaseKeys(database, clock)
  const uuid = createUuids(clock, chance)
  const ring: KeyRing = {
    database,
    clock,
    log,
    cache,
    newId: () => `key_${uuid()}`,
    newCredential: role => createCredential(chance, role),
  }
  return {
    authenticate: (credential, configured) =>
      authenticate(credential, { configured, database: cache, clock }),
    admit,
    ensureAdminKey: options => ensureAdminKey(ring, options),
    routes: [...organizationRoutes(ring), ...keyRoutes(ring)],
  }
}
