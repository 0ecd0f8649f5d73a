import type { TSchema } from 'typebox'
import type { Caller } from './call.ts'

/** Who may use a route. `edge/` refuses a route that does not say. */
export type Requirement = 'nothing' | 'key' | 'admin'

/** One address of our own API, declared by the domain it belongs to; `edge/` serves and documents it. */
export interface Route {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  /** With parameters in braces, as OpenAPI writes them: `/sluice/v1/keys/{id}`. */
  path: string
  requires: Requirement
  summary: string
  params?: TSchema
  query?: TSchema
  body?: TSchema
  /** Status and shape of the answer. */
  answer: { status: number; schema: TSchema }
  /**
   * Returns the JSON body of the answer, or a `StreamedAnswer`; refuses by throwing a `Fault`. Input is validated
   * already.
   */
  handle(input: RouteInput): Promise<unknown>
}

/** An answer that is longer than what one would hold: it is made at the pace of its reader. */
export class StreamedAnswer {
  readonly contentType: string
  readonly chunks: AsyncIterable<string>

  constructor(contentType: string, chunks: AsyncIterable<string>) {
    this.contentType = contentType
    this.chunks = chunks
  }
}

export interface RouteInput {
  // biome-ignore lint/suspicious/noExplicitAny: the shapes are what the route's own schemas say
  params: any
  // biome-ignore lint/suspicious/noExplicitAny: as above
  query: any
  // biome-ignore lint/suspicious/noExplicitAny: as above
  body: any
  caller: Caller
  headers: Readonly<Record<string, string | string[] | undefined>>
}
