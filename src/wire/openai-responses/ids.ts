/** Ids of items in an answer that we write: a prefix by kind, the call's digits, a number. */
export function itemId(prefix: string, hex: string, number: number): string {
  return `${prefix}_${hex}_${number}`
}

/** Whether an id is one of ours, which no provider can know. */
export function isOurs(id: unknown): boolean {
  return typeof id === 'string' && /^[a-z]+_[0-9a-f]{32}_\d+$/.test(id)
}
