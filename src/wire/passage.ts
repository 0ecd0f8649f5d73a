import {
  type Asked,
  allow,
  type Decision,
  type Dialect,
  type IncomingRequest,
  type MediaSource,
  type ProviderError,
  type Unsupported,
} from '#exchange'
import type { AnswerContext, AnswerFacts, DialectModule, Quirk, StreamTap } from './dialect.ts'
import { dialects, providerDialects } from './dialects.ts'
import { openPassthrough } from './passthrough/index.ts'
import type { ThoughtMemory } from './thoughts.ts'
import { translateChat, translateCount, translateEmbeddings } from './translation.ts'

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

/** An answer in the caller's dialect; or that the provider failed, told inside of one; or an empty one, which is none. */
export interface WholeReading {
  facts: AnswerFacts
  answer: { body: Buffer } | { error: ProviderError } | { empty: true }
}

export const eventStream = 'text/event-stream'

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
  /** The caller's tenant's. */
  memory(): ThoughtMemory
}

/**
 * Undefined where the provider speaks no dialect of this operation. At once where bytes go through, which most do;
 * a translation may have to wait for what it fetches.
 */
export function openPassage(
  asked: Asked,
  options: PassageOptions,
): Decision<Passage> | undefined | Promise<Decision<Passage>> {
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
    return translateChat({ asked, own, theirs, name, context, options })
  if (own.operation === 'embeddings' && theirs.operation === 'embeddings')
    return translateEmbeddings({ asked, own, theirs, name, context, options })
  if (own.operation === 'count-tokens' && theirs.operation === 'count-tokens')
    return translateCount({ asked, own, theirs, name, context, options })
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
      if (!facts) return undefined
      if (facts.failed) return { facts, answer: { error: facts.failed } }
      if (facts.isEmpty) return { facts, answer: { empty: true } }
      return { facts, answer: { body: dialect.passOn?.(body, asked.incoming) ?? body } }
    },
    createTap:
      dialect.operation === 'chat'
        ? () => dialect.createStreamTap({ showUsage: asked.wantsUsage, quirks, request: asked.incoming })
        : undefined,
    readError: dialect.readError,
  }
}
