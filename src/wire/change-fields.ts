import { exchangeFields, findFields } from './json-fields.ts'

export interface FieldChanges {
  /** Values as JSON text, by name: exchanged where the field stands, put in front where it does not. */
  set?: Readonly<Record<string, string>>
  drop?: readonly string[]
}

/** The same JSON object with some top-level fields changed; every other byte stays as it was. */
export function changeFields(json: Buffer, { set = {}, drop = [] }: FieldChanges): Buffer {
  const rest = drop.length > 0 ? dropFields(json, drop) : json
  const found = findFields(rest)
  return found && Object.keys(set).length > 0 ? exchangeFields(rest, found, set) : rest
}

/** The bytes of a top-level field's value; undefined where there is none. Of two of a name the last counts. */
export function fieldBytes(json: Buffer, name: string): Buffer | undefined {
  const field = findFields(json)?.fields.findLast(field => field.name === name)
  return field && json.subarray(field.start, field.end)
}

function dropFields(json: Buffer, names: readonly string[]): Buffer {
  const found = findFields(json)
  if (!found?.fields.some(({ name }) => names.includes(name))) return json
  const kept: Buffer[] = []
  let from = found.open + 1
  let end = from
  for (const field of found.fields) {
    if (!names.includes(field.name)) kept.push(json.subarray(from, field.end))
    end = field.end
    from = json.indexOf(',', end) + 1 // of the last field, nothing uses it
  }
  const separated = kept.flatMap((piece, i) => (i > 0 ? [Buffer.from(','), piece] : [piece]))
  return Buffer.concat([json.subarray(0, found.open + 1), ...separated, json.subarray(end)])
}
