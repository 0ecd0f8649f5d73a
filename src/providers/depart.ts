import { accept, Fault, type Trip, type WholeAnswer } from '#exchange'
import { openPassage, type Passage } from '#wire'
import type { AttemptDeps, Leg } from './attempt.ts'
import { countLocally } from './count-tokens.ts'
import type { HeaderRecord } from './credential.ts'
import { fetchMedia } from './fetch-media.ts'
import { passedHeaders, passedPath } from './passthrough.ts'
import type { Provider } from './provider.ts'

/** A request that is complete, before anything of it is on record or sent. */
export interface Departure {
  kind: 'request'
  passage: Passage
  method: string
  path: string
  headers: Record<string, string>
  body: Buffer
}

/**
 * Makes a request ready for a provider: in a dialect that it speaks, with what it must be sent as data fetched, and
 * signed. An answer instead where nobody has to be asked. Fails with a `Fault` that concerns the caller's request, or
 * our credential.
 */
export async function depart(
  deps: AttemptDeps,
  { provider, target }: Leg,
  trip: Trip,
): Promise<Departure | WholeAnswer> {
  const { call, asked, plan } = trip
  const { method = 'POST', query = '' } = asked.passthrough ?? {}
  const { model } = target
  const opened = openPassage(asked, {
    speaks: provider.speaks(model),
    quirks: provider.quirks,
    target: `${target.provider}/${model}`,
    model,
    unsupported: call.unsupported ?? plan.unsupported,
    context: { hex: call.id.slice('call_'.length), createdAtMs: call.startedAtMs },
    fetchMedia: (url, kind) => fetchMedia(deps, url, kind),
    memory: () => deps.thoughts.of(`${call.caller.organization}/${call.caller.project}`),
  })
  const decision = opened instanceof Promise ? await opened : opened
  if (!decision) {
    if (asked.operation === 'count-tokens') return await countLocally(asked)
    throw new Fault(
      'unsupported_operation',
      `Provider \`${provider.name}\` has no ${asked.operation}. Name a model of another provider.`,
      { param: 'model' },
    )
  }
  const passage = accept(decision)
  const ask = { dialect: passage.dialect, model, stream: asked.stream, own: passage.path }
  const path = asked.passthrough ? passedPath(provider, ask, passage, query) : provider.path(ask)
  const body = asked.passthrough ? passage.body : provider.body(passage.body, ask)
  const headers = asked.passthrough
    ? passedHeaders(provider, passage, call)
    : headersFor(provider, passage, trip)
  const authorized = provider.credential.authorize({
    method,
    origin: provider.origin,
    path,
    headers,
    body,
  })
  const added: HeaderRecord = authorized instanceof Promise ? await authorized : authorized
  return { kind: 'request', passage, method, path, headers: { ...headers, ...added }, body }
}

function headersFor(provider: Provider, passage: Passage, { call, asked }: Trip): Record<string, string> {
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    accept: asked.stream ? passage.streamType : 'application/json',
    'accept-encoding': 'identity',
    'user-agent': 'sluice',
    ...passage.headers,
    ...provider.headers,
  }
  for (const name of provider.forwards) {
    const value = call.headers[name]
    // What a caller says in its own dialect means nothing in another; a script of the simulator does.
    if (typeof value === 'string' && (passage.relayed || name.startsWith('x-sim-'))) headers[name] = value
  }
  return headers
}
