import { type Asked, allow, type Decision, type Dialect, refuse } from '#exchange'
import { mergeBills, readBill } from './bill.ts'
import type {
  AnswerContext,
  ChatDialect,
  ChatProvider,
  CountDialect,
  EmbeddingsDialect,
  RenderTarget,
} from './dialect.ts'
import { parseObject } from './json-body.ts'
import { fetchParts } from './media.ts'
import { eventStream, type Passage, type PassageOptions, type WholeReading } from './passage.ts'
import { fitRequest, refuses } from './policy.ts'
import { recallThoughts, rememberAnswer, ThoughtListener } from './thoughts.ts'
import { finishError, TranslatingTap } from './translating-tap.ts'

export interface Translation<Own, Theirs> {
  asked: Asked
  /** The caller's. */
  own: Own
  /** The provider's, and its name. */
  theirs: Theirs
  name: Dialect
  context: AnswerContext
  options: PassageOptions
}

type AnyTranslation = Translation<unknown, ChatProvider | EmbeddingsDialect | CountDialect>

export async function translateChat(
  translation: Translation<ChatDialect, ChatProvider>,
): Promise<Decision<Passage>> {
  const { asked, own, theirs, name, context, options } = translation
  const said = asked.toChat?.() ?? unsayable()
  if (!said.ok) return said
  const memory = options.memory()
  const request = recallThoughts(said.value, memory, name)
  const { body } = asked.incoming
  const fitted = fitRequest(request, { ...options, fields: own.fields, body, takes: theirs.takes })
  if (!fitted.ok) return fitted
  const { dropped, fetch } = fitted.value
  const fetched =
    fetch.length > 0 ? await fetchParts(fitted.value.request, fetch, options) : allow(fitted.value.request)
  if (!fetched.ok) return fetched
  const target = targetOf(translation)
  return passageOf(translation, {
    body: theirs.renderRequest(fetched.value, target),
    dropped,
    read(json) {
      const answer = theirs.readAnswer(json, { hex: context.hex })
      if (!answer) return undefined
      const bill = mergeBills(readBill(undefined, answer.serviceTier), answer.bill)
      const facts = { usage: answer.usage, model: answer.model, bill }
      const failed = answer.choices.find(({ finish }) => finish.reason === 'error')
      if (failed) return { facts, answer: { error: finishError(failed.finish) } }
      if (answer.choices.length === 0) return { facts, answer: { empty: true } }
      rememberAnswer(answer, memory)
      return { facts, answer: { body: toBytes(own.renderAnswer(answer, context)) } }
    },
    createTap: () =>
      new TranslatingTap({
        reader: theirs.createReader({ hex: context.hex, quirks: options.quirks }),
        writer: own.createWriter(context),
        listener: new ThoughtListener(memory),
      }),
  })
}

export function translateEmbeddings(
  translation: Translation<EmbeddingsDialect, EmbeddingsDialect>,
): Decision<Passage> {
  const { asked, own, theirs, context, options } = translation
  const said = asked.toEmbeddings?.() ?? unsayable()
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
  const rendered = theirs.renderRequest(said.value, targetOf(translation))
  if (!rendered.ok) return rendered
  return passageOf(translation, {
    body: rendered.value,
    dropped: unsaid.map(({ field }) => field),
    read(json) {
      const answer = theirs.readAnswer(json)
      if (!answer) return undefined
      const facts = { usage: answer.usage, model: answer.model }
      return { facts, answer: { body: toBytes(own.renderAnswer(answer, context)) } }
    },
  })
}

export function translateCount(translation: Translation<CountDialect, CountDialect>): Decision<Passage> {
  const { asked, own, theirs } = translation
  const said = asked.toChat?.() ?? unsayable()
  if (!said.ok) return said
  return passageOf(translation, {
    body: theirs.renderRequest(said.value, targetOf(translation)),
    dropped: [],
    read(json) {
      const tokens = theirs.readAnswer(json)
      if (tokens === undefined) return undefined
      const facts = { usage: undefined, model: undefined }
      return { facts, answer: { body: toBytes(own.renderAnswer(tokens)) } }
    },
  })
}

function passageOf(
  translation: AnyTranslation,
  parts: {
    body: Record<string, unknown>
    dropped: readonly string[]
    read(json: Record<string, unknown>): WholeReading | undefined
    createTap?: () => TranslatingTap
  },
): Decision<Passage> {
  const { theirs, name } = translation
  return allow({
    dialect: name,
    relayed: undefined,
    streamType: (theirs.operation === 'chat' && theirs.providerStreamType) || eventStream,
    headers: theirs.headers ?? {},
    path: theirs.path(targetOf(translation)),
    body: toBytes(parts.body),
    dropped: parts.dropped,
    readWhole(body) {
      const json = parseObject(body.toString())
      return json && parts.read(json)
    },
    createTap: parts.createTap,
    readError: theirs.readError,
  })
}

function targetOf({ asked, options }: AnyTranslation): RenderTarget {
  return { model: options.model, stream: asked.stream, quirks: options.quirks }
}

function toBytes(json: unknown): Buffer {
  return Buffer.from(JSON.stringify(json))
}

function unsayable(): ReturnType<typeof refuse> {
  return refuse('internal', 'This request cannot be said in another dialect.')
}
