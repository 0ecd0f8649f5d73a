import { hash, hexOf } from '../dice.ts'

export const idPrefix = 'resp_'

/** An item's id, made from its response's: `role` tells what it is to the response, `index` which. */
export function itemId(
  kind: 'msg' | 'rs' | 'fc',
  responseId: string,
  role: 'in' | 'out',
  index: number,
): string {
  const place = (role === 'in' ? 0x8000 : 0) + index
  return `${kind}_${responseId.slice(idPrefix.length)}${place.toString(16).padStart(4, '0')}`
}

/** 16 hexadecimal digits that belong to this seed and text. */
export function hashed(seed: number, text: string): string {
  return hexOf(seed, hash(text), 2)
}
