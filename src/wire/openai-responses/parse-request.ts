import {
  type Asked,
  allow,
  type ChatRequest,
  type Decision,
  type IncomingRequest,
  type Operation,
  type Refusal,
  refuse,
} from '#exchange'
import { type BoundParts, type Bounds, chatBounds, inputBounds } from '../bounds.ts'
import { changeFields, fieldBytes } from '../change-fields.ts'
import { isObject, parseObject, readJsonBody, wrongType } from '../json-body.ts'
import { exchangeFields, findFields, type ObjectFields } from '../json-fields.ts'
import { withTagsAsText } from '../labels.ts'
import { MediaTally } from '../media-tally.ts'
import { readAttribution } from '../openai/attribution.ts'
import { reading } from '../reading.ts'
import { boundlessField, outputOf, tallyMedia } from './bounds.ts'
import { hasForeignThoughts, inputItems, itemsForProvider, withoutForeignThoughts } from './history.ts'
import { ResponseWatch } from './tap.ts'
import { readResponsesRequest } from './to-chat.ts'

type Json = Readonly<Record<string, unknown>>

/** Which of the two APIs that take such a request: the one that answers, the one that counts. */
interface Kind {
  operation: Operation
  dialect: Asked['dialect']
}

/** As much of a request as the relay relies on; the provider judges the rest. */
export function parseResponsesRequest(incoming: IncomingRequest): Decision<Asked> {
  return parse(incoming, { operation: 'chat', dialect: 'openai-responses' })
}

export function parseCountRequest(incoming: IncomingRequest): Decision<Asked> {
  return parse(incoming, { operation: 'count-tokens', dialect: 'openai-input-tokens' })
}

function parse(incoming: IncomingRequest, kind: Kind): Decision<Asked> {
  const read = readJsonBody(incoming.body)
  if (!read.ok) return read
  const { json, fields } = read.value
  const plain = withTagsAsText(incoming.body, json, fields)
  if (plain) return parse({ ...incoming, body: plain }, kind)
  const said: Said = { incoming, kind, body: incoming.body, fields, history: undefined }
  return findProblem(json) ?? allow(askedOf(valuesOf(json), said))
}

function findProblem(json: Json): Refusal | undefined {
  if (typeof json.model !== 'string' || json.model === '')
    return wrongType('model', 'the name of a model', json.model)
  if (json.background === true) {
    return refuse(
      'unsupported_parameter',
      '`background: true` is not served yet. Leave `background` out: the answer then comes on this connection.',
      { param: 'background' },
    )
  }
  for (const field of ['stream', 'store', 'background']) {
    const value = json[field]
    if (value !== undefined && value !== null && typeof value !== 'boolean')
      return wrongType(field, 'true or false', value)
  }
  const previous = json.previous_response_id
  if (previous !== undefined && previous !== null) {
    if (typeof previous !== 'string' || previous === '')
      return wrongType('previous_response_id', 'the id of a response', previous)
    if (json.conversation !== undefined && json.conversation !== null) {
      return refuse(
        'invalid_request',
        '`previous_response_id` and `conversation` both say what to go on from. Send one of them.',
        { param: 'previous_response_id' },
      )
    }
  }
  return findInputProblem(json)
}

function findInputProblem(json: Json): Refusal | undefined {
  const { input } = json
  const elsewhere = [json.previous_response_id, json.prompt, json.conversation].some(isObjectOrText)
  if (input === undefined || input === null || (Array.isArray(input) && input.length === 0)) {
    return elsewhere
      ? undefined
      : refuse('invalid_request', '`input` is missing: a text, or an array with at least one item.', {
          param: 'input',
        })
  }
  if (typeof input === 'string') return undefined
  if (!Array.isArray(input)) return wrongType('input', 'a string or an array of items', input)
  const index = input.findIndex(item => !isObject(item))
  return index === -1 ? undefined : wrongType(`input[${index}]`, 'an object', input[index])
}

function isObjectOrText(value: unknown): boolean {
  return isObject(value) || typeof value === 'string'
}

interface Said {
  /** As it came, for the answer that repeats it. */
  incoming: IncomingRequest
  kind: Kind
  /** What is asked now: the caller's bytes, without what it goes on from once that is known. */
  body: Buffer
  fields: ObjectFields
  /** Earlier items of the conversation. */
  history: readonly unknown[] | undefined
}

/** The few values that are acted on, so that the JSON itself need not be kept. */
function valuesOf(json: Json) {
  const { previous_response_id: previous } = json
  return {
    model: String(json.model),
    stream: json.stream === true,
    store: json.store !== false,
    previous: typeof previous === 'string' ? previous : undefined,
    attribution: readAttribution(json),
    output: outputOf(json),
    tally: tallyMedia(json.input),
    hasTools: json.tools !== undefined,
    boundless: boundlessField(json),
  }
}

function askedOf(values: ReturnType<typeof valuesOf>, said: Said): Asked {
  const { incoming, kind, body, history } = said
  const { model, store, previous, attribution } = values
  const answers = kind.operation === 'chat'
  const stream = answers && values.stream
  const bytes = body.length + (history ? Buffer.byteLength(JSON.stringify(history)) : 0)
  const toChat = (): Decision<ChatRequest> => (answers ? readWhole(said) : readForCount(said))
  return {
    ...kind,
    model,
    stream,
    wantsUsage: true,
    ...attribution,
    estimatedInputTokens: Math.ceil(bytes / 4),
    incoming,
    renderFor: name => renderRelayed(said, name),
    toChat,
    ...(answers ? boundsOf(values, said, { bytes, toChat }) : inputBounds(0)),
    conversation: {
      previous,
      store: answers && store,
      inputItems: hex => inputItems(parseObject(body.toString())?.input, hex),
      after: earlier => askedOf({ ...values, previous: undefined }, continued(said, earlier)),
      watch: () => new ResponseWatch(stream),
    },
  }
}

function boundsOf(
  values: ReturnType<typeof valuesOf>,
  said: Said,
  { bytes, toChat }: Pick<BoundParts, 'bytes' | 'toChat'>,
): Bounds {
  const { output, hasTools, boundless, previous } = values
  return chatBounds({
    bytes,
    tally: said.history ? tallyMedia(said.history, new MediaTally(values.tally)) : values.tally,
    hasTools,
    boundless: boundless ?? (previous === undefined ? undefined : 'previous_response_id'),
    output,
    toChat,
    capped: tokens =>
      allow(askedOf({ ...values, output: { ...output, cap: tokens } }, withCap(said, tokens))),
  })
}

/** The same with another cap; the answer repeats that one. */
function withCap(said: Said, tokens: number): Said {
  const set = { max_output_tokens: String(tokens) }
  const body = changeFields(said.body, { set })
  const incoming = { ...said.incoming, body: changeFields(said.incoming.body, { set }) }
  return { ...said, incoming, body, fields: findFields(body) ?? said.fields }
}

function continued(said: Said, earlier: readonly unknown[]): Said {
  const body = changeFields(said.body, { drop: ['previous_response_id'] })
  const history = [...earlier, ...(said.history ?? [])]
  return { ...said, body, fields: findFields(body) ?? said.fields, history }
}

function readWhole({ body, history }: Said): Decision<ChatRequest> {
  return reading(() => readResponsesRequest(body, history))
}

/** A part of the input that stands elsewhere cannot be left out of a count. */
function readForCount(said: Said): Decision<ChatRequest> {
  const read = readWhole(said)
  const elsewhere =
    read.ok &&
    read.value.extras.find(({ field }) => /^(previous_response_id|conversation|prompt)$/.test(field))
  if (!elsewhere) return read
  return refuse(
    'unsupported_parameter',
    `\`${elsewhere.field}\` names input that is kept elsewhere, which cannot be counted here. Send the input itself.`,
    { param: elsewhere.field },
  )
}

/** The caller's bytes; its input is another only with a history, or with thoughts that no provider of this dialect made. */
function renderRelayed({ body, fields, history }: Said, model: string): Buffer {
  const set: Record<string, string> = { model: JSON.stringify(model) }
  const foreign = hasForeignThoughts(body)
  if (history || foreign) {
    const own = foreign ? cleanedItems(body) : ownItems(body)
    const earlier = itemsForProvider(history ?? []).map(item => JSON.stringify(item))
    set.input = `[${[...earlier, ...(own === '' ? [] : [own])].join(',')}]`
  }
  return exchangeFields(body, fields, set)
}

/** The items of a request's own, without the brackets, as they were written. */
function ownItems(body: Buffer): string {
  const input = fieldBytes(body, 'input')?.toString() ?? 'null'
  if (input.startsWith('"')) return `{"type":"message","role":"user","content":${input}}`
  return input.startsWith('[') ? input.slice(1, -1).trim() : ''
}

function cleanedItems(body: Buffer): string {
  const input = parseObject(body.toString())?.input
  if (!Array.isArray(input)) return ownItems(body)
  return withoutForeignThoughts(input)
    .map(item => JSON.stringify(item))
    .join(',')
}
