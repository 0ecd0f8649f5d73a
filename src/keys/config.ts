import { Type } from 'typebox'
import type { Check } from '#platform'

const slug = {
  pattern: '^[a-z0-9][a-z0-9._-]{0,62}$',
  patternHint: 'Use small letters, digits, dots, dashes and underscores.',
}

/** What a header can carry: a line break, as at the end of a file, would make a key that nobody can send. */
const sendable = {
  pattern: '^[\\x21-\\x7e]*$',
  patternHint: 'A key has no spaces and no line breaks, and printable ASCII characters only.',
}

export const keysConfig = Type.Array(
  Type.Object(
    {
      name: Type.String({ minLength: 1, maxLength: 100, description: 'To know it by; unique.' }),
      key: Type.String({
        minLength: 8,
        ...sendable,
        description:
          'The key itself, any text of at least 8 characters. Write `${NAME}` to take it from the environment.',
      }),
      organization: Type.String({ ...slug, default: 'default', description: 'Who pays.' }),
      project: Type.String({ ...slug, default: 'default', description: 'What for.' }),
      models: Type.Optional(
        Type.Array(Type.String({ minLength: 1 }), {
          minItems: 1,
          description: 'Models it may use, by name or by a beginning and `*`; all when absent.',
        }),
      ),
      passthrough: Type.Boolean({
        default: false,
        description:
          'Whether it may use addresses of a provider that Sluice does not serve itself (images, audio, files, batches …). It then sees all that the provider’s account keeps.',
      }),
      expires_at: Type.Optional(
        Type.String({
          pattern: '^\\d{4}-\\d{2}-\\d{2}(T\\d{2}:\\d{2}(:\\d{2}(\\.\\d+)?)?(Z|[+-]\\d{2}:\\d{2}))?$',
          patternHint: 'Write a day such as 2030-01-31, or a time and its zone such as 2030-01-31T18:00:00Z.',
          description: 'When it ends; a day alone means its first moment, in UTC.',
        }),
      ),
    },
    { additionalProperties: false },
  ),
  {
    default: [],
    description: 'Keys that the configuration gives out, beside those made by `sluice keys create`.',
  },
)

export const adminKeyConfig = Type.String({
  minLength: 16,
  ...sendable,
  description: 'The admin key. Without it, one is made at the first start and kept in the data folder.',
})

interface Checked {
  keys: readonly { name: string; key: string; expires_at?: string }[]
  admin_key?: string
}

/** Two keys must differ, in name and in value; values are never shown. */
export const checkKeys: Check<Checked> = ({ keys, admin_key }, report) => {
  const names = new Map<string, number>()
  const values = new Map<string, string>(admin_key === undefined ? [] : [[admin_key, 'the admin key']])
  for (const [index, { name, key, expires_at }] of keys.entries()) {
    if (names.has(name)) report(['keys', index, 'name'], `There is a key named \`${name}\` already.`)
    names.set(name, index)
    const twin = values.get(key)
    if (twin) report(['keys', index, 'key'], `It has the same value as ${twin}.`)
    values.set(key, `key \`${name}\``)
    if (expires_at !== undefined && Number.isNaN(Date.parse(expires_at)))
      report(['keys', index, 'expires_at'], 'There is no such time.')
  }
}
