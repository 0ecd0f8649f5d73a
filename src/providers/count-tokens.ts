import { type Asked, accept, type ChatRequest, type Part, type WholeAnswer } from '#exchange'
import { dialects } from '#wire'

/** What one image costs where nobody says: a tile or two of OpenAI's, or a small picture at Anthropic. */
export const tokensPerImage = 800
/** Roles and separators around each message, in OpenAI's counting guide. */
const tokensPerMessage = 4

/**
 * The count for a provider that has no counter of its own: by OpenAI's newest tokenizer (o200k), which other models'
 * differ from by some percent. The tokenizer is loaded when it is first needed: its tables take some 50 MB.
 */
export async function countLocally(asked: Asked): Promise<WholeAnswer> {
  const dialect = dialects[asked.dialect]
  const request = accept(
    asked.toChat?.() ?? { ok: false, code: 'internal', message: 'There is nothing to count.' },
  )
  const { countTokens } = await import('gpt-tokenizer/encoding/o200k_base')
  const counted = textsOf(request).reduce(
    (sum, text) => sum + countTokens(text, { allowedSpecial: 'all' }),
    0,
  )
  const images = request.messages
    .flatMap(({ parts }) => parts as readonly Part[])
    .filter(({ type }) => type === 'image')
  const tokens = counted + images.length * tokensPerImage + request.messages.length * tokensPerMessage
  const answer = dialect.operation === 'count-tokens' ? dialect.renderAnswer(tokens) : undefined
  return { kind: 'whole', status: 200, headers: {}, body: Buffer.from(JSON.stringify(answer)) }
}

/** All that is said in a request, what frames it left out. */
export function textsOf(request: ChatRequest): string[] {
  const tools = request.tools.map(tool => JSON.stringify(tool))
  const format = request.format?.type === 'json-schema' ? [JSON.stringify(request.format.schema)] : []
  return [
    ...request.messages.flatMap(({ parts }) => (parts as readonly Part[]).flatMap(textOf)),
    ...tools,
    ...format,
  ]
}

function textOf(part: Part): string[] {
  if (part.type === 'tool-call') return [part.name, part.arguments]
  if (part.type === 'tool-result') return part.parts.flatMap(textOf)
  if (part.type === 'file') return part.source.kind === 'text' ? [part.source.text] : []
  return 'text' in part ? [part.text] : []
}
