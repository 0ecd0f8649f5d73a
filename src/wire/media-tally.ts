import { isObject } from './json-body.ts'

/**
 * The largest that a vendor is known to bill for one picture, whatever its bytes, since a large empty one has few:
 * gpt-4o-mini, 2,833 + 8 tiles of 5,667 = 48,169 (developers.openai.com/api/docs/guides/images-vision).
 */
export const tokensPerImage = 48_169

/**
 * A document or a film has as many pages or seconds as it likes in few bytes. What bounds it is what a model can read:
 * the longest context among the models that read files is 1,048,576 tokens (ai.google.dev/gemini-api/docs/models).
 */
export const tokensPerFile = 1_048_576

/** Counts what a request holds that is no text, so that its base64 is not taken for some. */
export class MediaTally {
  images = 0
  files = 0
  /** Of the body: they are no text. */
  bytes = 0

  constructor(of?: MediaTally) {
    if (!of) return
    this.images = of.images
    this.files = of.files
    this.bytes = of.bytes
  }

  /** A picture in a `data:` URL or in base64, or by an address or an id. */
  addImage(source: unknown): void {
    this.images += 1
    this.bytes += lengthOfData(source)
  }

  /**
   * A file in base64, or by an address or an id. A text's tokens are fewer than its bytes; so are a recording's, of
   * which no coding has less than some hundred bytes a second and no vendor bills more than 32 tokens.
   */
  addFile(source: unknown, mediaType: unknown = undefined): void {
    const type = typeof mediaType === 'string' ? mediaType : typeOfUrl(source)
    if (/^image\//i.test(type)) return this.addImage(source)
    if (/^(text|audio)\//i.test(type) && lengthOfData(source) > 0) return
    this.files += 1
    this.bytes += lengthOfData(source)
  }
}

/** An upper bound from the body's bytes: a token is at least one. */
export function boundByBytes(bytes: number, tally: MediaTally): number {
  return bytes - tally.bytes + tally.images * tokensPerImage + tally.files * tokensPerFile
}

export function objectsIn(value: unknown): Record<string, unknown>[] {
  if (Array.isArray(value)) return value.filter(isObject)
  return isObject(value) ? [value] : []
}

/** Of what is given in place; an address says nothing of the size of what is there. */
function lengthOfData(source: unknown): number {
  return typeof source === 'string' && !/^(https?|gs|file):/i.test(source) ? source.length : 0
}

function typeOfUrl(source: unknown): string {
  return typeof source === 'string' && source.startsWith('data:') ? source.slice(5, 69) : ''
}
