import type { Queryable } from '#platform'

export interface OrganizationRow {
  name: string
  createdAt: Date
}

export interface ProjectRow extends OrganizationRow {
  organization: string
}

export interface Cut {
  after: string | undefined
  limit: number
}

const organizationColumns = 'name, created_at as "createdAt"'
const projectColumns = 'organization, name, created_at as "createdAt"'

export async function insertOrganization(
  db: Queryable,
  name: string,
  at: string,
): Promise<OrganizationRow | undefined> {
  const text = `insert into organizations (name, created_at) values ($1, $2::timestamptz)
    on conflict (name) do nothing returning ${organizationColumns}`
  return (await db.query<OrganizationRow>({ text }, [name, at]))[0]
}

/** Makes it if it is missing, and either way holds its row against deletion until the transaction ends. */
export async function holdOrganization(tx: Queryable, name: string, at: string): Promise<void> {
  const text = `insert into organizations (name, created_at) values ($1, $2::timestamptz)
    on conflict (name) do update set created_at = organizations.created_at`
  await tx.query({ text }, [name, at])
}

/** Keeps out whoever makes keys or projects in it until the transaction ends. */
export async function lockOrganization(tx: Queryable, name: string): Promise<boolean> {
  const text = 'select name from organizations where name = $1 for update'
  return (await tx.query({ text }, [name])).length > 0
}

export async function readOrganization(db: Queryable, name: string): Promise<OrganizationRow | undefined> {
  const text = `select ${organizationColumns} from organizations where name = $1`
  return (await db.query<OrganizationRow>({ text }, [name]))[0]
}

export async function listOrganizations(db: Queryable, cut: Cut): Promise<OrganizationRow[]> {
  const text = `select ${organizationColumns} from organizations
    where $1::text is null or name > $1 collate "C" order by name limit $2::int`
  return await db.query<OrganizationRow>({ text }, [cut.after ?? null, cut.limit])
}

export async function deleteOrganization(tx: Queryable, name: string): Promise<void> {
  await tx.query({ text: 'delete from organizations where name = $1' }, [name])
}

export async function insertProject(
  db: Queryable,
  { organization, name, at }: { organization: string; name: string; at: string },
): Promise<ProjectRow | undefined> {
  const text = `insert into projects (organization, name, created_at) values ($1, $2, $3::timestamptz)
    on conflict (organization, name) do nothing returning ${projectColumns}`
  return (await db.query<ProjectRow>({ text }, [organization, name, at]))[0]
}

export async function listProjects(db: Queryable, organization: string, cut: Cut): Promise<ProjectRow[]> {
  const text = `select ${projectColumns} from projects
    where organization = $1 and ($2::text is null or name > $2 collate "C") order by name limit $3::int`
  return await db.query<ProjectRow>({ text }, [organization, cut.after ?? null, cut.limit])
}

/** One project, or all of the organization. Tells how many there were. */
export async function deleteProjects(
  tx: Queryable,
  { organization, project }: { organization: string; project: string | undefined },
): Promise<number> {
  const text =
    'delete from projects where organization = $1 and ($2::text is null or name = $2) returning name'
  return (await tx.query({ text }, [organization, project ?? null])).length
}
