import { type Asked, allow, type Caller, type Decision, type Refusal, refuse } from '#exchange'
import type { Clock, Queryable } from '#platform'
import { historyOf, isResponseId } from './chain.ts'
import { orFault } from './outage.ts'
import { findChain, type Link } from './store.ts'

/** Past these, no model could take it, and a single turn would move all of it through this process. */
const longest = { items: 10_000, bytes: 32 * 1024 * 1024 }

export interface Resumed {
  asked: Asked
  /** Rows that it goes on from, oldest first. */
  chain: readonly string[]
}

/** What is asked, with all that was said before `previous` and by it. */
export async function resume(
  { database, clock }: { database: Queryable; clock: Clock },
  { conversation, previous }: { conversation: NonNullable<Asked['conversation']>; previous: string },
  caller: Caller,
): Promise<Decision<Resumed>> {
  if (!isResponseId(previous)) return unknown(previous)
  const chain = await orFault(
    findChain(database, caller, { responseId: previous, nowMs: clock.now(), most: longest }),
    'The store of this server cannot be reached, so the conversation could not be continued; nothing was sent to a provider. Try again in a moment.',
  )
  const [oldest] = chain
  if (!oldest) return unknown(previous)
  return (
    findProblem(oldest, previous) ??
    allow({ asked: conversation.after(historyOf(chain)), chain: chain.map(({ id }) => id) })
  )
}

function findProblem(oldest: Link, previous: string): Refusal | undefined {
  if (oldest.inputItems === null) {
    return refuse(
      'invalid_request',
      `The conversation up to '${previous}' is longer than the ${longest.items} items or ${longest.bytes / 1024 ** 2} MB that can be continued. Begin a new one, with a summary of it as input.`,
      { param: 'previous_response_id' },
    )
  }
  if (oldest.previous === null) return undefined
  return notFound(
    `A response that '${previous}' goes on from has been deleted, so the conversation cannot be continued from it.`,
  )
}

function unknown(previous: string): Refusal {
  return notFound(`Previous response with id '${previous.slice(0, 100).toWellFormed()}' not found.`)
}

function notFound(sentence: string): Refusal {
  return refuse('previous_response_not_found', sentence, { param: 'previous_response_id' })
}
