import type { Usage } from './usage.ts'

/** A request for vectors, in the words of no dialect. */
export interface EmbeddingsRequest {
  inputs: readonly (string | readonly number[])[]
  dimensions?: number
  /** Gemini's: RETRIEVAL_QUERY, SEMANTIC_SIMILARITY, …; and the title of a document. */
  taskType?: string
  title?: string
  user?: string
  /** Fields of the caller's dialect that have no word here. */
  extras: readonly { field: string; value: unknown; weight: 'meaning' | 'hint' }[]
}

export interface EmbeddingsAnswer {
  model?: string
  /** In the order of the inputs. */
  vectors: readonly (readonly number[])[]
  usage?: Usage
}
