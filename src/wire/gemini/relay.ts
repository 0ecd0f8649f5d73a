import { isObject, parseObject } from '../json-body.ts'
import { foreignSealMark, type Json, lostSeal } from './json.ts'
import { isGemini3 } from './models.ts'

/**
 * A conversation that another dialect's provider answered before carries that one's seals, which we put into
 * `thoughtSignature`; Google would refuse them. Only then is the body written anew.
 */
export function withoutForeignSeals(body: Buffer): Buffer {
  if (!body.includes(foreignSealMark)) return body
  const json = parseObject(body.toString())
  if (!json || !Array.isArray(json.contents)) return body
  const contents = json.contents.map((content: unknown) =>
    isObject(content) && Array.isArray(content.parts)
      ? { ...content, parts: content.parts.map(unseal) }
      : content,
  )
  return Buffer.from(JSON.stringify({ ...json, contents }))
}

function unseal(part: unknown): unknown {
  if (!isObject(part)) return part
  const kept = Object.entries(part).filter(
    ([name, value]) =>
      !(/^thought_?signature$/i.test(name) && typeof value === 'string' && value.startsWith(foreignSealMark)),
  )
  return Object.fromEntries(kept)
}

/**
 * As `withoutForeignSeals`; and where the turn that is being gone on with has calls that another provider made, with
 * Google's word for that on the first of each step: generation 3 refuses calls that lack a seal.
 */
export function withUsableSeals(body: Buffer, model: string): Buffer {
  const clean = withoutForeignSeals(body)
  if (!isGemini3(model) || !(clean.includes('"functionCall"') || clean.includes('"function_call"')))
    return clean
  const json = parseObject(clean.toString())
  if (!json || !Array.isArray(json.contents)) return clean
  const contents: unknown[] = json.contents
  const spoke = contents.findLastIndex(speaks)
  let inStep = false
  let lacked = false
  const sealed = contents.map((content, index) => {
    if (index <= spoke || !isObject(content) || !Array.isArray(content.parts)) return content
    if (content.role !== 'model') {
      inStep = false
      return content
    }
    const first = content.parts.findIndex(isCall)
    if (first === -1 || inStep) return content
    inStep = true
    const call: Json = content.parts[first]
    if (call.thoughtSignature !== undefined || call.thought_signature !== undefined) return content
    lacked = true
    return { ...content, parts: content.parts.with(first, { ...call, thoughtSignature: lostSeal }) }
  })
  return lacked ? Buffer.from(JSON.stringify({ ...json, contents: sealed })) : clean
}

/** A content in which the user says something, and does not only give what functions returned. */
function speaks(content: unknown): boolean {
  if (!isObject(content) || content.role === 'model' || !Array.isArray(content.parts)) return false
  return content.parts.some(
    part => !isObject(part) || (part.functionResponse === undefined && part.function_response === undefined),
  )
}

function isCall(part: unknown): boolean {
  return isObject(part) && (part.functionCall !== undefined || part.function_call !== undefined)
}
