import type { ApiError } from '../api-error.ts'
import type { Frames } from '../delivery.ts'
import {
  type CallDraft,
  chancesOf,
  type Draft,
  type MessageDraft,
  type ReasoningDraft,
  renderBeginning,
  renderItem,
  renderPart,
  renderSummary,
} from './draft.ts'
import { EventWriter } from './event-writer.ts'

/** A response that is to be streamed. */
interface Telling {
  drafts: readonly Draft[]
  obfuscates: boolean
  /** The response object, at its beginning, when it is over, and if it fails. */
  begun(): object
  over(): { status: string; response: object }
  failed(): object
  error: ApiError
}

/**
 * A stream of Responses, in the recorded order: created, in_progress, then for each item added, its parts and deltas,
 * done, and the response once more. An item begins with its first token.
 */
export function renderFrames(telling: Telling): Frames {
  const writer = new EventWriter(telling.obfuscates)
  writer.queue('response.created', { response: telling.begun() })
  writer.queue('response.in_progress', { response: telling.begun() })
  const opening = writer.flush()
  let closing = ''
  function* thoughts(): Generator<string, void> {
    for (const [index, draft] of telling.drafts.entries()) {
      if (draft.kind === 'reasoning') yield* tellItem(writer, draft, index)
    }
  }
  function* pieces(): Generator<string, void> {
    for (const [index, draft] of telling.drafts.entries()) {
      if (draft.kind !== 'reasoning') yield* tellItem(writer, draft, index)
    }
    const { status, response } = telling.over()
    writer.queue(`response.${status}`, { response })
    closing = writer.flush()
  }
  return {
    opening,
    thoughts: thoughts(),
    pieces: pieces(),
    /** Written when the last token is: events are numbered as they go out. */
    get closing() {
      return closing
    },
    done: '',
    error() {
      writer.takeBack() // who breaks a stream off has the next frame in hand, and does not send it
      const { type, code, message, param } = telling.error
      // OpenAI's description has the fields flat, its streams have them nested: both, for either reader.
      writer.queue('error', { code, message, param, error: { type, code, message, param } })
      writer.queue('response.failed', { response: telling.failed() })
      return writer.flush()
    },
    more(token) {
      const output_index = telling.drafts.findIndex(draft => draft.kind === 'message')
      const item_id = telling.drafts[output_index]?.id
      return writer.delta('response.output_text.delta', { item_id, output_index, content_index: 0 }, token)
    },
    ping: ': keep-alive\n\n',
    unknown: 'event: sim.unknown\ndata: {"type":"sim.unknown","note":"nobody knows this event"}\n\n',
  }
}

function* tellItem(writer: EventWriter, draft: Draft, output_index: number): Generator<string, void> {
  writer.queue('response.output_item.added', { output_index, item: renderBeginning(draft) })
  const place = { item_id: draft.id, output_index }
  switch (draft.kind) {
    case 'reasoning':
      yield* tellReasoning(writer, draft, place)
      break
    case 'message':
      yield* tellMessage(writer, draft, place)
      break
    case 'call':
      yield* tellCall(writer, draft, place)
      break
  }
  writer.queue('response.output_item.done', { output_index, item: renderItem(draft) })
}

type Place = Readonly<{ item_id: string; output_index: number }>

function* tellReasoning(
  writer: EventWriter,
  { parts }: ReasoningDraft,
  place: Place,
): Generator<string, void> {
  const type = 'response.reasoning_summary'
  for (const [summary_index, tokens] of parts.entries()) {
    const here = { ...place, summary_index }
    writer.queue(`${type}_part.added`, { ...here, part: renderSummary([]) })
    for (const token of tokens) yield writer.delta(`${type}_text.delta`, here, token)
    writer.queue(`${type}_text.done`, { ...here, text: tokens.join('') })
    writer.queue(`${type}_part.done`, { ...here, part: renderSummary(tokens) })
  }
}

function* tellMessage(writer: EventWriter, draft: MessageDraft, place: Place): Generator<string, void> {
  const { tokens, refused } = draft
  const type = refused ? 'response.refusal' : 'response.output_text'
  const here = { ...place, content_index: 0 }
  writer.queue('response.content_part.added', { ...here, part: renderPart(draft, []) })
  for (const token of tokens) {
    const fields = refused ? here : { ...here, logprobs: chancesOf(draft, [token]) }
    yield writer.delta(`${type}.delta`, fields, token)
  }
  const text = tokens.join('')
  const said = refused ? { refusal: text } : { text, logprobs: chancesOf(draft, tokens) }
  writer.queue(`${type}.done`, { ...here, ...said })
  writer.queue('response.content_part.done', { ...here, part: renderPart(draft, tokens) })
}

function* tellCall(writer: EventWriter, { call }: CallDraft, place: Place): Generator<string, void> {
  const type = 'response.function_call_arguments'
  for (const token of call.arguments) yield writer.delta(`${type}.delta`, place, token)
  writer.queue(`${type}.done`, { ...place, arguments: call.arguments.join(''), name: call.name })
}
