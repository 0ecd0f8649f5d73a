import { readFileSync, writeFileSync } from 'node:fs'
import { faults } from '#exchange'
import { editorSchema, listSettings, type Setting } from '../src/platform/config/publish.ts'
import { configSchema } from '../src/roles/config.ts'

const introduction = `One YAML file says where calls may go, who may make them, and what they cost.

# Configuration

\`\`\`yaml
# yaml-language-server: $schema=./docs/sluice.schema.json
providers:
  openai: { api_key: \${OPENAI_API_KEY} }
  house: { base_url: http://10.0.0.5:8000/v1 }
models:
  smart:
    targets: [openai/gpt-5]
    timeouts: { first_token: 10s, total: 120s }
  fast:
    balance: [{ use: openai/gpt-5-mini, weight: 3 }, { use: house/llama-3.3 }]
prices:
  house/llama-3.3: { input: 0.10, output: 0.10 }
keys:
  - { name: web, key: \${SLUICE_WEB_KEY}, organization: acme, project: shop }
\`\`\`

\`npm start -- --config sluice.yaml\` starts with it, \`sluice check-config sluice.yaml\` only reads it. All mistakes are shown at once, each with its line, and none of them with the value of a secret. A change of the file, or SIGHUP, has it read again; calls under way end as they began, and a broken file changes nothing.

- \`\${NAME}\` stands for a variable of the environment, \`\${NAME:-text}\` for it or a text when it is not set or empty. Both may be part of a longer text, not of a name. A setting that is \`\${NAME:-}\` is left out when the variable is not set. \`$$\` is a dollar. An editor that complains of \`{ key: \${NAME} }\` is content with quotes around the reference.
- A **duration** has its unit: \`200ms\`, \`2s\`, \`5m\`, \`1h\`, \`30d\`. A **size** too: \`512kb\`, \`32mb\`, in steps of 1,024. **US dollars** are exact decimals: \`0.25\`.
- A map or a list with nothing after its colon is an empty one, so \`sim:\` is \`sim: {}\`.
- Anchors and aliases are read; merge keys (\`<<\`) and tags are not.
`

/** Reference pages that follow from the code. With `--check`, says which are not up to date and exits with 1. */
const pages: Readonly<Record<string, string>> = {
  'docs/configuration.md': configurationPage(),
  'docs/sluice.schema.json': `${JSON.stringify(editorSchema(configSchema, 'Sluice'), null, 2)}\n`,
  'docs/errors.md': errorsPage(),
}

const root = new URL('..', import.meta.url)
if (process.argv.includes('--check')) check()
else for (const [file, text] of Object.entries(pages)) writeFileSync(new URL(file, root), text)

function check(): void {
  const stale = Object.entries(pages).flatMap(([file, text]) => (readPage(file) === text ? [] : [file]))
  if (stale.length === 0) return
  process.stderr.write(
    `Not up to date with the code: ${stale.join(', ')}. Run \`npm run docs\` and commit.\n`,
  )
  process.exitCode = 1
}

function readPage(file: string): string | undefined {
  try {
    return readFileSync(new URL(file, root), 'utf8')
  } catch {
    return undefined // never written yet, which is stale too
  }
}

function configurationPage(): string {
  const { settings, later } = listSettings(configSchema)
  const isSection = ({ name, form }: Setting): boolean => !/[.[]/.test(name) && /^(map|list)/.test(form)
  const sections = settings.filter(isSection)
  const isIn = (section: Setting, { name }: Setting): boolean =>
    /^[.[]/.test(name.slice(section.name.length)) && name.startsWith(section.name)
  const single = settings.filter(
    setting => !sections.some(section => section === setting || isIn(section, setting)),
  )
  return [
    introduction,
    settingsTable('Top level', '', single),
    ...sections.map(section =>
      settingsTable(
        `\`${section.name}\``,
        section.description,
        settings.filter(setting => isIn(section, setting)),
      ),
    ),
    `## Not in this version\n\n${later.map(name => `\`${name}\``).join(', ')} are refused, since a limit that is written down and not kept is worse than none.\n`,
  ].join('\n')
}

function settingsTable(title: string, description: string, settings: readonly Setting[]): string {
  const rows = settings.map(({ name, description, form, isRequired, ...setting }) => [
    `\`${name}\``,
    description,
    form,
    setting.default === undefined ? (isRequired ? 'required' : '') : `\`${setting.default}\``,
  ])
  const text = description === '' ? '' : `${description}\n\n`
  return `## ${title}\n\n${text}${table(['Setting', 'What it is', 'Written as', 'Default'], rows)}`
}

function errorsPage(): string {
  const rows = Object.entries(faults).map(([code, { status, type, retry, about }]) => [
    `\`${code}\``,
    String(status),
    `\`${type}\``,
    retry ? 'yes' : 'no',
    about,
  ])
  return `Every error that a caller meets has one of these codes.

# Errors

An error comes in the shape of the API that was called. In OpenAI's it is \`{"error": {"message", "type", "param", "code"}}\`: the message is for people, the code is for programs and does not change. \`x-should-retry\` tells an SDK whether to try the same request again by itself, and \`retry-after\` when.

${table(['Code', 'Status', 'Type', 'Try again', 'What it means'], rows)}`
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map(cell => cell.replaceAll('|', '\\|')).join(' | ')} |\n`
  return line(head) + line(head.map(() => '---')) + rows.map(line).join('')
}
