import type { Dialect } from '#exchange'
import { describeTranslation } from '#wire'
import { table } from './docs.table.ts'

/** The names under which people know the formats. */
const dialectNames: Readonly<Partial<Record<Dialect, string>>> = {
  'openai-chat': 'OpenAI Chat Completions',
  'openai-responses': 'OpenAI Responses',
  'anthropic-messages': 'Anthropic Messages',
  gemini: 'Gemini generateContent',
  'bedrock-converse': 'Bedrock Converse',
}

/** What becomes of every field between every pair of dialects. */
export function dialectsPage(): string {
  const sections = describeTranslation().map(({ caller, providers, fields }) => {
    const head = ['Field', ...providers.map(name => dialectNames[name] ?? name)]
    const rows = fields.map(({ field, fates }) => [`\`${field}\``, ...fates])
    return `## From ${dialectNames[caller] ?? caller}\n\n${table(head, rows)}`
  })
  return `What becomes of every field of a request when caller and provider speak different dialects.

# Dialects

Any SDK can use any provider. Where both speak the same dialect, the bytes go through as they are. Where they do not, the request is said anew in the provider's dialect, and its answer in the caller's.

What a provider cannot take is never lost without a word. By default a field that changes the meaning of the request is **refused**: status 400, code \`unsupported_parameter\`, with the field and the target. A hint, which changes price or speed or repeats something, is dropped, and the header \`x-sluice-dropped\` of the answer names it. \`unsupported: error\` or \`unsupported: drop\` in the configuration, at the top or for a model, makes it one or the other for both kinds; the header \`x-sluice-unsupported\` does so for one request. Fields that are in no table are refused, since nobody can say what they mean.

An address of an image or a file goes through where the provider takes addresses. Where it takes only data, Sluice fetches it: https only, from public addresses only, within the limits of \`egress\` in the [configuration](configuration.md).

${sections.join('\n')}`
}
