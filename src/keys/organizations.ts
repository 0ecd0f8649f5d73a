import { Fault } from '#exchange'
import type { Clock, Database } from '#platform'
import { countKeys, deleteDeadKeys, type Scope } from './store.keys.ts'
import {
  deleteOrganization,
  deleteProjects,
  insertOrganization,
  insertProject,
  lockOrganization,
  type OrganizationRow,
  type ProjectRow,
  readOrganization,
} from './store.organizations.ts'

/** What the verbs of organizations, projects and keys work with. */
export interface Registry {
  database: Database
  clock: Clock
}

export async function createOrganization(
  { database, clock }: Registry,
  name: string,
): Promise<OrganizationRow> {
  const row = await insertOrganization(database, name, new Date(clock.now()).toISOString())
  if (!row) throw new Fault('conflict', `There is an organization \`${name}\` already.`, { param: 'name' })
  return row
}

export async function findOrganization({ database }: Registry, name: string): Promise<OrganizationRow> {
  return (await readOrganization(database, name)) ?? noOrganization(name)
}

export async function createProject(
  { database, clock }: Registry,
  { organization, name }: { organization: string; name: string },
): Promise<ProjectRow> {
  const at = new Date(clock.now()).toISOString()
  return await database.transaction(async tx => {
    if (!(await lockOrganization(tx, organization))) noOrganization(organization)
    const row = await insertProject(tx, { organization, name, at })
    if (row) return row
    throw new Fault('conflict', `There is a project \`${name}\` in \`${organization}\` already.`, {
      param: 'name',
    })
  })
}

/**
 * Removes an organization or one of its projects, with its revoked and expired keys. Refused while a live key
 * is left: removing it would cut off its users without a word.
 */
export async function remove(registry: Registry, scope: Scope): Promise<void> {
  const { organization, project } = scope
  refuseDefault(scope)
  const at = new Date(registry.clock.now()).toISOString()
  await registry.database.transaction(async tx => {
    if (!(await lockOrganization(tx, organization))) noOrganization(organization)
    await deleteDeadKeys(tx, scope, at)
    const live = await countKeys(tx, scope)
    if (live > 0) throw new Fault('conflict', stillInUse(scope, live))
    const projects = await deleteProjects(tx, scope)
    if (project === undefined) await deleteOrganization(tx, organization)
    else if (projects === 0) throw new Fault('not_found', `There is no project ${named(scope)}.`)
  })
}

function refuseDefault({ organization, project }: Scope): void {
  if (organization !== 'default' || (project !== undefined && project !== 'default')) return
  throw new Fault(
    'conflict',
    'Organization `default` and its project `default` always exist: admin keys act under them.',
  )
}

function stillInUse(scope: Scope, live: number): string {
  const keys = live === 1 ? '1 live key' : `${live} live keys`
  const kind = scope.project === undefined ? 'Organization' : 'Project'
  return `${kind} ${named(scope)} still has ${keys}: revoke what is no longer used (\`sluice keys list\` shows them), then delete it.`
}

function named({ organization, project }: Scope): string {
  return project === undefined ? `\`${organization}\`` : `\`${organization}/${project}\``
}

function noOrganization(name: string): never {
  throw new Fault('not_found', `There is no organization \`${name}\`.`)
}
