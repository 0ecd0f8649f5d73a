import { readFileSync, writeFileSync } from 'node:fs'
import { createMetrics } from '#events'
import { type FaultCode, faults } from '#exchange'
import { renderProblems } from '#platform'
import { editorSchema, listSettings, type Setting } from '../src/platform/config/publish.ts'
import { configSchema, readConfig } from '../src/roles/config.ts'
import { dialectsPage } from './docs.dialects.ts'
import { table } from './docs.table.ts'
import { vendorsPage } from './docs.vendors.ts'

const example = `# yaml-language-server: $schema=./docs/sluice.schema.json
listen: 127.0.0.1:4000            # 0.0.0.0:4000 to be reached from the network
data: ./.sluice                   # the embedded database, the admin key
# database: \${DATABASE_URL}       # or a Postgres server, postgres://…

providers:                        # exactly these; sim is the built-in simulator
  openai: { api_key: \${OPENAI_API_KEY} }               # a known vendor needs no more
  house:                          # anything else that speaks OpenAI's dialect
    base_url: http://10.0.0.5:8000/v1
    timeouts: { connect: 1s, first_token: 20s, idle: 20s, total: 5m }
  sim: {}

models:                           # names that callers use
  smart:
    targets: [openai/gpt-5]       # provider/model
    timeouts: { first_token: 10s, total: 120s }
  fast:
    balance: [{ use: openai/gpt-5-mini, weight: 3 }, { use: house/llama-3.3, weight: 1 }]
  house-*: { targets: [house/*] } # house-llama-3.3 goes to house/llama-3.3

prices:                           # beside the published ones, US dollars per million tokens
  house/*: { input: 0.10, output: 0.10 }

keys:                             # beside those made by \`sluice keys create\`
  - { name: web, key: \${SLUICE_WEB_KEY}, organization: acme, project: shop }
  - { name: trial, key: \${SLUICE_TRIAL_KEY}, organization: acme, models: [fast], expires_at: 2030-01-31 }

budgets:                          # beside those made by /sluice/v1/budgets
  - { per: organization, limit: $500, every: month }
  - { per: feature, match: { feature: chat }, limit: $50, every: day, soft: { at: 80%, then: { use: fast } } }
rate_limits:
  - { per: user, requests: 20, every: minute }
  - { per: organization, concurrent: 50 }

requests: { max_body: 32mb, drain: 30s }
calls: { content: errors, content_retention: 7d, retention: 400d }
`

const introduction = `One YAML file says where calls may go, who may make them, and what they cost.

# Configuration

\`\`\`yaml
${example}\`\`\`

Start with it by \`npm start -- --config sluice.yaml\`. \`sluice check-config sluice.yaml\` only reads it, and exits with 1 when Sluice would not start. All mistakes are shown at once, each with its line, its path and what was expected; none is shown with the value of a secret. Without a file, every known vendor whose API key is in the environment becomes a provider, and so do a local Ollama and the simulator.

## The environment

- \`\${NAME}\` stands for a variable of the environment, as it is; \`\${NAME:-text}\` for it, or for a text when it is not set or empty. Both may be part of a longer text, not of a name.
- A setting that is \`\${NAME:-}\` is left out when the variable is not set. A variable that is not set and has no default is a mistake.
- \`$$\` is a dollar, so \`$\${NAME}\` is \`\${NAME}\` itself.
- An editor that complains of \`{ key: \${NAME} }\` is content with quotes around the reference.

## Quantities

- A **duration** has its unit: \`200ms\`, \`2s\`, \`5m\`, \`1h\`, \`30d\`. A **size** too: \`512kb\`, \`32mb\`, in steps of 1,024.
- **US dollars** are exact decimals: prices of at most six places, \`0.25\`; budgets of at most twelve, with or without their sign, \`$500\`.
- A map or a list with nothing after its colon is an empty one, so \`sim:\` is \`sim: {}\`. An empty file is a mistake.
- Anchors and aliases are read; merge keys (\`<<\`) and tags are not.

## Reload

The file is read again when it changes (edited, replaced, or behind a link that points elsewhere) and on SIGHUP. Calls under way end as they began; the next call meets the new configuration. A file that is broken or gone changes nothing, and the log says why. \`listen\`, \`data\`, \`database\`, \`requests.max_body\`, \`requests.header_timeout\`, \`requests.body_timeout\` and \`calls.users_per_hour\` take effect at the next start; a warning names those that have changed.
`

/** What the one who meets a fault can do about it. */
const advice: Readonly<Record<FaultCode, string>> = {
  invalid_request: 'Mend the field that `param` names.',
  invalid_json: 'Send the body as JSON, whole.',
  json_too_deep: 'Send flatter JSON.',
  unsupported_parameter:
    'Leave out the field that `param` names, use another model, or send the header `x-sluice-unsupported: drop`; [dialects](dialects.md) says who takes what.',
  unsupported_operation: 'Use a model of a provider that can.',
  previous_response_not_found:
    'Begin a new conversation, with what was said before as `input`; or use a key of the project that made the response.',
  media_not_fetched:
    'Send the content itself as base64, or an https address that anyone can read; the operator can allow hosts of his own (`egress.allow_hosts`).',
  invalid_api_key: 'Use a valid key; `sluice keys create` makes one.',
  permission_denied: 'Use a key of the right role, such as the admin key.',
  model_not_allowed: 'Use another model, or have the key allowed to use this one.',
  context_too_long: 'Send less, or use a model that takes more.',
  content_blocked: 'Change what is asked.',
  not_found: 'Look at the path; `GET /sluice/v1/openapi.json` lists our own.',
  model_not_found: 'Use a name that `GET /v1/models` lists; the message names those that are near.',
  method_not_allowed: 'Use the method that the `allow` header names.',
  conflict: 'Read it again, and decide.',
  idempotency_conflict: 'Send it again with the same key after `retry-after`.',
  idempotency_not_kept:
    'Send it with a new key to have it made again, or have `idempotency.max_answer` raised.',
  idempotency_key_reused: 'Make a new key for each request; only its retries have the same.',
  body_too_large: 'Send less, or have `requests.max_body` raised.',
  unsupported_media_type: 'Send `content-type: application/json`, not compressed.',
  request_timeout: 'Try again; the network was slow.',
  client_closed: 'Nothing: it is on record for the operator.',
  reader_stalled:
    'Read on while the answer comes; operator: have `streams.stalled_reader` raised for slow readers.',
  provider_rejected: 'Mend the request as the provider says.',
  provider_credential_rejected: 'Operator: mend the `api_key` of the provider.',
  provider_quota_exhausted: 'Operator: add credit at the provider, or use another one.',
  rate_limited: 'Come back after `retry-after`.',
  budget_exceeded:
    'Wait until the budget renews, or ask its owner for more. A call with less output (`max_tokens`) may still fit.',
  budget_held: 'Wait as long as `retry-after` says and send it again.',
  unpriced_call:
    'Tell the operator: a price for this target is missing (`prices` in the configuration), or the budget must allow calls without one (`unpriced: allow`).',
  confirmation_required: 'Send `x-sluice-confirm: true` if it is worth it.',
  provider_overloaded: 'Try again in a moment.',
  provider_failed: 'Try again.',
  provider_unreachable: 'Try again; operator: look at the network and the `base_url`.',
  provider_disconnected: 'Try again.',
  provider_malformed: 'Try again; operator: look at the `base_url`.',
  provider_answer_too_large: 'Ask for less, stream it, or have `max_answer` raised.',
  upstream_timeout: 'Try again, ask for less, or have the `timeouts` raised.',
  no_target_available: 'Try again in a moment.',
  store_unavailable: 'Try again; operator: look at the database.',
  overloaded: 'Come back after `retry-after`; operator: run more of them, or look at `sluice_shed_total`.',
  shutting_down: 'Try again at once: another server, or the next start, will answer.',
  internal: 'Try again; tell the operator the request id.',
}

/** Reference pages that follow from the code. With `--check`, says which are not up to date and exits with 1. */
const pages: Readonly<Record<string, string>> = {
  'docs/configuration.md': configurationPage(),
  'docs/sluice.schema.json': `${JSON.stringify(editorSchema(configSchema, 'Sluice'), null, 2)}\n`,
  'docs/dialects.md': dialectsPage(),
  'docs/errors.md': errorsPage(),
  'docs/vendors.md': vendorsPage(),
  'docs/metrics.md': await metricsPage(),
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

/** A page must not show what `check-config` would refuse. */
function checkExample(): void {
  const env = {
    OPENAI_API_KEY: 'sk-example',
    SLUICE_WEB_KEY: 'web-example',
    SLUICE_TRIAL_KEY: 'trial-example',
  }
  const loaded = readConfig({ text: example, file: 'the example', env })
  if (!loaded.ok) throw new Error(renderProblems(loaded.problems, example))
}

function configurationPage(): string {
  checkExample()
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
    `## Not in this version\n\n${later.map(name => `\`${name}\``).join(', ')}: the file is refused with it, since a setting that is written down and not kept is worse than none.\n`,
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
    advice[code as FaultCode],
  ])
  return `Every error that a caller meets has one of these codes.

# Errors

An error comes in the shape of the API that was called. In OpenAI's it is \`{"error": {"message", "type", "param", "code"}}\`: the message is for people, the code is for programs and does not change. \`x-should-retry\` tells an SDK whether to try the same request again by itself, which the column "Try again" shows, and \`retry-after\` tells it when.

${table(['Code', 'Status', 'Type', 'Try again', 'When', 'What to do'], rows)}`
}

async function metricsPage(): Promise<string> {
  const text = await createMetrics({
    underWay: () => 0,
    waitingForBudgets: () => 0,
    ledger: () => ({ clashes: 0, adjusted: 0 }),
    foldedNames: () => 0,
    pendingRecords: () => 0,
    stalledReaders: () => 0,
    shed: () => [],
    standings: () => [],
    lanes: () => [],
  }).render()
  const rows = [...text.matchAll(/^# HELP (sluice_\w+) (.*)\n# TYPE \1 (\w+)$/gm)].map(
    ([, name = '', help = '', type = '']) => [`\`${name}\``, type, help],
  )
  return `What \`GET /metrics\` tells Prometheus.

# Metrics

Sluice's own, beside those of the process and of Node (\`process_…\`, \`nodejs_…\`). A target is \`provider/model\`; past 200 of them, further ones are counted together as \`other\`, so that nobody can fill a database with names.

${table(['Metric', 'Type', 'What it counts'], rows)}`
}
