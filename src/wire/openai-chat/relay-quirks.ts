import { changeFields, fieldBytes } from '../change-fields.ts'
import { isObject, parseObject } from '../json-body.ts'

/**
 * The caller's bytes as a vendor with ways of its own takes them; everything else stays as it was written. `values`
 * are exchanged for every vendor, as JSON texts.
 */
export function exchangesFor(
  quirks: ReadonlySet<string>,
  body: Buffer,
  values: Readonly<Record<string, string>>,
): Buffer {
  const set: Record<string, string> = { ...values }
  const drop: string[] = []
  if (quirks.has('no_stream_options')) {
    delete set.stream_options
    drop.push('stream_options')
  }
  const limit = quirks.has('max_tokens') ? fieldBytes(body, 'max_completion_tokens') : undefined
  if (limit && fieldBytes(body, 'max_tokens') === undefined) {
    set.max_tokens = limit.toString()
    drop.push('max_completion_tokens')
  }
  if (quirks.has('system_for_developer') && body.includes('"developer"'))
    set.messages = JSON.stringify(asSystem(body))
  return changeFields(body, { set, drop })
}

function asSystem(body: Buffer): unknown[] {
  const messages = parseObject(body.toString())?.messages
  return (Array.isArray(messages) ? messages : []).map((message: unknown) =>
    isObject(message) && message.role === 'developer' ? { ...message, role: 'system' } : message,
  )
}
