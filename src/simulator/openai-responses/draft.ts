import type { Answer, Choice, ToolCall } from '../answer.ts'
import type { Order } from '../dialect.ts'
import { logprobs } from '../openai/logprobs.ts'
import type { ResponseAsk } from './ask.ts'
import { itemId } from './ids.ts'
import { seal } from './sealed.ts'
import type { Item } from './store.ts'

/** One item of the output, before it is told whole or piece by piece. */
export type Draft = ReasoningDraft | MessageDraft | CallDraft

export interface ReasoningDraft {
  kind: 'reasoning'
  id: string
  /** The parts of its summary, each in tokens. */
  parts: readonly (readonly string[])[]
  /** `encrypted_content`, in its final form and in the one that a stream begins with. */
  sealed: { early: string; final: string } | undefined
}

export interface MessageDraft {
  kind: 'message'
  id: string
  status: ItemStatus
  tokens: readonly string[]
  refused: boolean
  /** Alternatives for each token; `undefined`: no log probabilities. */
  alternatives: number | undefined
}

export interface CallDraft {
  kind: 'call'
  id: string
  status: ItemStatus
  call: ToolCall
}

type ItemStatus = 'completed' | 'incomplete'

/** The items of an answer: the reasoning if there was any, then a message or calls. What is cut off, ends incomplete. */
export function draftOutput(answer: Answer, ask: ResponseAsk, { id, seed }: Order): Draft[] {
  const choice = answer.choices[0]
  if (!choice) return []
  const drafts: Draft[] = []
  if (answer.reasoningTokens > 0) {
    const reasoningId = itemId('rs', id, 'out', 0)
    const sealed = ask.wantsSealed
      ? { early: seal(seed, reasoningId, 0), final: seal(seed, reasoningId, answer.reasoningTokens) }
      : undefined
    drafts.push({ kind: 'reasoning', id: reasoningId, parts: summaryParts(choice, ask), sealed })
  }
  const broken = choice.finish === 'length' || choice.finish === 'filtered'
  const status = (last: boolean): ItemStatus => (broken && last ? 'incomplete' : 'completed')
  for (const [index, call] of choice.calls.entries()) {
    const last = index === choice.calls.length - 1
    const callId = itemId('fc', id, 'out', drafts.length)
    drafts.push({ kind: 'call', id: callId, status: status(last), call })
  }
  if (choice.text.length > 0) {
    drafts.push({
      kind: 'message',
      id: itemId('msg', id, 'out', drafts.length),
      status: status(true),
      tokens: choice.text,
      refused: choice.refused,
      alternatives: ask.chat.logprobs,
    })
  }
  return drafts
}

/** A detailed summary comes in two parts. */
function summaryParts({ thoughts }: Choice, { summary }: ResponseAsk): (readonly string[])[] {
  if (thoughts.length === 0) return []
  if (summary !== 'detailed' || thoughts.length < 2) return [thoughts]
  const middle = Math.ceil(thoughts.length / 2)
  return [thoughts.slice(0, middle), thoughts.slice(middle)]
}

/** The item as it is when it is done. */
export function renderItem(draft: Draft): Item {
  switch (draft.kind) {
    case 'reasoning':
      return renderReasoning(draft.id, draft.parts.map(renderSummary), draft.sealed?.final)
    case 'message':
      return {
        id: draft.id,
        type: 'message',
        status: draft.status,
        role: 'assistant',
        content: [renderPart(draft, draft.tokens)],
      }
    case 'call':
      return renderCall(draft, draft.status, draft.call.arguments.join(''))
  }
}

/** The item as it is when it begins. */
export function renderBeginning(draft: Draft): Item {
  switch (draft.kind) {
    case 'reasoning':
      return renderReasoning(draft.id, [], draft.sealed?.early)
    case 'message':
      return { id: draft.id, type: 'message', status: 'in_progress', role: 'assistant', content: [] }
    case 'call':
      return renderCall(draft, 'in_progress', '')
  }
}

export function renderSummary(tokens: readonly string[]) {
  return { type: 'summary_text', text: tokens.join('') }
}

/** The one content part of a message, as far as it has come. */
export function renderPart(draft: MessageDraft, tokens: readonly string[]) {
  const text = tokens.join('')
  if (draft.refused) return { type: 'refusal', refusal: text }
  return { type: 'output_text', text, annotations: [], logprobs: chancesOf(draft, tokens) }
}

export function chancesOf({ alternatives }: MessageDraft, tokens: readonly string[]) {
  return alternatives === undefined ? [] : logprobs(tokens, alternatives)
}

function renderReasoning(id: string, summary: readonly object[], sealed: string | undefined): Item {
  return { id, type: 'reasoning', summary, ...(sealed === undefined ? {} : { encrypted_content: sealed }) }
}

function renderCall({ id, call }: CallDraft, status: string, args: string): Item {
  return { id, type: 'function_call', status, arguments: args, call_id: call.id, name: call.name }
}
