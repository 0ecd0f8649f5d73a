import { parseArgs } from 'node:util'
import type { Clock } from '#platform'

export interface KeysCommandTools {
  /** Asks our own API and returns the JSON of a 2xx answer; rejects with what the user should read otherwise. */
  client<Answer>(method: 'GET' | 'POST' | 'DELETE', path: string, body?: object): Promise<Answer>
  /** One line to the user. */
  write(line: string): void
  clock: Clock
}

const usage = `Usage:
  sluice keys create --name NAME [--organization NAME] [--project NAME] [--models A,B] [--expires 30d] [--passthrough] [--admin]
  sluice keys list [--organization NAME] [--project NAME] [--revoked]
  sluice keys revoke ID

  --models       names or patterns ending in *, such as smart,openai/*; without it, all models
  --expires      a duration (90m, 12h, 30d, 4w) or a time (2030-01-31T00:00:00Z); without it, never
  --passthrough  may also use addresses of a provider that Sluice does not serve itself (files, images, …)
  --admin        a key that may also administer
  --json         print the answer as JSON`

/** The command line cannot be understood; the message says why. */
class UsageError extends Error {}

/** `sluice keys …`. Returns the exit code: 0, or 2 when the command line is wrong. Rejects as the client does. */
export async function runKeysCommand(argv: readonly string[], tools: KeysCommandTools): Promise<number> {
  const [verb, ...args] = argv
  try {
    if (verb === 'create') await create(args, tools)
    else if (verb === 'list') await list(args, tools)
    else if (verb === 'revoke') await revoke(args, tools)
    else if (verb === undefined || verb === '--help' || verb === 'help') tools.write(usage)
    else throw new UsageError(`There is no \`sluice keys ${verb}\`.`)
    return 0
  } catch (cause) {
    if (!isUsageError(cause)) throw cause
    tools.write(`${cause.message}\n\n${usage}`)
    return 2
  }
}

async function create(args: string[], { client, write, clock }: KeysCommandTools): Promise<void> {
  const text = { type: 'string' } as const
  const flag = { type: 'boolean' } as const
  const options = {
    name: text,
    organization: text,
    project: text,
    models: text,
    expires: text,
    passthrough: flag,
    admin: flag,
    json: flag,
  }
  const { values } = parseArgs({ args, options })
  if (!values.name) throw new UsageError('`sluice keys create` needs a --name.')
  const models = values.models
    ?.split(',')
    .map(model => model.trim())
    .filter(model => model !== '')
  const key = await client<KeyAnswer & { key: string }>('POST', '/sluice/v1/keys', {
    name: values.name,
    ...(values.organization && { organization: values.organization }),
    ...(values.project && { project: values.project }),
    ...(values.admin && { role: 'admin' }),
    ...(values.passthrough && { passthrough: true }),
    ...(models && { models }),
    ...(values.expires && { expires_at: expiry(values.expires, clock) }),
  })
  if (values.json) return write(JSON.stringify(key))
  write(
    `Key ${key.name} (${key.id}) of ${key.organization}/${key.project}. It is shown only now:\n\n  ${key.key}\n`,
  )
}

async function list(args: string[], { client, write }: KeysCommandTools): Promise<void> {
  const text = { type: 'string' } as const
  const flag = { type: 'boolean' } as const
  const { values } = parseArgs({
    args,
    options: { organization: text, project: text, revoked: flag, json: flag },
  })
  const query = new URLSearchParams({
    ...(values.organization && { organization: values.organization }),
    ...(values.project && { project: values.project }),
    ...(values.revoked && { revoked: 'true' }),
  })
  let count = 0
  for (let more = true; more; ) {
    const page = await client<{ data: KeyAnswer[]; next?: string }>('GET', `/sluice/v1/keys?${query}`)
    for (const key of page.data) write(values.json ? JSON.stringify(key) : line(key))
    count += page.data.length
    more = page.next !== undefined
    if (page.next !== undefined) query.set('after', page.next)
  }
  if (count === 0 && !values.json)
    write('There are no keys yet: make one with `sluice keys create --name NAME`.')
}

async function revoke(args: string[], { client, write }: KeysCommandTools): Promise<void> {
  const { values, positionals } = parseArgs({
    args,
    options: { json: { type: 'boolean' } },
    allowPositionals: true,
  })
  const [id, ...others] = positionals
  if (!id || others.length > 0) throw new UsageError('`sluice keys revoke` needs the id of one key.')
  const key = await client<KeyAnswer>('DELETE', `/sluice/v1/keys/${encodeURIComponent(id)}`)
  write(values.json ? JSON.stringify(key) : `Key ${key.name} (${key.id}) is revoked.`)
}

/** What we read of the API's answers; `routes.keys.ts` describes them whole. */
interface KeyAnswer {
  id: string
  name: string
  hint: string
  organization: string
  project: string
  role: string
  models: string[] | null
  expires_at: string | null
  revoked_at: string | null
}

function line(key: KeyAnswer): string {
  const state = key.revoked_at ? `revoked ${key.revoked_at}` : `expires ${key.expires_at ?? 'never'}`
  const may = key.role === 'admin' ? 'admin' : (key.models?.join(',') ?? 'all models')
  return [key.id, key.hint, `${key.organization}/${key.project}`, key.name, may, state].join('  ')
}

const unitMs: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 }

function expiry(text: string, clock: Clock): string {
  const [, count, unit] = /^(\d{1,4})([mhdw])$/.exec(text) ?? []
  const atMs = unit ? clock.now() + Number(count) * (unitMs[unit] ?? 0) : Date.parse(text)
  if (Number.isNaN(atMs))
    throw new UsageError(`--expires ${text} is neither a duration such as 30d nor a time.`)
  return new Date(atMs).toISOString()
}

function isUsageError(cause: unknown): cause is Error {
  if (cause instanceof UsageError) return true
  return cause instanceof TypeError && 'code' in cause && String(cause.code).startsWith('ERR_PARSE_ARGS_')
}
