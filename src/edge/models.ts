import { Type } from 'typebox'
import { Fault, type Route, type RouteInput } from '#exchange'
import type { Gateway } from '#gateway'
import { spokenDialect } from './spoken-dialect.ts'

interface ModelsOptions {
  current(): Gateway
  /** When this process learned of its models. */
  startedAtMs: number
}

type Describe = (name: string, startedAtMs: number) => unknown

const gemini = 'gemini'
const anthropic = 'anthropic-messages'

/** As OpenAI has it (openai-openapi, `Model`). */
const describeOpenAi: Describe = (id, startedAtMs) => ({
  id,
  object: 'model',
  created: Math.floor(startedAtMs / 1000),
  owned_by: id.includes('/') ? id.slice(0, id.indexOf('/')) : 'sluice',
})

/** As Anthropic has it (`ModelInfo` of its API reference); what is not known of a model is null. */
const describeAnthropic: Describe = (id, startedAtMs) => ({
  type: 'model',
  id,
  display_name: id,
  created_at: new Date(startedAtMs).toISOString(),
  max_input_tokens: null,
  max_tokens: null,
  capabilities: null,
})

/** As Gemini has it (ai.google.dev/api/models). */
const describeGemini: Describe = name => ({
  name: `models/${name}`,
  baseModelId: name,
  version: '1',
  displayName: name,
  supportedGenerationMethods: ['generateContent', 'countTokens', 'embedContent', 'batchEmbedContents'],
})

const describers: Readonly<Record<string, Describe>> = {
  [anthropic]: describeAnthropic,
  [gemini]: describeGemini,
}

const page = { default: 1000, minimum: 1, maximum: 1000 }

const geminiQuery = {
  pageSize: Type.Optional(Type.Integer({ ...page, description: 'Gemini: how many of them.' })),
  pageToken: Type.Optional(Type.String({ description: 'Gemini: from the page before.' })),
  key: Type.Optional(Type.String({ description: 'The credential, as Gemini’s REST API takes it.' })),
}

/** The names this caller can use, in the way of the SDK that asks. */
export function modelRoutes(options: ModelsOptions): Route[] {
  const named = (input: RouteInput, describe: Describe): unknown =>
    describe(findModel(input, options.current()), options.startedAtMs)
  const listGemini = (input: RouteInput): unknown => {
    const names = allowedNames(input, options.current())
    const from = Number(input.query.pageToken ?? 0) || 0
    const to = from + (input.query.pageSize ?? page.default)
    const models = names.slice(from, to).map(name => describeGemini(name, options.startedAtMs))
    return { models, ...(to < names.length && { nextPageToken: String(to) }) }
  }
  return [
    {
      method: 'GET',
      path: '/v1/models',
      requires: 'key',
      summary:
        'The models that this key can use, in the shape of the SDK that asks: OpenAI, Anthropic or Gemini.',
      query: Type.Object({
        limit: Type.Optional(Type.Integer({ ...page, description: 'Anthropic: how many of them.' })),
        after_id: Type.Optional(Type.String({ description: 'Anthropic: those behind this one.' })),
        before_id: Type.Optional(Type.String({ description: 'Anthropic: those before this one.' })),
        ...geminiQuery,
      }),
      answer: { status: 200, schema: Type.Object({ data: Type.Array(Type.Unknown()) }) },
      async handle(input) {
        if (speaks(input) === gemini) return listGemini(input)
        const names = allowedNames(input, options.current())
        if (speaks(input) !== anthropic)
          return { object: 'list', data: names.map(name => describeOpenAi(name, options.startedAtMs)) }
        const { limit = page.default, after_id, before_id } = input.query
        return pageOfAnthropic(names, { limit, after: after_id, before: before_id }, options.startedAtMs)
      },
    },
    {
      method: 'GET',
      path: '/v1/models/{model}',
      requires: 'key',
      summary: 'One model; its name may contain a slash.',
      params: Type.Object({ model: Type.String() }),
      answer: { status: 200, schema: Type.Unknown() },
      handle: async input => named(input, describers[speaks(input)] ?? describeOpenAi),
    },
    {
      method: 'GET',
      path: '/v1beta/models',
      requires: 'key',
      summary: 'The models that this key can use, in the shape of Gemini.',
      query: Type.Object(geminiQuery),
      answer: { status: 200, schema: Type.Object({ models: Type.Array(Type.Unknown()) }) },
      handle: async input => listGemini(input),
    },
    {
      method: 'GET',
      path: '/v1beta/models/{model}',
      requires: 'key',
      summary: 'One model, in the shape of Gemini.',
      params: Type.Object({ model: Type.String() }),
      answer: { status: 200, schema: Type.Unknown() },
      handle: async input => named(input, describeGemini),
    },
  ]
}

function speaks({ headers }: RouteInput): string {
  return spokenDialect('/v1/models', headers)
}

function allowedNames({ caller }: RouteInput, { keys, routing }: Gateway): string[] {
  return routing.names().filter(name => keys.admit(caller, name).ok)
}

function findModel({ caller, params }: RouteInput, { keys, routing }: Gateway): string {
  const plan = routing.plan({ model: params.model, class: 'interactive' })
  if (!plan.ok) throw new Fault(plan.code, plan.message, plan.detail)
  const admitted = keys.admit(caller, params.model)
  if (!admitted.ok) throw new Fault(admitted.code, admitted.message, admitted.detail)
  return params.model
}

/** Anthropic's cursors are ids: what follows one, or what stands before it. */
function pageOfAnthropic(
  names: readonly string[],
  { limit, after, before }: { limit: number; after?: string; before?: string },
  startedAtMs: number,
): unknown {
  const from = after === undefined ? 0 : names.indexOf(after) + 1
  const end = before === undefined ? names.length : Math.max(names.indexOf(before), 0)
  const start = before === undefined ? from : Math.max(end - limit, 0)
  const shown = names.slice(start, Math.min(start + limit, end))
  return {
    data: shown.map(name => describeAnthropic(name, startedAtMs)),
    has_more: before === undefined ? start + limit < names.length : start > 0,
    first_id: shown[0] ?? null,
    last_id: shown.at(-1) ?? null,
  }
}
