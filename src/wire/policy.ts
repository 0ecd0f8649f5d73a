import { allow, type ChatRequest, type Decision, refuse, type Unsupported } from '#exchange'
import type { ChatDialect, FieldRecord } from './dialect.ts'
import { type Feature, type FeatureName, features, type Taking } from './features.ts'

export interface Fitting {
  /** The caller's fields, by which a refusal names what it refuses. */
  fields: readonly FieldRecord[]
  /** What the caller sent, which tells the one of several names for a feature that it used. */
  body?: Buffer
  takes: ChatDialect['takes']
  /** `provider/model`, for the refusal. */
  target: string
  model: string
  quirks: ReadonlySet<string>
  unsupported: Unsupported | undefined
}

export interface Fitted {
  request: ChatRequest
  /** The caller's names of what was left out. */
  dropped: string[]
  /** Images and files by URL that the provider takes only as data. */
  fetch: FeatureName[]
}

/** Fits a request to a provider: what it cannot take is refused or left out, and named either way. */
export function fitRequest(request: ChatRequest, fitting: Fitting): Decision<Fitted> {
  const fitted: Fitted = { request, dropped: [], fetch: [] }
  for (const { field, weight } of request.extras) {
    if (refuses(weight, fitting.unsupported)) return refuseField(field, fitting, '')
    fitted.dropped.push(field)
  }
  for (const name of featureNames) {
    const feature: Feature = features[name]
    if (!feature.used(fitted.request)) continue
    const taking = fitting.takes[name]
    const isTaken = takesIt(taking, fitted.request, fitting)
    if (isTaken && typeof taking === 'object' && taking.fetch) fitted.fetch.push(name)
    if (isTaken && !leavesSome(taking, fitted.request, fitting)) continue
    const field = bare(fieldOf(name, fitting))
    if (refuses(feature.weight, fitting.unsupported))
      return refuseField(field, fitting, ` (${inSentence(feature.about)})`, taking)
    if (!isTaken) fitted.request = feature.without(fitted.request)
    fitted.dropped.push(field)
  }
  return allow({ ...fitted, request: { ...fitted.request, extras: [] } })
}

const featureNames = Object.keys(features) as FeatureName[]

export function refuses(weight: Feature['weight'], unsupported: Unsupported | undefined): boolean {
  return (unsupported ?? (weight === 'meaning' ? 'error' : 'drop')) === 'error'
}

/**
 * What the caller calls a feature: of several names for it one that stands in its request, else the first; the
 * feature's own where the caller's dialect has no word for it.
 */
export function fieldOf(
  name: FeatureName,
  { fields, body }: { fields: readonly FieldRecord[]; body?: Buffer | undefined },
): string {
  const names = fields.flatMap(({ feature, field }) => (feature === name ? field : []))
  const used =
    names.length > 1 && body ? names.find(field => body.includes(`"${lastWord(field)}"`)) : undefined
  return used ?? names[0] ?? name
}

/** `a` of `b.c[].a`, of `b[a]`, of `b[type=a]`, and of each with a remark behind it. */
function lastWord(field: string): string {
  const path = bare(field).replace(/\[\]$/, '')
  return /\[(?:\w+=)?([^\]]+)\]$/.exec(path)?.[1] ?? path.slice(path.lastIndexOf('.') + 1)
}

function takesIt(taking: Taking, request: ChatRequest, target: Fitting): boolean {
  return typeof taking === 'object' ? (taking.if?.(request, target) ?? true) : taking === 'yes'
}

function leavesSome(taking: Taking, request: ChatRequest, target: Fitting): boolean {
  return typeof taking === 'object' && taking.leaves?.(request, target) === true
}

/** Without the remark behind it. */
function bare(field: string): string {
  return field.replace(/ \(.*\)$/, '')
}

function inSentence(text: string): string {
  return /^[A-Z]{2}/.test(text) ? text : `${text.charAt(0).toLowerCase()}${text.slice(1)}`
}

function refuseField(
  field: string,
  { target }: Fitting,
  about: string,
  taking?: Taking,
): ReturnType<typeof refuse> {
  const limits = typeof taking === 'object' ? ` as it stands (taken: ${taking.how})` : ''
  return refuse(
    'unsupported_parameter',
    `\`${field}\`${about} cannot be taken by \`${target}\`${limits}. Leave it out, name another model, or send the header \`x-sluice-unsupported: drop\` to go on without it.`,
    { param: field },
  )
}
