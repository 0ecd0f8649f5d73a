import type { AudioPart, FilePart, ImagePart, TextPart } from '#exchange'
import {
  checkBase64,
  optionalString,
  optionalWord,
  readDataUrl,
  requiredObject,
  requiredString,
  said,
  wrong,
} from '../reading.ts'
import { readAnnotations } from './annotations.ts'

type Json = Readonly<Record<string, unknown>>

/** A part of a message or of a tool's result; a text may be one that the model said. */
export function readInputPart(
  json: Json,
  type: string,
  path: string,
): TextPart | ImagePart | FilePart | AudioPart {
  switch (type) {
    case 'input_text':
    case 'output_text':
    case 'text': // as some clients send what came from another API
      return readText(json, path)
    case 'input_image':
      return readImage(json, path)
    case 'input_file':
      return readFile(json, path)
    case 'input_audio': {
      const audio = requiredObject(json.input_audio, `${path}.input_audio`)
      const format = requiredString(audio, 'format', `${path}.input_audio.format`)
      const at = `${path}.input_audio.data`
      const base64 = checkBase64(requiredString(audio, 'data', at), at)
      return { type: 'audio', source: { kind: 'data', mediaType: `audio/${format}`, base64 } }
    }
    default:
      return wrong(
        `${path}.type`,
        `\`${path}.type\` is \`${type.slice(0, 40)}\`, which is no part of a message.`,
      )
  }
}

function readText(json: Json, path: string): TextPart {
  const citations = readAnnotations(json.annotations)
  const text = requiredString(json, 'text', `${path}.text`)
  return { type: 'text', text, ...(citations.length > 0 && { citations }) }
}

function readImage(json: Json, path: string): ImagePart {
  const detail = optionalWord(json, 'detail', ['auto', 'low', 'high', 'original'], `${path}.detail`)
  const rest = said<Pick<ImagePart, 'detail'>>({ detail })
  const id = optionalString(json, 'file_id', `${path}.file_id`)
  if (id !== undefined)
    return { type: 'image', source: { kind: 'id', id, dialect: 'openai-responses' }, ...rest }
  const at = `${path}.image_url`
  const url = requiredString(json, 'image_url', at)
  return { type: 'image', source: readDataUrl(url, at) ?? { kind: 'url', url: checkUrl(url, at) }, ...rest }
}

function readFile(json: Json, path: string): FilePart {
  const filename = optionalString(json, 'filename', `${path}.filename`)
  return {
    type: 'file',
    source: readFileSource(json, path),
    ...said<Pick<FilePart, 'filename'>>({ filename }),
  }
}

function readFileSource(json: Json, path: string): FilePart['source'] {
  const id = optionalString(json, 'file_id', `${path}.file_id`)
  if (id !== undefined) return { kind: 'id', id, dialect: 'openai-responses' }
  const url = optionalString(json, 'file_url', `${path}.file_url`)
  if (url !== undefined) return { kind: 'url', url: checkUrl(url, `${path}.file_url`) }
  const at = `${path}.file_data`
  const data = requiredString(json, 'file_data', at)
  return (
    readDataUrl(data, at) ?? { kind: 'data', mediaType: 'application/pdf', base64: checkBase64(data, at) }
  )
}

function checkUrl(url: string, path: string): string {
  if (/^https?:\/\//i.test(url) && URL.canParse(url)) return url
  return wrong(path, `\`${path}\` is neither an http address nor a data URL.`)
}
