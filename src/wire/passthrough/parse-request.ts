import { type Asked, allow, type CallerDialect, type Decision, familyOf, refuse } from '#exchange'
import { inputBounds } from '../bounds.ts'
import { readAttribution } from '../openai/attribution.ts'
import { checkAddress, withoutCredentials } from './address.ts'
import { findModel } from './named-model.ts'

/** A request to an address that is not served here, as it came. */
export interface ForeignRequest {
  method: string
  /** With its query. */
  url: string
  contentType: string | undefined
  body: Buffer
  /** The provider that the caller named. */
  provider: string | undefined
}

/**
 * Reads of a request what decides where it goes: its model, if it names one. Named together with a provider, a model is
 * that provider's own, so that it is asked for by a name that says where it goes.
 */
export function parsePassthrough(request: ForeignRequest, dialect: CallerDialect): Decision<Asked> {
  const { method, body, provider, url } = request
  const family = familyOf(dialect)
  const [path = '', ...rest] = url.split('?')
  const query = rest.join('?')
  const checked = checkAddress(path, query)
  if (!checked.ok) return checked
  if (!family) return refuse('not_found', `There is no ${method} ${path.slice(0, 200)} here.`)
  const named = findModel({ family, method, path, contentType: request.contentType ?? '', body })
  if (!named.ok) return named
  const { model, json, bodyFor } = named.value
  const isPlaced = provider === undefined || model === '' || model.startsWith(`${provider}/`)
  return allow({
    operation: 'passthrough',
    dialect,
    model: isPlaced ? model : `${provider}/${model}`,
    stream: false, // whether its answer is one is its provider's business
    wantsUsage: false,
    ...readAttribution(json),
    estimatedInputTokens: 0,
    incoming: { body, rest: '', query: {} },
    renderFor: name => (model === '' ? body : bodyFor(name)),
    ...inputBounds(body.length),
    // What it costs to ask for, nobody here knows; to look at what is there costs nothing.
    boundless: method === 'POST' || method === 'PUT' || method === 'PATCH' ? `${method} ${path}` : undefined,
    passthrough: { family, method, path, query: withoutCredentials(query), provider },
  })
}
