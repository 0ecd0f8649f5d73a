import { type Static, Type } from 'typebox'
import { type Caller, Fault, type Route } from '#exchange'
import type { Clock, Queryable } from '#platform'
import { historyOf, isResponseId } from './chain.ts'
import { pageOf } from './page.ts'
import { deleteResponse, findChain, findResponse } from './store.ts'

/** The addresses of OpenAI's Responses beside the call itself (openai-openapi, `/responses/{response_id}`). */
export interface ResponseRoutesOptions {
  database: Queryable
  clock: Clock
}

const root = '/v1/responses/{id}'

const params = Type.Object({ id: Type.String({ description: 'The id of a response.' }) })

const include = Type.Optional(
  Type.Array(
    Type.String({
      enum: [
        'code_interpreter_call.outputs',
        'computer_call_output.output.image_url',
        'file_search_call.results',
        'message.input_image.image_url',
        'message.output_text.logprobs',
        'reasoning.encrypted_content',
        'web_search_call.action.sources',
        'web_search_call.results',
      ],
    }),
    { description: 'Accepted: all that the answer came with is given back anyway.' },
  ),
)

const responseQuery = Type.Object(
  {
    include,
    stream: Type.Optional(Type.Boolean({ description: 'Only `false`: no stream can be resumed yet.' })),
    starting_after: Type.Optional(Type.Integer({ description: 'Of a stream: without effect.' })),
    include_obfuscation: Type.Optional(Type.Boolean({ description: 'Of a stream: without effect.' })),
  },
  { additionalProperties: false },
)

const defaultLimit = 20
const maxLimit = 100

const itemsQuery = Type.Object(
  {
    limit: Type.Optional(
      Type.Integer({ minimum: 1, maximum: maxLimit, description: 'How many items at most.' }),
    ),
    order: Type.Optional(
      Type.String({ enum: ['asc', 'desc'], description: 'Oldest or newest first; `desc` when not given.' }),
    ),
    after: Type.Optional(Type.String({ description: 'Only items behind the one of this id.' })),
    before: Type.Optional(Type.String({ description: 'Only items ahead of the one of this id.' })),
    include,
  },
  { additionalProperties: false },
)

const responseShape = Type.Object({ id: Type.String(), object: Type.Literal('response') })

const deletedShape = Type.Object({
  id: Type.String(),
  object: Type.Literal('response'),
  deleted: Type.Literal(true),
})

const idOrNull = Type.Union([Type.String(), Type.Null()])

const itemsShape = Type.Object({
  object: Type.Literal('list'),
  data: Type.Array(Type.Unknown()),
  first_id: idOrNull,
  last_id: idOrNull,
  has_more: Type.Boolean({ description: 'Whether there are items behind these.' }),
})

export function responseRoutes(options: ResponseRoutesOptions): Route[] {
  return [retrieveRoute(options), deleteRoute(options), inputItemsRoute(options), cancelRoute(options)]
}

function retrieveRoute({ database, clock }: ResponseRoutesOptions): Route {
  return {
    method: 'GET',
    path: root,
    requires: 'key',
    summary: 'A stored response, as it was answered. Of the own project alone.',
    params,
    query: responseQuery,
    answer: { status: 200, schema: responseShape },
    async handle({ params: { id }, query, caller }) {
      const { stream }: Static<typeof responseQuery> = query
      if (stream) {
        throw new Fault(
          'unsupported_parameter',
          'A response that is over cannot be streamed again. Leave `stream` out to get it whole.',
          { param: 'stream' },
        )
      }
      return await find({ database, clock }, id, caller)
    },
  }
}

function deleteRoute({ database, clock }: ResponseRoutesOptions): Route {
  return {
    method: 'DELETE',
    path: root,
    requires: 'key',
    summary: 'Deletes a stored response. What goes on from it can be read, and no longer be continued.',
    params,
    answer: { status: 200, schema: deletedShape },
    async handle({ params: { id }, caller }): Promise<Static<typeof deletedShape>> {
      const found =
        isResponseId(id) && deleteResponse(database, caller, { responseId: id, nowMs: clock.now() })
      if (!found || !(await found)) throw notFound(id)
      return { id, object: 'response', deleted: true }
    },
  }
}

function inputItemsRoute({ database, clock }: ResponseRoutesOptions): Route {
  return {
    method: 'GET',
    path: `${root}/input_items`,
    requires: 'key',
    summary: 'All that the model was shown for a stored response: what it goes on from, and its own input.',
    params,
    query: itemsQuery,
    answer: { status: 200, schema: itemsShape },
    async handle({ params: { id }, query, caller }): Promise<Static<typeof itemsShape>> {
      const { limit = defaultLimit, order, after, before }: Static<typeof itemsQuery> = query
      if (!isResponseId(id)) throw notFound(id)
      // It was within bounds when it was made, its own turn aside, which the bounds of a request hold.
      const most = { items: Number.MAX_SAFE_INTEGER, bytes: Number.MAX_SAFE_INTEGER }
      const chain = await findChain(database, caller, { responseId: id, nowMs: clock.now(), most })
      const last = chain.at(-1)
      if (!last) throw notFound(id)
      const items = [...historyOf(chain.slice(0, -1)), ...(last.inputItems ?? [])]
      return pageOf(order === 'asc' ? items : items.reverse(), { limit, after, before })
    },
  }
}

function cancelRoute({ database, clock }: ResponseRoutesOptions): Route {
  return {
    method: 'POST',
    path: `${root}/cancel`,
    requires: 'key',
    summary: 'Refused: only a response that is made in the background can be cancelled.',
    params,
    answer: { status: 200, schema: responseShape },
    async handle({ params: { id }, caller }) {
      await find({ database, clock }, id, caller)
      throw new Fault(
        'invalid_request',
        'Only a response that was created with `background: true` can be cancelled. To stop another one, close its connection.',
        { param: 'id' },
      )
    },
  }
}

async function find(
  { database, clock }: ResponseRoutesOptions,
  id: string,
  caller: Caller,
): Promise<Record<string, unknown>> {
  const response =
    isResponseId(id) && (await findResponse(database, caller, { responseId: id, nowMs: clock.now() }))
  if (!response) throw notFound(id)
  return response
}

/** The same for what never was, is over, or is another's. */
function notFound(id: string): Fault {
  return new Fault('not_found', `Response with id '${id.slice(0, 100).toWellFormed()}' not found.`, {
    param: 'id',
  })
}
