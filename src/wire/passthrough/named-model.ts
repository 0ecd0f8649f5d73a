import { allow, type Decision, type Family, refuse } from '#exchange'
import { bareName } from '../gemini/address.ts'
import { readJsonBody } from '../json-body.ts'
import { exchangeFields } from '../json-fields.ts'
import { modelInPath } from './address.ts'
import { exchangePart, findPart } from './multipart.ts'

export interface BodyRequest {
  family: Family
  method: string
  path: string
  contentType: string
  body: Buffer
}

/** The model that a request is about, and how to call it otherwise. */
export interface NamedModel {
  /** Empty where it names none. */
  model: string
  json: Readonly<Record<string, unknown>>
  /** The body with another name in the place of that one, and every other byte as it was. */
  bodyFor(model: string): Buffer
}

/** The model in a JSON body, in a form, or in the path; one in a body that is none of these is not seen. */
export function findModel(request: BodyRequest): Decision<NamedModel> {
  const found = inBody(request)
  if (!found.ok) return found
  const ofPath = modelInPath(request.family, request.path)
  const { model } = found.value
  if (ofPath === undefined || model === ofPath || model === '')
    return allow({ ...found.value, model: ofPath ?? model })
  return refuse('invalid_request', 'The path names one model and the body another.', { param: 'model' })
}

function inBody(request: BodyRequest): Decision<NamedModel> {
  const { body, method, path } = request
  const none: NamedModel = { model: '', json: {}, bodyFor: () => body }
  // A batch runs requests that name models of their own; what a DELETE brings along decides nothing.
  if (body.length === 0 || method === 'DELETE' || /\/batches(\/|$)/.test(path)) return allow(none)
  const [type = ''] = request.contentType.toLowerCase().split(';', 1)
  if (/^\s*application\/([\w.-]+\+)?json\s*$/.test(type)) return inJson(request, none)
  if (/^\s*multipart\/form-data\s*$/.test(type)) return inForm(request, none)
  return allow(none)
}

function inJson({ body, family }: BodyRequest, none: NamedModel): Decision<NamedModel> {
  const read = readJsonBody(body)
  // Google's SDK calls everything that it uploads JSON.
  if (!read.ok) return allow(none)
  const { json, fields } = read.value
  // Some servers read names of fields in any spelling (Go's `encoding/json`): a second model would not be seen here.
  const stranger = fields.fields.find(({ name }) => name !== 'model' && name.toLowerCase() === 'model')
  if (stranger)
    return refuse('invalid_request', `\`${stranger.name}\` is written \`model\`.`, { param: stranger.name })
  if (typeof json.model !== 'string' || json.model === '') return allow({ ...none, json })
  // Gemini's resources are named with their collection.
  const isBare = family !== 'gemini' || bareName(json.model) === json.model
  return allow({
    model: isBare ? json.model : bareName(json.model),
    json,
    bodyFor: model =>
      exchangeFields(body, fields, { model: JSON.stringify(isBare ? model : `models/${model}`) }),
  })
}

function inForm({ body, contentType }: BodyRequest, none: NamedModel): Decision<NamedModel> {
  const part = findPart(body, contentType, 'model')
  if (!part.ok) return part
  const span = part.value
  if (!span || span.start === span.end) return allow(none)
  const model = body.toString('utf8', span.start, span.end)
  if (/\p{Cc}/u.test(model))
    return refuse('invalid_request', '`model` must be the name of a model.', { param: 'model' })
  return allow({ model, json: {}, bodyFor: name => exchangePart(body, span, name) })
}
