import { describeVendors } from '#providers'
import { quirks } from '#wire'
import { table } from './docs.table.ts'

/** Every vendor known by name, and every quirk. */
export function vendorsPage(): string {
  const rows = describeVendors().map(({ name, address, speaks, settings, quirks }) => [
    `\`${name}\``,
    address === '' ? '' : `\`${address}\``,
    speaks.join(', '),
    settings
      .map(({ setting, variables }) => `\`${setting}\`${variables.map(name => ` \`${name}\``).join(' or')}`)
      .join('; '),
    quirks.map(quirk => `\`${quirk}\``).join(', '),
  ])
  const ways = Object.entries(quirks).map(([name, about]) => [`\`${name}\``, about])
  return `Every vendor that Sluice knows by name, and how it is switched on.

# Vendors

A provider of one of these names needs no more than its settings, mostly an API key. Without a configuration file, each whose settings stand in the environment variables of the table becomes a provider by itself. A provider of any other name is a server of your own: it needs a \`base_url\`, and a \`dialect\` if it does not speak OpenAI's. \`vendor:\` gives a provider of another name the ways of a vendor, so that there can be two of one.

\`\`\`yaml
providers:
  anthropic: { api_key: \${ANTHROPIC_API_KEY} }
  vertex:    { project: my-project, location: europe-west1 }       # credentials of the machine
  bedrock:   { region: eu-central-1, access_key_id: \${AWS_ACCESS_KEY_ID}, secret_access_key: \${AWS_SECRET_ACCESS_KEY} }
  eu-openai: { vendor: openai, base_url: https://eu.api.openai.com/v1, api_key: \${OPENAI_EU_KEY} }
  house:     { base_url: http://10.0.0.5:8000/v1 }
\`\`\`

A vendor is a record in \`src/providers/vendors/\`: another one is a line in \`compatible.ts\`, or a file beside it.

${table(['Vendor', 'Address', 'Speaks, best first', 'Settings, and their variables', 'Quirks'], rows)}
## Quirks

Ways in which a vendor differs from its dialect. A server of your own can be given them too (\`quirks:\`).

${table(['Quirk', 'What it is'], ways)}`
}
