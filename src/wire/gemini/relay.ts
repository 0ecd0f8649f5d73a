import { isObject, parseObject } from '../json-body.ts'
import { foreignSealMark } from './json.ts'

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
