import { type ApiError, badRequest } from '../api-error.ts'
import type { Body } from '../dialect.ts'
import { asBody, asList, asText } from '../fields.ts'
import { isSigned } from '../signature.ts'

/** A turn of the conversation. */
export interface Content {
  role: string
  parts: readonly Body[]
}

/** What Google documents for who has lost a signature. */
const sentinels = ['skip_thought_signature_validator', 'context_engineering_is_the_way_to_go']
const dataFields = [
  ...['text', 'inlineData', 'fileData', 'functionCall', 'functionResponse', 'executableCode'],
  ...['codeExecutionResult', 'toolCall', 'toolResponse'],
]

export function readContents(value: unknown): Content[] {
  return asList(value)
    .map(asBody)
    .map(one => ({ role: asText(one.role) ?? 'user', parts: asList(one.parts).map(asBody) }))
}

/** A mistake in the manner of the Gemini API: a bullet with the field's place. */
export function violation(place: string, sentence: string): ApiError {
  return badRequest(`* GenerateContentRequest.${place}: ${sentence}\n`, null)
}

/** The rules between turns, in the words of Gemini's own 400s. */
export function checkContents(contents: readonly Content[], model: string): ApiError | undefined {
  if (contents.length === 0) return violation('contents', 'contents is not specified')
  for (const [index, content] of contents.entries()) {
    const wrong = checkContent(content, index) ?? checkTurn(contents, index)
    if (wrong) return wrong
  }
  return checkSignatures(contents, model)
}

function checkContent({ role, parts }: Content, index: number): ApiError | undefined {
  if (role !== 'user' && role !== 'model' && role !== 'function') {
    return badRequest('Please use a valid role: user, model.', null)
  }
  if (parts.length === 0) {
    return violation(`contents[${index}].parts`, 'contents.parts must not be empty.')
  }
  for (const [at, part] of parts.entries()) {
    const place = `contents[${index}].parts[${at}]`
    const wrong = checkPart(part, place)
    if (wrong) return wrong
  }
  return undefined
}

function checkPart(part: Body, place: string): ApiError | undefined {
  const data = dataFields.filter(name => part[name] !== undefined)
  if (data.length !== 1 && !(data.length === 0 && part.thoughtSignature !== undefined)) {
    return violation(`${place}.data`, "required oneof field 'data' must have one initialized field")
  }
  if (part.inlineData !== undefined && !asText(asBody(part.inlineData).mimeType)) {
    return violation(`${place}.inline_data.mime_type`, 'mime_type must not be empty')
  }
  const called = part.functionCall ?? part.functionResponse
  if (called !== undefined && !asText(asBody(called).name)) {
    const field = part.functionCall ? 'function_call' : 'function_response'
    return violation(`${place}.${field}.name`, 'Name cannot be empty.')
  }
  return undefined
}

function count(content: Content | undefined, field: 'functionCall' | 'functionResponse'): number {
  return content?.parts.filter(part => part[field] !== undefined).length ?? 0
}

/** A turn with calls follows a user's turn; one with responses follows it at once, and has as many. */
function checkTurn(contents: readonly Content[], index: number): ApiError | undefined {
  const before = contents[index - 1]
  const [here, next] = [contents[index], contents[index + 1]]
  const [calls, responses] = [count(here, 'functionCall'), count(here, 'functionResponse')]
  const answered = count(before, 'functionCall')
  if (responses > 0 && answered === 0) {
    return badRequest(
      'Please ensure that function response turn comes immediately after a function call turn.',
      null,
    )
  }
  if (responses > 0 && responses !== answered) {
    return badRequest(
      'Please ensure that the number of function response parts is equal to the number of function call parts of the function call turn.',
      null,
    )
  }
  const afterUser = before !== undefined && before.role !== 'model'
  const leftOpen = next !== undefined && count(next, 'functionResponse') === 0
  if (calls > 0 && (!afterUser || leftOpen)) {
    return badRequest(
      leftOpen && afterUser
        ? 'Please ensure that function response turn comes immediately after a function call turn.'
        : 'Please ensure that function call turn comes immediately after a user turn or after a function response turn.',
      null,
    )
  }
  return undefined
}

/**
 * Signatures are the simulator's own, or a documented sentinel. As Gemini 3 does, models named so want one on the
 * first call of each step since the user last spoke.
 */
function checkSignatures(contents: readonly Content[], model: string): ApiError | undefined {
  const signatures = contents
    .flatMap(content => content.parts)
    .flatMap(part => asText(part.thoughtSignature) ?? [])
  if (!signatures.every(one => sentinels.includes(one) || isSigned(one))) {
    return badRequest('Thought signature is not valid.', null)
  }
  if (!model.includes('gemini-3')) return undefined
  const spoke = contents.findLastIndex(
    content => content.role === 'user' && content.parts.some(part => part.functionResponse === undefined),
  )
  for (const content of contents.slice(spoke + 1)) {
    const call = content.parts.find(part => part.functionCall !== undefined)
    if (call === undefined || call.thoughtSignature !== undefined) continue
    const name = String(asBody(call.functionCall).name)
    return badRequest(
      'Function call is missing a thought_signature in functionCall parts. This is required for tools to work correctly. ' +
        `Additional data, function call \`default_api:${name}\`.`,
      null,
    )
  }
  return undefined
}
