import { type Answer, type Asked, allow, type Call, type Caller, type Decision, type Route } from '#exchange'
import type { Clock, Database, Log } from '#platform'
import { keep } from './keep.ts'
import { resume } from './resume.ts'
import { responseRoutes } from './routes.ts'
import { startSweep } from './sweep.ts'

export interface ResponsesOptions {
  database: Database
  clock: Clock
  log: Log
  newUuid(): string
  /** The database does not tidy up by itself: the embedded one. */
  vacuums: boolean
}

/** Stored responses, and the conversations that are made of them. */
export interface Responses {
  /**
   * What is asked, with all that a kept conversation has said before it; at once, and itself, when it goes on from
   * nothing. Refuses with `previous_response_not_found`; fails with `store_unavailable`.
   */
  resume(asked: Asked, caller: Caller): Decision<Asked> | Promise<Decision<Asked>>
  /**
   * The answer, once it is stored, where its caller wants that (`asked` as `resume` gave it); at once, and itself,
   * where not. An answer that cannot be stored fails with `store_unavailable`, in place of itself or of its end.
   */
  keep(answer: Answer, of: { asked: Asked; call: Call }): Answer | Promise<Answer>
  routes: readonly Route[]
  /** How long responses are kept that are made from now on. */
  retain(retentionMs: number): void
  start(): void
  stop(): Promise<void>
}

export function createResponses(options: ResponsesOptions): Responses {
  /** The rows that a request under way goes on from: it is its own only name. */
  const chains = new WeakMap<Asked, readonly string[]>()
  let retentionMs = 0
  let stopSweep: () => Promise<void> = async () => undefined

  const resumeFrom = async (
    conversation: NonNullable<Asked['conversation']>,
    previous: string,
    caller: Caller,
  ): Promise<Decision<Asked>> => {
    const resumed = await resume(options, { conversation, previous }, caller)
    if (!resumed.ok) return resumed
    const { asked, chain } = resumed.value
    chains.set(asked, chain)
    return allow(asked)
  }

  return {
    resume(asked, caller) {
      const { conversation } = asked
      if (conversation?.previous === undefined) return allow(asked)
      return resumeFrom(conversation, conversation.previous, caller)
    },
    keep(answer, { asked, call }) {
      const { conversation } = asked
      if (!conversation?.store) return answer
      return keep(options, answer, { conversation, call, chain: chains.get(asked) ?? [], retentionMs })
    },
    routes: responseRoutes(options),
    retain(ms) {
      retentionMs = ms
    },
    start() {
      stopSweep = startSweep(options)
    },
    stop: () => stopSweep(),
  }
}
