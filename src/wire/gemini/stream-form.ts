import type { IncomingRequest } from '#exchange'

/**
 * A stream comes as server-sent events where `alt=sse` asks for them; otherwise as one JSON array whose elements
 * arrive one by one (cloud.google.com/apis/docs/system-parameters).
 */
export function wantsEvents(request: IncomingRequest): boolean {
  return request.query.alt === 'sse'
}

/** Frames the elements of one stream. */
export interface StreamForm {
  element(json: string): string
  end(): string
}

export function createStreamForm(request: IncomingRequest): StreamForm {
  if (wantsEvents(request)) return { element: json => `data: ${json}\r\n\r\n`, end: () => '' }
  let begun = false
  return {
    element(json) {
      const text = begun ? `\n,\n${json}` : `[${json}`
      begun = true
      return text
    },
    end: () => (begun ? '\n]' : '[]'),
  }
}
