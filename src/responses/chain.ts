import type { Link } from './store.ts'

/** All that the model was shown and said, oldest first: of each response its input, then its output. */
export function historyOf(chain: readonly Link[]): unknown[] {
  return chain.flatMap(({ inputItems, output }) => [...(inputItems ?? []), ...(output ?? [])])
}

/** Providers' ids are short words; what is none cannot be found, and Postgres would choke on some of it. */
export function isResponseId(id: unknown): id is string {
  return typeof id === 'string' && /^[\x21-\x7e]{1,512}$/.test(id)
}
