import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { runKeysCommand } from '#keys'
import { systemClock } from '#platform'
import { StartError } from './start-error.ts'

/** `sluice keys …` talks to a running Sluice: the embedded database belongs to one process. */
export async function runKeys(
  args: string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<number> {
  const { rest, url = env.SLUICE_URL ?? 'http://127.0.0.1:4000', data = './.sluice' } = takeOptions(args)
  const adminKey = env.SLUICE_ADMIN_KEY ?? readAdminKey(data)
  return await runKeysCommand(rest, {
    clock: systemClock,
    write: text => void process.stdout.write(text),
    client: async <Answer>(method: string, path: string, body?: unknown): Promise<Answer> => {
      const response = await fetch(new URL(path, url), {
        method,
        headers: {
          authorization: `Bearer ${adminKey}`,
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      }).catch(() => {
        throw new StartError(
          `No Sluice answers at ${url}. Start it with \`npm start\`, or name another with --url.`,
        )
      })
      const answer = (await response.json()) as Answer & { error?: { message: string } }
      if (!response.ok)
        throw new StartError(answer.error?.message ?? `Sluice answered with status ${response.status}.`)
      return answer
    },
  })
}

/** Takes `--url` and `--data` out, wherever they stand; the rest is the command's own. */
function takeOptions(args: string[]): { rest: string[]; url?: string; data?: string } {
  const taken: { rest: string[]; url?: string; data?: string } = { rest: [] }
  for (let at = 0; at < args.length; at += 1) {
    const word = args[at] ?? ''
    const [, name, inline] = /^--(url|data)(?:=(.*))?$/.exec(word) ?? []
    if (name === 'url' || name === 'data') taken[name] = inline ?? args[++at] ?? ''
    else taken.rest.push(word)
  }
  return taken
}

function readAdminKey(dataDir: string): string {
  const path = join(dataDir, 'admin-key')
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    throw new StartError(
      `No admin key: set SLUICE_ADMIN_KEY, or name the data folder that holds it with --data (looked for ${path}).`,
    )
  }
}
