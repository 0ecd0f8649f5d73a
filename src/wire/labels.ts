import type { Asked } from '#exchange'
import { isObject } from './json-body.ts'
import { exchangeFields, type ObjectFields } from './json-fields.ts'

type Json = Readonly<Record<string, unknown>>

/** What stands in the place of a tag that is no text: nobody's, so that it is left out and counted. */
const noTag = '\ufffd'

/** `tags`, an array or a list with commas, and `environment`, of a request's metadata. */
export function readLabels({ tags, environment }: Json): Pick<Asked, 'tags' | 'environment'> {
  if (tags === undefined && environment === undefined) return {}
  const list = Array.isArray(tags) ? tags.map(tagOf) : typeof tags === 'string' ? tags.split(',') : undefined
  return { ...(list && { tags: list }), ...(typeof environment === 'string' && { environment }) }
}

function tagOf(tag: unknown): string {
  return typeof tag === 'string' ? tag : noTag
}

/**
 * The same request with its tags in one text, where they are an array: OpenAI takes only texts in `metadata`
 * (openai-openapi, `Metadata`). Undefined where there is nothing to change.
 */
export function withTagsAsText(body: Buffer, json: Json, fields: ObjectFields): Buffer | undefined {
  const { metadata } = json
  if (!isObject(metadata) || !Array.isArray(metadata.tags)) return undefined
  const tags = metadata.tags.map(tagOf).join()
  return exchangeFields(body, fields, { metadata: JSON.stringify({ ...metadata, tags }) })
}
