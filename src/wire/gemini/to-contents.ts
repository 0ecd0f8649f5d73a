import type { AnswerPart, Message, ToolCallPart, ToolResultPart, UserPart } from '#exchange'
import { optionalObject, optionalString, requiredObject, requiredString, said, wrong } from '../reading.ts'
import { camelFields, type Json, readSeal, repeated } from './json.ts'
import { readMedia } from './to-media.ts'

/** A call that a result may still answer. Ids are often absent: then the first of that name is meant. */
interface OpenCall {
  id: string
  name: string
}

/**
 * A conversation in turns. What a function returned stands in the turn of the user's. The SDKs keep a streamed answer
 * as it came, a content for each piece; those are one turn again, and their texts one text.
 */
export function readContents(values: readonly unknown[]): Message[] {
  const messages: Message[] = []
  let open: OpenCall[] = []
  for (const [i, value] of values.entries()) {
    const path = `contents[${i}]`
    const json = camelFields(value, path)
    const role = optionalString(json, 'role', `${path}.role`) ?? 'user'
    const parts = repeated(json, 'parts', `${path}.parts`) ?? []
    const at = (k: number): string => `${path}.parts[${k}]`
    const last = messages.at(-1)
    if (role === 'model') {
      const spoken = parts.map((part, k) => readModelPart(part, { path: at(k), madeId: `call_${i}_${k}` }))
      const calls = spoken.filter(part => part.type === 'tool-call').map(({ id, name }) => ({ id, name }))
      open = last?.role === 'assistant' ? [...open, ...calls] : calls
      if (last?.role === 'assistant')
        messages[messages.length - 1] = { ...last, parts: joinPieces(last.parts, spoken) }
      else messages.push({ role: 'assistant', parts: spoken })
    } else if (role === 'user' || role === 'function')
      messages.push({ role: 'user', parts: parts.map((part, k) => readUserPart(part, at(k), open)) })
    else
      wrong(
        `${path}.role`,
        `\`${path}.role\` is \`${role.slice(0, 40)}\`; a content is of \`user\` or \`model\`.`,
      )
  }
  return messages
}

/** The next piece of an answer behind what came before: a text goes on, unless its seal has come. */
function joinPieces(before: readonly AnswerPart[], next: readonly AnswerPart[]): AnswerPart[] {
  const last = before.at(-1)
  const [first, ...rest] = next
  const isText = first?.type === 'text' || first?.type === 'reasoning'
  if (!isText || (first.text === '' && !first.signature)) return [...before, ...(isText ? rest : next)]
  if ((last?.type !== 'text' && last?.type !== 'reasoning') || last.type !== first.type || last.signature)
    return [...before, ...next]
  return [...before.slice(0, -1), { ...last, ...first, text: last.text + first.text }, ...rest]
}

function readUserPart(value: unknown, path: string, open: OpenCall[]): UserPart {
  const json = camelFields(value, path)
  if (typeof json.text === 'string') return { type: 'text', text: json.text }
  const media = readMedia(json, path)
  if (media) return media
  if (json.functionResponse !== undefined)
    return readResult(json.functionResponse, `${path}.functionResponse`, open)
  return readOther(json, path)
}

function readModelPart(value: unknown, { path, madeId }: { path: string; madeId: string }): AnswerPart {
  const json = camelFields(value, path)
  const signature = readSeal(optionalString(json, 'thoughtSignature', `${path}.thoughtSignature`))
  const seal = { ...(signature && { signature }) }
  const text = optionalString(json, 'text', `${path}.text`)
  if (text !== undefined) return { type: json.thought === true ? 'reasoning' : 'text', text, ...seal }
  if (json.functionCall !== undefined)
    return { ...readCall(json.functionCall, `${path}.functionCall`, madeId), ...seal }
  const media = readMedia(json, path)
  if (media?.type === 'image') return { ...media, ...seal }
  if (media?.type === 'audio' && !signature) return media
  if (media) return { type: 'opaque', dialect: 'gemini', value: json }
  if (signature) return { type: json.thought === true ? 'reasoning' : 'text', text: '', signature }
  return readOther(json, path)
}

const ownKinds = [
  'executableCode',
  'codeExecutionResult',
  'toolCall',
  'toolResponse',
  'audioTranscription',
  'videoMetadata', // of the video in the part before it
]

/** Parts of Gemini's own tools are kept as they are; what Gemini does not know either is refused. */
function readOther(json: Json, path: string): { type: 'opaque'; dialect: 'gemini'; value: unknown } {
  if (ownKinds.some(kind => json[kind] !== undefined))
    return { type: 'opaque', dialect: 'gemini', value: json }
  const what =
    json.functionCall === undefined && json.functionResponse === undefined
      ? 'no part'
      : 'a part of the other role'
  return wrong(
    path,
    `\`${path}\` is ${what}: it has ${Object.keys(json).slice(0, 5).join(', ') || 'no field'}.`,
  )
}

function readCall(value: unknown, path: string, madeId: string): ToolCallPart {
  const json = camelFields(value, path)
  const args = optionalObject(json, 'args', `${path}.args`) ?? {}
  return {
    type: 'tool-call',
    id: optionalString(json, 'id', `${path}.id`) || madeId,
    name: requiredString(json, 'name', `${path}.name`),
    arguments: JSON.stringify(args),
  }
}

function readResult(value: unknown, path: string, open: OpenCall[]): ToolResultPart {
  const json = camelFields(value, path)
  const name = requiredString(json, 'name', `${path}.name`)
  const id = optionalString(json, 'id', `${path}.id`)
  const call =
    open.find(call => (id ? call.id === id : call.name === name)) ?? open.find(call => call.name === name)
  if (!call)
    wrong(path, `\`${path}\` answers a call of \`${name}\`, which the content before it does not make.`)
  open.splice(open.indexOf(call), 1)
  const response = requiredObject(json.response ?? {}, `${path}.response`)
  const media = (repeated(json, 'parts', `${path}.parts`) ?? []).map((part, i) => {
    const at = `${path}.parts[${i}]`
    const read = readMedia(camelFields(part, at), at)
    return read?.type === 'image' || read?.type === 'file'
      ? read
      : wrong(at, `\`${at}\` is no image and no file.`)
  })
  const { text, isError } = readResponse(response)
  return {
    type: 'tool-result',
    callId: call.id,
    name,
    parts: [...(text === '' && media.length > 0 ? [] : [{ type: 'text' as const, text }]), ...media],
    ...said<{ isError?: boolean }>({ isError: isError || undefined }),
  }
}

/** `{result: …}` and `{output: …}` are what they hold, `{error: …}` says that it failed, any other object is itself. */
function readResponse(response: Json): { text: string; isError?: boolean } {
  const [field, ...more] = Object.keys(response)
  const inner = field === undefined || more.length > 0 ? undefined : response[field]
  const text = typeof inner === 'string' ? inner : JSON.stringify(inner)
  if (field === 'error' && inner !== undefined) return { text, isError: true }
  if ((field === 'result' || field === 'output') && inner !== undefined) return { text }
  return { text: field === undefined ? '' : JSON.stringify(response) }
}
