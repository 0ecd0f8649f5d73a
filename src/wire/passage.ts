import {
  type Asked,
  allow,
  type ChatRequest,
  type Decision,
  type Dialect,
  type FilePart,
  type ImagePart,
  type IncomingRequest,
  type MediaSource,
  type Part,
  type ProviderError,
  refuse,
} from '#exchange'
import type {
  AnswerContext,
  AnswerFacts,
  ChatDialect,
  ChatProvider,
  CountDialect,
  DialectModule,
  EmbeddingsDialect,
  Quirk,
  StreamTap,
} from './dialect.ts'
import { dialects, providerDialects } from './dialects.ts'
import { mapParts } from './features.ts'
import { parseObject } from './json-body.ts'
import { openPassthrough } from './passthrough/index.ts'
import { fitRequest, refuses, type Unsupported } from './policy.ts'
import { finishError, TranslatingTap } from './translating-tap.ts'

/** How one request goes to one provider and its answer comes back: as it is, or in another dialect. */
export interface Passage {
  /** What the provider is spoken to in. */
  dialect: Dialect
  /** The caller's request, where it goes through as it is. */
  relayed: IncomingRequest | undefined
  /** Of the provider's streams. */
  streamType: string
  /** That the dialect asks for. */
  headers: Readonly<Record<string, string>>
  /** Under the provider's base URL, with its query, where the vendor has no way of its own. */
  path: string
  /** The path has a root of its own for uploads, before the base URL's version. */
  upload?: boolean
  body: Buffer
  /** The caller's names of what the provider is not told. */
  dropped: readonly string[]
  /** A whole answer in the caller's dialect; undefined when the body is no answer of the provider's. */
  readWhole(body: Buffer): WholeReading | undefined
  /** Whether an answer of this content type is passed on as it comes; absent: as was asked for. */
  isStream?(status: number, contentType: string): boolean
  /** Absent where the dialect has no streams. */
  createTap: ((contentType?: string) => StreamTap) | undefined
  readError(body: unknown): ProviderError | undefined
}

/** An answer in the caller's dialect; or that the provider failed, told in the place of a finish reason. */
export type WholeReading = { facts: AnswerFacts; body: Buffer } | { error: ProviderError }

const eventStream = 'text/event-stream'

export interface PassageOptions {
  /** Dialects that the provider speaks, the one it speaks best first. */
  speaks: readonly Dialect[]
  quirks: ReadonlySet<Quirk>
  /** `provider/model`, for a refusal. */
  target: string
  /** The model's name at the provider. */
  model: string
  unsupported: Unsupported | undefined
  context: Omit<AnswerContext, 'request' | 'showUsage' | 'estimatedInputTokens' | 'model'>
  /** Fetches an image or a file that a caller named by its address. */
  fetchMedia(url: string, kind: 'image' | 'file'): Promise<Decision<MediaSource>>
}

/** Undefined where the provider speaks no dialect of this operation. */
export async function openPassage(
  asked: Asked,
  options: PassageOptions,
): Promise<Decision<Passage> | undefined> {
  const own = dialects[asked.dialect]
  const { passthrough } = asked
  if (passthrough) return allow(openPassthrough({ ...asked, passthrough }, own, options.model))
  if (options.speaks.includes(asked.dialect)) return allow(relayPassage(asked, own, options))
  const name = options.speaks.find(name => providerDialects[name].operation === asked.operation)
  if (name === undefined) return undefined
  const theirs = providerDialects[name]
  const context: AnswerContext = {
    ...options.context,
    model: options.model,
    estimatedInputTokens: asked.estimatedInputTokens,
    showUsage: asked.wantsUsage,
    request: asked.incoming,
  }
  if (own.operation === 'chat' && theirs.operation === 'chat')
    return await chatPassage({ asked, own, theirs, name, context, options })
  if (own.operation === 'embeddings' && theirs.operation === 'embeddings')
    return embeddingsPassage({ asked, own, theirs, name, context, options })
  if (own.operation === 'count-tokens' && theirs.operation === 'count-tokens')
    return countPassage({ asked, own, theirs, name, context, options })
  return undefined
}

/** The same dialect on both sides: the bytes go through. */
function relayPassage(asked: Asked, dialect: DialectModule, { model, quirks }: PassageOptions): Passage {
  return {
    dialect: asked.dialect,
    relayed: asked.incoming,
    streamType: eventStream,
    headers: dialect.headers ?? {},
    path: dialect.path({ model, stream: asked.stream, relayed: asked.incoming }),
    body: asked.renderFor(model, quirks),
    dropped: [],
    readWhole(body) {
      const facts = dialect.readFacts(body)
      return facts && { facts, body }
    },
    createTap:
      dialect.operation === 'chat'
        ? () => dialect.createStreamTap({ showUsage: asked.wantsUsage, request: asked.incoming })
        : undefined,
    readError: dialect.readError,
  }
}

interface Translation<Own, Theirs> {
  asked: Asked
  own: Own
  theirs: Theirs
  name: Dialect
  context: AnswerContext
  options: PassageOptions
}

async function chatPassage({
  asked,
  own,
  theirs,
  name,
  context,
  options,
}: Translation<ChatDialect, ChatProvider>): Promise<Decision<Passage>> {
  const said = asked.toChat?.() ?? refuse('internal', 'This request cannot be said in another dialect.')
  if (!said.ok) return said
  const fitted = fitRequest(said.value, { ...options, fields: own.fields, takes: theirs.takes })
  if (!fitted.ok) return fitted
  const { dropped, fetch } = fitted.value
  const fetched =
    fetch.length > 0 ? await fetchParts(fitted.value.request, fetch, options) : allow(fitted.value.request)
  if (!fetched.ok) return fetched
  const target = { model: options.model, stream: asked.stream, quirks: options.quirks }
  return allow({
    dialect: name,
    relayed: undefined,
    streamType: theirs.providerStreamType ?? eventStream,
    headers: theirs.headers ?? {},
    path: theirs.path(target),
    body: Buffer.from(JSON.stringify(theirs.renderRequest(fetched.value, target))),
    dropped,
    readWhole(body) {
      const json = parseObject(body.toString())
      const answer = json && theirs.readAnswer(json, { hex: context.hex })
      if (!answer) return undefined
      const failed = answer.choices.find(({ finish }) => finish.reason === 'error')
      if (failed) return { error: finishError(failed.finish) }
      return {
        facts: { usage: answer.usage, model: answer.model },
        body: Buffer.from(JSON.stringify(own.renderAnswer(answer, context))),
      }
    },
    createTap: () => new TranslatingTap(theirs.createReader({ hex: context.hex }), own.createWriter(context)),
    readError: theirs.readError,
  })
}

function embeddingsPassage({
  asked,
  own,
  theirs,
  name,
  context,
  options,
}: Translation<EmbeddingsDialect, EmbeddingsDialect>): Decision<Passage> {
  const said = asked.toEmbeddings?.() ?? refuse('internal', 'This request cannot be said in another dialect.')
  if (!said.ok) return said
  const lacking = (theirs.lacks ?? []).filter(field => said.value[field] !== undefined)
  const unsaid = [...said.value.extras, ...lacking.map(field => ({ field, weight: 'hint' as const }))]
  const refused = unsaid.find(({ weight }) => refuses(weight, options.unsupported))
  if (refused) {
    return refuse(
      'unsupported_parameter',
      `\`${refused.field}\` cannot be taken by \`${options.target}\`. Leave it out, or name another model.`,
      { param: refused.field },
    )
  }
  const target = { model: options.model, stream: false, quirks: options.quirks }
  const rendered = theirs.renderRequest(said.value, target)
  if (!rendered.ok) return rendered
  return allow({
    dialect: name,
    relayed: undefined,
    streamType: eventStream,
    headers: theirs.headers ?? {},
    path: theirs.path(target),
    body: Buffer.from(JSON.stringify(rendered.value)),
    dropped: unsaid.map(({ field }) => field),
    readWhole(body) {
      const json = parseObject(body.toString())
      const answer = json && theirs.readAnswer(json)
      if (!answer) return undefined
      return {
        facts: { usage: answer.usage, model: answer.model },
        body: Buffer.from(JSON.stringify(own.renderAnswer(answer, context))),
      }
    },
    createTap: undefined,
    readError: theirs.readError,
  })
}

function countPassage({
  asked,
  own,
  theirs,
  name,
  options,
}: Translation<CountDialect, CountDialect>): Decision<Passage> {
  const said = asked.toChat?.() ?? refuse('internal', 'This request cannot be said in another dialect.')
  if (!said.ok) return said
  const target = { model: options.model, stream: false, quirks: options.quirks }
  return allow({
    dialect: name,
    relayed: undefined,
    streamType: eventStream,
    headers: theirs.headers ?? {},
    path: theirs.path(target),
    body: Buffer.from(JSON.stringify(theirs.renderRequest(said.value, target))),
    dropped: [],
    readWhole(body) {
      const json = parseObject(body.toString())
      const tokens = json && theirs.readAnswer(json)
      if (tokens === undefined) return undefined
      return {
        facts: { usage: undefined, model: undefined },
        body: Buffer.from(JSON.stringify(own.renderAnswer(tokens))),
      }
    },
    createTap: undefined,
    readError: theirs.readError,
  })
}

type PartByUrl = (ImagePart | FilePart) & { source: { kind: 'url'; url: string } }

function isByUrl(part: Part): part is PartByUrl {
  return (part.type === 'image' || part.type === 'file') && part.source.kind === 'url'
}

/** Every image or file by URL, as data. One that cannot be had refuses the request. */
async function fetchParts(
  request: ChatRequest,
  wanted: readonly string[],
  { fetchMedia }: PassageOptions,
): Promise<Decision<ChatRequest>> {
  const urls = new Map<string, 'image' | 'file'>()
  mapParts(request, part => {
    if (isByUrl(part) && wanted.includes(`${part.type}_url`)) urls.set(part.source.url, part.type)
    return part
  })
  const sources = new Map<string, MediaSource>()
  for (const [url, kind] of urls) {
    const source = await fetchMedia(url, kind)
    if (!source.ok) return source
    sources.set(url, source.value)
  }
  return allow(
    mapParts(request, part => {
      const source = isByUrl(part) ? sources.get(part.source.url) : undefined
      return source && (part.type === 'image' || part.type === 'file') ? { ...part, source } : part
    }),
  )
}
