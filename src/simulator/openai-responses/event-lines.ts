/** For tests: one event of a stream, as it stands on the wire. */
export interface StreamEvent {
  /** The `event:` line. */
  name: string
  // biome-ignore lint/suspicious/noExplicitAny: what its shape is, is what the tests are to show
  data: any
}

export function readEvents(text: string): StreamEvent[] {
  return text
    .split('\n\n')
    .filter(frame => frame !== '')
    .map(frame => {
      const [, name = '', data = ''] = /^event: (.*)\ndata: (.*)$/.exec(frame) ?? []
      return { name, data: JSON.parse(data) }
    })
}
