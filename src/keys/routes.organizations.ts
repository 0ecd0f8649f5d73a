import { type Static, Type } from 'typebox'
import type { Route } from '#exchange'
import {
  createOrganization,
  createProject,
  findOrganization,
  type Registry,
  remove,
} from './organizations.ts'
import { pageOf, pageQuery, readPage } from './page.ts'
import {
  listOrganizations,
  listProjects,
  type OrganizationRow,
  type ProjectRow,
} from './store.organizations.ts'

export const slug = (description: string) =>
  Type.String({
    pattern: '^[a-z0-9][a-z0-9._-]{0,62}$',
    description: `${description} (a-z, 0-9, ".", "_", "-").`,
  })

export const time = (description: string) => Type.String({ description: `${description}, in ISO 8601, UTC.` })

const organizationShape = Type.Object({
  object: Type.Literal('organization'),
  name: slug('What it is called'),
  created_at: time('When it was made'),
})

const projectShape = Type.Object({
  object: Type.Literal('project'),
  organization: slug('Whose it is'),
  name: slug('What it is called'),
  created_at: time('When it was made'),
})

const deletedShape = Type.Object({ object: Type.String(), name: Type.String(), deleted: Type.Literal(true) })

const organizationParams = Type.Object({ organization: slug('The organization') })
const projectParams = Type.Object({ organization: slug('The organization'), project: slug('The project') })
const newName = Type.Object({ name: slug('What it is to be called') }, { additionalProperties: false })
const listQuery = Type.Object(pageQuery(slug('The last name of the page before')), {
  additionalProperties: false,
})

const root = '/sluice/v1/organizations'

export function organizationRoutes(registry: Registry): Route[] {
  return [
    {
      method: 'GET',
      path: root,
      requires: 'admin',
      summary: 'Organizations by name.',
      query: listQuery,
      answer: { status: 200, schema: pageOf(organizationShape) },
      handle: async ({ query }) =>
        await readPage({
          query,
          read: cut => listOrganizations(registry.database, cut),
          mark: row => row.name,
          show: showOrganization,
        }),
    },
    {
      method: 'POST',
      path: root,
      requires: 'admin',
      summary: 'Makes an organization.',
      body: newName,
      answer: { status: 201, schema: organizationShape },
      async handle({ body }) {
        const { name }: Static<typeof newName> = body
        return showOrganization(await createOrganization(registry, name))
      },
    },
    {
      method: 'GET',
      path: `${root}/{organization}`,
      requires: 'admin',
      summary: 'One organization.',
      params: organizationParams,
      answer: { status: 200, schema: organizationShape },
      handle: async ({ params }) => showOrganization(await findOrganization(registry, params.organization)),
    },
    {
      method: 'DELETE',
      path: `${root}/{organization}`,
      requires: 'admin',
      summary:
        'Deletes an organization with its projects and its revoked and expired keys; refused while a live key is left.',
      params: organizationParams,
      answer: { status: 200, schema: deletedShape },
      async handle({ params }) {
        const { organization }: Static<typeof organizationParams> = params
        await remove(registry, { organization, project: undefined })
        return { object: 'organization', name: organization, deleted: true }
      },
    },
    ...projectRoutes(registry),
  ]
}

function projectRoutes(registry: Registry): Route[] {
  return [
    {
      method: 'GET',
      path: `${root}/{organization}/projects`,
      requires: 'admin',
      summary: 'Projects of an organization, by name.',
      params: organizationParams,
      query: listQuery,
      answer: { status: 200, schema: pageOf(projectShape) },
      async handle({ params, query }) {
        const { name } = await findOrganization(registry, params.organization)
        return await readPage({
          query,
          read: cut => listProjects(registry.database, name, cut),
          mark: row => row.name,
          show: showProject,
        })
      },
    },
    {
      method: 'POST',
      path: `${root}/{organization}/projects`,
      requires: 'admin',
      summary: 'Makes a project.',
      params: organizationParams,
      body: newName,
      answer: { status: 201, schema: projectShape },
      async handle({ params, body }) {
        const { organization }: Static<typeof organizationParams> = params
        const { name }: Static<typeof newName> = body
        return showProject(await createProject(registry, { organization, name }))
      },
    },
    {
      method: 'DELETE',
      path: `${root}/{organization}/projects/{project}`,
      requires: 'admin',
      summary: 'Deletes a project with its revoked and expired keys; refused while a live key is left.',
      params: projectParams,
      answer: { status: 200, schema: deletedShape },
      async handle({ params }) {
        const { organization, project }: Static<typeof projectParams> = params
        await remove(registry, { organization, project })
        return { object: 'project', name: project, deleted: true }
      },
    },
  ]
}

function showOrganization(row: OrganizationRow): Static<typeof organizationShape> {
  return { object: 'organization', name: row.name, created_at: row.createdAt.toISOString() }
}

function showProject(row: ProjectRow): Static<typeof projectShape> {
  const { organization, name } = row
  return { object: 'project', organization, name, created_at: row.createdAt.toISOString() }
}
