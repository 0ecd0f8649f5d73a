import { isObject, parseObject } from '../json-body.ts'
import { exchangeFields, type ObjectFields } from '../json-fields.ts'

interface Relayed {
  body: Buffer
  fields: ObjectFields
  /** Exchanged already, as JSON texts. */
  values: Record<string, string>
}

/** The caller's bytes as a vendor with ways of its own takes them; everything else stays as it was written. */
export function exchangesFor(quirks: ReadonlySet<string>, { body, fields, values }: Relayed): Buffer {
  let found = fields
  let exchanged = values
  if (quirks.has('no_stream_options')) {
    const { stream_options: _none, ...rest } = exchanged
    exchanged = rest
    found = without(found, 'stream_options')
  }
  if (quirks.has('max_tokens') && !found.fields.some(({ name }) => name === 'max_tokens')) {
    const limit = found.fields.find(({ name }) => name === 'max_completion_tokens')
    if (limit) {
      exchanged = { ...exchanged, max_tokens: body.toString('utf8', limit.start, limit.end) }
      found = without(found, 'max_completion_tokens')
    }
  }
  if (quirks.has('system_for_developer') && body.includes('"developer"'))
    exchanged = { ...exchanged, messages: JSON.stringify(asSystem(body)) }
  if (found === fields) return exchangeFields(body, fields, exchanged)
  const kept = found.fields.map(
    ({ name, start, end }) =>
      `${JSON.stringify(name)}:${exchanged[name] ?? body.toString('utf8', start, end)}`,
  )
  const names = new Set(found.fields.map(({ name }) => name))
  const added = Object.entries(exchanged)
    .filter(([name]) => !names.has(name))
    .map(([name, value]) => `${JSON.stringify(name)}:${value}`)
  return Buffer.from(`{${[...kept, ...added].join(',')}}`)
}

function asSystem(body: Buffer): unknown[] {
  const messages = parseObject(body.toString())?.messages
  return (Array.isArray(messages) ? messages : []).map((message: unknown) =>
    isObject(message) && message.role === 'developer' ? { ...message, role: 'system' } : message,
  )
}

function without(found: ObjectFields, name: string): ObjectFields {
  if (!found.fields.some(field => field.name === name)) return found
  return { ...found, fields: found.fields.filter(field => field.name !== name) }
}
