/** Where a top-level field's value stands in the bytes of a JSON object. */
export interface Field {
  name: string
  /** First byte of the value. */
  start: number
  /** The byte after its last. */
  end: number
}

export interface ObjectFields {
  /** In order of appearance; a name can come twice. */
  fields: Field[]
  /** The byte of the opening brace. */
  open: number
  depth: number
}

const quote = 0x22
const backslash = 0x5c
const comma = 0x2c
const openBrace = 0x7b
const closeBrace = 0x7d
const openBracket = 0x5b
const closeBracket = 0x5d

/**
 * Finds the top-level fields of a JSON object without building it, so that one value can be exchanged and every
 * other byte stay as the caller wrote it: big integers, number spellings, key order, duplicate keys. Undefined
 * when the bytes are not an object. It trusts that they are JSON: parse them first, or after.
 */
export function findFields(json: Buffer): ObjectFields | undefined {
  const open = skipSpace(json, 0)
  if (json[open] !== openBrace) return undefined
  const found: ObjectFields = { fields: [], open, depth: 1 }
  let at = skipSpace(json, open + 1)
  while (json[at] === quote) {
    const keyEnd = endOfString(json, at)
    const name = readKey(json, at, keyEnd)
    const start = skipSpace(json, skipSpace(json, keyEnd) + 1) // past the colon
    const end = endOfValue(json, start, found)
    found.fields.push({ name, start, end })
    at = skipSpace(json, end)
    if (json[at] !== comma) break
    at = skipSpace(json, at + 1)
  }
  return json[at] === closeBrace ? found : undefined
}

/** The same object with the values of some fields exchanged; fields that are not there are put in front. */
export function exchangeFields(json: Buffer, found: ObjectFields, values: Record<string, string>): Buffer {
  const missing = new Set(Object.keys(values))
  const parts: Buffer[] = []
  let from = found.open + 1
  for (const field of found.fields) {
    const value = Object.hasOwn(values, field.name) ? values[field.name] : undefined // a field can be `constructor`
    if (value === undefined) continue
    missing.delete(field.name)
    parts.push(json.subarray(from, field.start), Buffer.from(value))
    from = field.end
  }
  parts.push(json.subarray(from))
  const added = [...missing].map(name => `${JSON.stringify(name)}:${values[name]}`).join()
  const separator = added !== '' && found.fields.length > 0 ? ',' : ''
  return Buffer.concat([Buffer.from(`{${added}${separator}`), ...parts])
}

function readKey(json: Buffer, start: number, end: number): string {
  const plain = json.toString('utf8', start + 1, end - 1)
  if (!plain.includes('\\')) return plain
  const unescaped: unknown = JSON.parse(`"${plain}"`)
  return String(unescaped)
}

function skipSpace(json: Buffer, from: number): number {
  let at = from
  for (let byte = json[at]; byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09; byte = json[at])
    at += 1
  return at
}

/** From an opening quote to the byte after the closing one. Long strings are crossed by a native search. */
function endOfString(json: Buffer, start: number): number {
  let at = start
  for (;;) {
    at = json.indexOf(quote, at + 1)
    if (at === -1) return json.length
    let slashes = 0
    while (json[at - 1 - slashes] === backslash) slashes += 1
    if (slashes % 2 === 0) return at + 1
  }
}

function endOfValue(json: Buffer, start: number, found: ObjectFields): number {
  let depth = 0
  let at = start
  while (at < json.length) {
    const byte = json[at]
    if (byte === quote) {
      at = endOfString(json, at)
      if (depth === 0) return at
      continue
    }
    if (byte === openBrace || byte === openBracket) {
      depth += 1
      if (depth >= found.depth) found.depth = depth + 1
    } else if (byte === closeBrace || byte === closeBracket) {
      if (depth === 0) return at // the end of the object itself, after a number or a word
      depth -= 1
      if (depth === 0) return at + 1
    } else if (depth === 0 && (byte === comma || skipSpace(json, at) > at)) return at // a number or a word is over
    at += 1
  }
  return at
}
