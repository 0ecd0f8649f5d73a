import type { Message, ToolCallPart } from '#exchange'
import { type LinkedCall, linkCalls } from './link-calls.ts'
import { renderBlock, renderResult, renderSaid } from './render-blocks.ts'

type Json = Readonly<Record<string, unknown>>

export interface Turn {
  role: 'user' | 'assistant' | 'system'
  content: Json[]
}

interface OpenTurn extends Turn {
  calls: LinkedCall[]
}

export interface Conversation {
  system: Json[]
  turns: Turn[]
}

/**
 * A conversation as Anthropic takes it: leading system texts apart, neighbours of one role in one turn, and right
 * after each turn with tool calls one user's turn that begins with the results of them all.
 */
export function renderTurns(messages: readonly Message[], inlineSystem: boolean): Conversation {
  const links = linkCalls(messages)
  const begun = messages.findIndex(({ role }) => role === 'user' || role === 'assistant')
  const leading = begun === -1 ? messages : messages.slice(0, begun)
  const said = begun === -1 ? [] : messages.slice(begun).map(message => openTurn(message, links))
  const answered = joinTurns(answerCalls(joinTurns(said)).filter(({ content }) => content.length > 0))
  const turns = joinTurns(
    answered.map((turn, at) => (isPlaced(answered, at, inlineSystem) ? turn : { ...turn, role: 'user' })),
  )
  const system = leading.flatMap(({ parts }) => parts.flatMap(part => renderBlock(part, () => '')))
  // A conversation without a turn is refused: what would be its system text is then asked by the user.
  if (turns.length === 0) return { system: [], turns: [{ role: 'user', content: system }] }
  return { system, turns: turns.map(({ role, content }) => ({ role, content })) }
}

function openTurn({ role, parts }: Message, links: Map<ToolCallPart, LinkedCall>): OpenTurn {
  const turn: OpenTurn = { role: role === 'developer' ? 'system' : role, content: [], calls: [] }
  for (const part of parts) {
    const link = part.type === 'tool-call' ? links.get(part) : undefined
    if (link) turn.calls.push(link)
    const render = role === 'assistant' ? renderSaid : renderBlock
    turn.content.push(...render(part, () => link?.id ?? ''))
  }
  return turn
}

/** Neighbours of one role as one turn. */
function joinTurns(turns: readonly OpenTurn[]): OpenTurn[] {
  const joined: OpenTurn[] = []
  for (const turn of turns) {
    const last = joined.at(-1)
    if (last?.role === turn.role) {
      last.content.push(...turn.content)
      last.calls.push(...turn.calls)
    } else joined.push({ ...turn, content: [...turn.content], calls: [...turn.calls] })
  }
  return joined
}

/** Results go first in the user's turn that follows; where none does, one is made. Each call is answered once. */
function answerCalls(turns: readonly OpenTurn[]): OpenTurn[] {
  const answered: OpenTurn[] = []
  let due: Json[] = []
  for (const turn of turns) {
    if (due.length > 0 && turn.role !== 'user') answered.push({ role: 'user', content: due, calls: [] })
    answered.push(
      turn.role === 'user' && due.length > 0
        ? { ...turn, content: [...due, ...turn.content] }
        : { ...turn, calls: [] },
    )
    due = turn.calls.map(answer)
  }
  if (due.length > 0) answered.push({ role: 'user', content: due, calls: [] })
  return answered
}

/** A call that was never answered is refused together with the whole request, so it is told that nothing came. */
function answer({ id, result }: LinkedCall): Json {
  if (result) return renderResult(result, id)
  return {
    type: 'tool_result',
    tool_use_id: id,
    content: 'No result was given for this call.',
    is_error: true,
  }
}

/** A system text stands where it is after the user and before the assistant or the end; nowhere else is it taken. */
function isPlaced(turns: readonly Turn[], at: number, inlineSystem: boolean): boolean {
  if (turns[at]?.role !== 'system') return true
  const next = turns[at + 1]
  return inlineSystem && turns[at - 1]?.role === 'user' && (next === undefined || next.role === 'assistant')
}
