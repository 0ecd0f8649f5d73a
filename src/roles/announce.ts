import { relative } from 'node:path'
import type { AdminKey } from '#keys'

/** What the person who typed the command is told: where it is, how to get in, and a request to paste. */
export function announce(facts: {
  url: string
  adminKey: AdminKey
  providers: readonly string[]
  configFile: string | undefined
}): void {
  const { url, adminKey, providers, configFile } = facts
  const key = adminKey.state === 'made' ? adminKey.credential : keyHint(adminKey)
  const lines = [
    '',
    `Sluice is ready at ${url}`,
    '',
    `  Providers   ${providers.length > 0 ? providers.join(', ') : 'none: name some in the configuration'}${configFile ? ` (from ${configFile})` : ' (found in the environment; see docs/configuration.md)'}`,
    `  Admin key   ${adminKeyLine(adminKey)}`,
    '',
    '  Try it:',
    '',
    `    curl ${url}/v1/chat/completions \\`,
    `      -H "Authorization: Bearer ${key}" \\`,
    "      -H 'Content-Type: application/json' \\",
    `      -d '{"model": "${providers.includes('sim') ? 'sim/sim-1' : 'MODEL'}", "messages": [{"role": "user", "content": "Hello!"}]}'`,
    '',
    `  and see it on record: GET ${url}/sluice/v1/calls`,
    '',
  ]
  process.stdout.write(`${lines.join('\n')}\n`)
}

function adminKeyLine(adminKey: AdminKey): string {
  switch (adminKey.state) {
    case 'configured':
      return 'as in the configuration'
    case 'made':
      return `${adminKey.credential}\n              (shown this once; kept in ${shortPath(adminKey.path)})`
    case 'kept':
      return `in ${shortPath(adminKey.path)}`
    case 'elsewhere':
      return 'made by another process on this database, or replaced since'
  }
}

function keyHint(adminKey: AdminKey): string {
  return adminKey.state === 'kept' ? `$(cat ${shortPath(adminKey.path)})` : '$SLUICE_KEY'
}

function shortPath(path: string): string {
  const short = relative(process.cwd(), path)
  return short.startsWith('..') ? path : short
}
