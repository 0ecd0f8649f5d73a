import { type Static, Type } from 'typebox'
import type { Caller, Route } from '#exchange'
import { changeKey, findKey, type Issued, issueKey, type KeyRing, revokeKey, rotateKey } from './keys.ts'
import { pageOf, pageQuery, readPage } from './page.ts'
import { slug, time } from './routes.organizations.ts'
import { type KeyRow, listKeys } from './store.keys.ts'

const keyId = Type.String({ pattern: '^key_[0-9a-f]{32}$', description: 'The id of a key.' })

const keyName = Type.String({
  minLength: 1,
  maxLength: 100,
  pattern: '^[^\\u0000-\\u001f\\u007f]+$',
  description: 'What people call the key.',
})

// `enum` and `type: [‥, 'null']` rather than unions: the error names the field's fault, and no validator that
// coerces can turn null into an empty string, or an empty string into "never".
const role = Type.Unsafe<Caller['role']>({
  type: 'string',
  enum: ['key', 'admin'],
  description: '`key` may make calls; `admin` may also use this API, and acts under `default`.',
})

const models = Type.Unsafe<string[] | null>({
  type: ['array', 'null'],
  items: { type: 'string', maxLength: 256, pattern: '^[^\\s*\\u0000]+\\*?$|^\\*$' },
  minItems: 1,
  maxItems: 500,
  description: 'Models the key may use, by name or by a pattern that ends in `*`; null: all.',
})

const passthrough = Type.Boolean({
  description:
    'Whether the key may use addresses of a provider that Sluice does not serve itself; admin keys may in any case.',
})

const expiresAt = Type.Unsafe<string | null>({
  type: ['string', 'null'],
  pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d(:\\d\\d(\\.\\d{1,9})?)?(Z|[+-]\\d\\d:\\d\\d)$',
  description: 'When the key ends by itself, a time in the future such as 2030-01-31T00:00:00Z; null: never.',
})

const timeOrNull = (description: string) =>
  Type.Unsafe<string | null>({ type: ['string', 'null'], description: `${description}, in ISO 8601, UTC.` })

const keyShape = Type.Object({
  object: Type.Literal('key'),
  id: keyId,
  name: keyName,
  hint: Type.String({ description: 'Prefix and last four characters of the key.' }),
  organization: slug('Whose it is'),
  project: slug('What it is for'),
  role,
  models,
  passthrough,
  expires_at: timeOrNull('When it ends'),
  revoked_at: timeOrNull('When it was revoked'),
  created_at: time('When it was made'),
  created_by: Type.String({
    description: 'The id of the key that made it; `setup` for the first admin key.',
  }),
})

const issuedShape = Type.Object({
  ...keyShape.properties,
  key: Type.String({ description: 'The key itself. It is shown here and never again.' }),
})

const params = Type.Object({ id: keyId })

const newKey = Type.Object(
  {
    name: keyName,
    organization: Type.Optional(slug('Made when it is missing; `default` when not given')),
    project: Type.Optional(slug('Made when it is missing; `default` when not given')),
    role: Type.Optional(role),
    models: Type.Optional(models),
    passthrough: Type.Optional(passthrough),
    expires_at: Type.Optional(expiresAt),
  },
  { additionalProperties: false },
)

const keyChange = Type.Object(
  {
    name: Type.Optional(keyName),
    models: Type.Optional(models),
    passthrough: Type.Optional(passthrough),
    expires_at: Type.Optional(expiresAt),
  },
  { additionalProperties: false, minProperties: 1 },
)

const listQuery = Type.Object(
  {
    ...pageQuery(keyId),
    organization: Type.Optional(slug('Only keys of this organization')),
    project: Type.Optional(slug('Only keys of projects with this name')),
    revoked: Type.Optional(
      Type.Boolean({ default: false, description: 'Whether to list revoked keys too.' }),
    ),
  },
  { additionalProperties: false },
)

const root = '/sluice/v1/keys'

export function keyRoutes(ring: KeyRing): Route[] {
  return [
    {
      method: 'GET',
      path: root,
      requires: 'admin',
      summary: 'Keys, newest first.',
      query: listQuery,
      answer: { status: 200, schema: pageOf(keyShape) },
      async handle({ query }) {
        const { organization, project, revoked = false }: Static<typeof listQuery> = query
        const read = (cut: { after: string | undefined; limit: number }): Promise<KeyRow[]> =>
          listKeys(ring.database, { organization, project, revoked }, cut)
        return await readPage({ query, read, mark: row => row.id, show: showKey })
      },
    },
    {
      method: 'POST',
      path: root,
      requires: 'admin',
      summary:
        'Makes a key, and its organization and project when they are missing. The answer alone shows the key.',
      body: newKey,
      answer: { status: 201, schema: issuedShape },
      async handle({ body, caller }) {
        const { expires_at: expiresAt = null, ...asked }: Static<typeof newKey> = body
        const wish = {
          organization: 'default',
          project: 'default',
          role: 'key' as const,
          ...asked,
          expiresAt,
        }
        return showIssued(await issueKey(ring, wish, caller))
      },
    },
    ...oneKeyRoutes(ring),
  ]
}

function oneKeyRoutes(ring: KeyRing): Route[] {
  return [
    {
      method: 'GET',
      path: `${root}/{id}`,
      requires: 'admin',
      summary: 'One key.',
      params,
      answer: { status: 200, schema: keyShape },
      handle: async ({ params }) => showKey(await findKey(ring, params.id)),
    },
    {
      method: 'PATCH',
      path: `${root}/{id}`,
      requires: 'admin',
      summary: 'Changes what is named; null takes a restriction away.',
      params,
      body: keyChange,
      answer: { status: 200, schema: keyShape },
      async handle({ params, body, caller }) {
        const { expires_at: expiresAt, ...rest }: Static<typeof keyChange> = body
        const wish = expiresAt === undefined ? rest : { ...rest, expiresAt }
        return showKey(await changeKey(ring, params.id, wish, caller))
      },
    },
    {
      method: 'DELETE',
      path: `${root}/{id}`,
      requires: 'admin',
      summary: 'Revokes a key: here at once, in other processes within 5 seconds. It stays on record.',
      params,
      answer: { status: 200, schema: keyShape },
      handle: async ({ params, caller }) => showKey(await revokeKey(ring, params.id, caller)),
    },
    {
      method: 'POST',
      path: `${root}/{id}/rotate`,
      requires: 'admin',
      summary:
        'Gives the key a new credential, shown in the answer alone; the old one ends like a revoked key.',
      params,
      answer: { status: 200, schema: issuedShape },
      handle: async ({ params, caller }) => showIssued(await rotateKey(ring, params.id, caller)),
    },
  ]
}

/** Field by field: a column added later is not shown before somebody decides so. */
function showKey(row: KeyRow): Static<typeof keyShape> {
  return {
    object: 'key',
    id: row.id,
    name: row.name,
    hint: row.hint,
    organization: row.organization,
    project: row.project,
    role: row.role,
    models: row.models,
    passthrough: row.passthrough,
    expires_at: row.expiresAt?.toISOString() ?? null,
    revoked_at: row.revokedAt?.toISOString() ?? null,
    created_at: row.createdAt.toISOString(),
    created_by: row.createdBy,
  }
}

function showIssued({ row, credential }: Issued): Static<typeof issuedShape> {
  return { ...showKey(row), key: credential }
}
