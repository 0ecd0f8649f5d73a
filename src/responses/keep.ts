import { type Answer, type Asked, type Call, Fault, type StreamAnswer, type WholeAnswer } from '#exchange'
import { type Clock, DatabaseUnavailable, type Log, type Queryable } from '#platform'
import { isResponseId } from './chain.ts'
import { KeptStream } from './kept-stream.ts'
import { orFault } from './outage.ts'
import { insertResponse, type NewResponse } from './store.ts'

export interface KeepDeps {
  database: Queryable
  clock: Clock
  log: Log
  newUuid(): string
}

export interface Keeping {
  conversation: NonNullable<Asked['conversation']>
  call: Call
  /** Rows that the call goes on from, oldest first. */
  chain: readonly string[]
  retentionMs: number
}

/** A whole answer once it is stored; of a stream, one whose end waits for that. */
export async function keep(deps: KeepDeps, answer: Answer, keeping: Keeping): Promise<Answer> {
  return answer.kind === 'whole' ? await keepWhole(deps, answer, keeping) : keepStream(deps, answer, keeping)
}

async function keepWhole(deps: KeepDeps, answer: WholeAnswer, keeping: Keeping): Promise<Answer> {
  const watch = keeping.conversation.watch()
  watch.hear(answer.body)
  const response = watch.answer()
  if (response) await store(deps, response, keeping)
  else tellUnseen(deps, keeping)
  return answer
}

function keepStream(deps: KeepDeps, answer: StreamAnswer, keeping: Keeping): Answer {
  const stream = new KeptStream({
    stream: answer.stream,
    watch: keeping.conversation.watch(),
    store: response => store(deps, response, keeping),
    onUnseen: () => tellUnseen(deps, keeping),
  })
  return { ...answer, stream }
}

async function store(deps: KeepDeps, response: Record<string, unknown>, keeping: Keeping): Promise<void> {
  const row = readRow(deps, response, keeping)
  if (!row) {
    // Nobody could name it later, so nothing that was promised is broken.
    return deps.log.warn({ call: keeping.call.id }, 'a response without an id of its own cannot be kept')
  }
  await orFault(
    insertTwice(deps.database, row),
    'The answer was made, but the store of this server cannot be reached to keep it. Try again in a moment, or send `store: false` to have answers that are not kept.',
  ).catch(cause => {
    throw cause instanceof Fault ? cause : refusedByStore(cause)
  })
}

/** A connection that had died unseen takes the first try with it. */
async function insertTwice(database: Queryable, row: NewResponse): Promise<void> {
  try {
    await insertResponse(database, row)
  } catch (cause) {
    if (!(cause instanceof DatabaseUnavailable)) throw cause
    await insertResponse(database, row)
  }
}

function readRow(
  { clock, newUuid }: KeepDeps,
  response: Record<string, unknown>,
  { conversation, call, chain, retentionMs }: Keeping,
): NewResponse | undefined {
  if (!isResponseId(response.id)) return undefined
  const createdAtMs = clock.now()
  return {
    id: call.id.slice('call_'.length),
    organization: call.caller.organization,
    project: call.caller.project,
    responseId: response.id,
    keyId: call.caller.keyId,
    createdAtMs,
    expiresAtMs: createdAtMs + retentionMs,
    chain,
    // Digits of its own: those of the call are in the ids of the answer's items.
    inputItems: conversation.inputItems(newUuid()),
    response: { ...response, output: Array.isArray(response.output) ? response.output : [] },
  }
}

function refusedByStore(cause: unknown): Fault {
  return new Fault('internal', 'The answer was made, but this server could not keep it.', {
    internal: cause instanceof Error ? cause.message : String(cause),
    cause,
  })
}

function tellUnseen({ log }: KeepDeps, { call }: Keeping): void {
  log.error({ call: call.id }, 'an answer that was to be kept was not understood, and is not kept')
}
