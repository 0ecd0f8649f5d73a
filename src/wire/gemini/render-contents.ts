import type { MediaSource, Message, Part, ToolCallPart, ToolResultPart } from '#exchange'
import { parseObject } from '../json-body.ts'
import { type Json, lostSeal, writeSeal } from './json.ts'
import { isGemini3 } from './models.ts'
import { mediaTypeByName, writeDetail } from './to-media.ts'

interface Turn {
  role: 'user' | 'model'
  parts: Part[]
}

/**
 * A conversation as Google takes it: turns of one role are one, and all results of a turn's calls come first in the
 * next, in the order of the calls, one for each; a call that nobody answered is answered with an error.
 */
export function renderContents(messages: readonly Message[], model: string): Json[] {
  const turns = mergeTurns(messages)
  return turns.flatMap(({ role, parts }, i) => {
    const before = i > 0 ? turns[i - 1] : undefined
    const rendered = role === 'model' ? renderModel(parts, model) : renderUser(parts, callsOf(before), model)
    return rendered.length > 0 ? [{ role, parts: rendered }] : []
  })
}

function mergeTurns(messages: readonly Message[]): Turn[] {
  const turns: Turn[] = []
  for (const { role: said, parts } of messages) {
    const role = said === 'assistant' ? 'model' : 'user'
    const last = turns.at(-1)
    if (parts.length === 0) continue
    if (last?.role === role) last.parts.push(...parts)
    else turns.push({ role, parts: [...parts] })
  }
  return turns
}

function callsOf(turn: Turn | undefined): ToolCallPart[] {
  return turn?.role === 'model' ? turn.parts.filter(part => part.type === 'tool-call') : []
}

function renderUser(parts: readonly Part[], calls: readonly ToolCallPart[], model: string): Json[] {
  const results = parts.filter(part => part.type === 'tool-result')
  const unanswered = new Set(results)
  const inOrder = calls.map((call): ToolResultPart => {
    const result = results.find(result => unanswered.has(result) && result.callId === call.id)
    if (result) unanswered.delete(result)
    return result
      ? { ...result, name: call.name }
      : { type: 'tool-result', callId: call.id, name: call.name, isError: true, parts: [noResult] }
  })
  const others = parts.filter(part => part.type !== 'tool-result')
  return [
    ...[...inOrder, ...unanswered].flatMap(result => renderResult(result, model)),
    ...others.flatMap(part => renderPart(part, model)),
  ]
}

const noResult = { type: 'text', text: 'No result was given.' } as const

/** From generation 3 on, a turn's first call must be sealed. */
function renderModel(parts: readonly Part[], model: string): Json[] {
  const first = parts.find(part => part.type === 'tool-call')
  return parts.flatMap(part => {
    const rendered = renderPart(part, model)
    const lacksSeal = part === first && isGemini3(model) && rendered[0]?.thoughtSignature === undefined
    return lacksSeal ? [{ ...rendered[0], thoughtSignature: lostSeal }] : rendered
  })
}

function renderPart(part: Part, model: string): Json[] {
  switch (part.type) {
    case 'text':
    case 'reasoning': {
      const seal = ownSeal(part)
      // An empty text says nothing, unless it carries the seal.
      if (part.text === '' && !('thoughtSignature' in seal)) return []
      return [{ text: part.text, ...(part.type === 'reasoning' && { thought: true }), ...seal }]
    }
    case 'refusal':
      return part.text === '' ? [] : [{ text: part.text }]
    case 'tool-call': {
      const args = parseObject(part.arguments === '' ? '{}' : part.arguments) ?? { input: part.arguments }
      return [{ functionCall: { id: part.id, name: part.name, args }, ...ownSeal(part) }]
    }
    case 'image': {
      const level = part.detail && part.detail !== 'auto' && isGemini3(model) && writeDetail(part.detail)
      return [{ ...renderMedia(part), ...(level && { mediaResolution: { level } }), ...ownSeal(part) }]
    }
    case 'audio':
    case 'file':
      return [renderMedia(part)]
    case 'tool-result':
      return renderResult(part, model)
    case 'opaque':
      return part.dialect === 'gemini' ? [part.value as Json] : []
  }
}

/** Another dialect's seal is worth nothing here, and would be refused. */
function ownSeal({ signature }: Pick<ToolCallPart, 'signature'>): Json {
  return signature?.dialect === 'gemini' ? { thoughtSignature: writeSeal(signature) } : {}
}

function renderMedia({ source, ...part }: { source: MediaSource; type: string; filename?: string }): Json {
  switch (source.kind) {
    case 'data':
      return { inlineData: { mimeType: source.mediaType, data: source.base64 } }
    case 'text': {
      const data = Buffer.from(source.text).toString('base64')
      return { inlineData: { mimeType: source.mediaType ?? 'text/plain', data } }
    }
    case 'url': {
      const mimeType = source.mediaType ?? mediaTypeByName(source.url) ?? usualType[part.type]
      return { fileData: { ...(mimeType !== undefined && { mimeType }), fileUri: source.url } }
    }
    case 'id': {
      const mimeType = mediaTypeByName(part.filename ?? source.id)
      return { fileData: { ...(mimeType !== undefined && { mimeType }), fileUri: source.id } }
    }
  }
}

const usualType: Readonly<Record<string, string>> = { image: 'image/jpeg', audio: 'audio/mp3' }

/** Media stand inside of the response from generation 3 on, before that beside it. */
function renderResult(result: ToolResultPart, model: string): Json[] {
  const media = result.parts.filter(part => part.type === 'image' || part.type === 'file')
  const name = result.name ?? result.callId
  const response = renderResponse(result)
  const functionResponse = { id: result.callId, name, response }
  if (media.length === 0) return [{ functionResponse }]
  if (isGemini3(model)) return [{ functionResponse: { ...functionResponse, parts: media.map(renderMedia) } }]
  return [{ functionResponse }, ...media.map(renderMedia)]
}

const wrapped = new Set(['result', 'output', 'error'])

/**
 * What a tool said: an object as itself, a text under `result`. An object that speaks of `$ref` goes as text too, since
 * Google would look for a part of that name; so does one that reads like a wrapping of ours.
 */
function renderResponse({ parts, isError }: ToolResultPart): Json {
  const text = parts
    .filter(part => part.type === 'text')
    .map(part => part.text)
    .join('\n')
  if (isError === true) return { error: text }
  const json = text.includes('"$ref"') ? undefined : parseObject(text)
  const names = json ? Object.keys(json) : []
  const isWrapping = names.length === 1 && names.some(name => wrapped.has(name))
  return json && !isWrapping ? json : { result: text }
}
