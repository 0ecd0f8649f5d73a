import { allow, type Decision, refuse } from '#exchange'

/** Where a part's content stands in the bytes. */
export interface Span {
  start: number
  /** The byte after its last. */
  end: number
}

const malformed = refuse(
  'invalid_request',
  'The body is not `multipart/form-data` with the boundary that its content type names (RFC 7578).',
)

const [lineEnd, blankLine, noMore] = [Buffer.from('\r\n'), Buffer.from('\r\n\r\n'), Buffer.from('--')]

/**
 * The content of the part of a form with this name; undefined where there is none. Strict (RFC 7578, RFC 2046, 5.1):
 * what other readers might take apart in another way is refused, and so is a name that comes twice.
 */
export function findPart(body: Buffer, contentType: string, name: string): Decision<Span | undefined> {
  const boundary = boundaryOf(contentType)
  const delimiter = Buffer.from(`--${boundary}`)
  if (boundary === undefined || !startsAt(body, delimiter, 0)) return malformed
  const next = Buffer.concat([lineEnd, delimiter])
  let found: Span | undefined
  let at = delimiter.length
  while (!startsAt(body, noMore, at)) {
    const start = startsAt(body, lineEnd, at) ? body.indexOf(blankLine, at) + blankLine.length : 0
    const end = body.indexOf(next, start)
    if (start < blankLine.length || end === -1 || startsAt(body, delimiter, start)) return malformed
    const part = nameOf(body.toString('latin1', at, start))
    if (part === undefined) return malformed
    if (part === name) {
      if (found)
        return refuse('invalid_request', `The form names \`${name}\` more than once.`, { param: name })
      found = { start, end }
    }
    at = end + next.length
  }
  return body.length <= at + noMore.length + lineEnd.length ? allow(found) : malformed
}

function boundaryOf(contentType: string): string | undefined {
  const all = [...contentType.matchAll(/;\s*boundary\s*=\s*(?:"([^"\r\n]{1,70})"|([^\s;"]{1,70}))/gi)]
  return all.length === 1 ? (all[0]?.[1] ?? all[0]?.[2]) : undefined
}

/** From a part's headers. Undefined where they can be read in more than one way. */
function nameOf(headers: string): string | undefined {
  const dispositions = headers.match(/^content-disposition:.*$/gim) ?? []
  const [disposition = ''] = dispositions
  const names = [...disposition.matchAll(/;\s*name\s*(\*?)=\s*(?:"((?:[^"\\\r\n]|\\.)*)"|([^\s;"]+))/gi)]
  const [only] = names
  if (dispositions.length !== 1 || names.length !== 1 || !only || only[1] === '*') return undefined
  return (only[2] ?? only[3] ?? '').replace(/\\(.)/g, '$1')
}

function startsAt(body: Buffer, bytes: Buffer, at: number): boolean {
  return body.subarray(at, at + bytes.length).equals(bytes)
}

export function exchangePart(body: Buffer, { start, end }: Span, text: string): Buffer {
  return Buffer.concat([body.subarray(0, start), Buffer.from(text), body.subarray(end)])
}
