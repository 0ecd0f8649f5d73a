import { hash, hexOf, mix } from './dice.ts'

/**
 * The seal that a provider puts on what a model thought, so that it knows its own when it comes back. Opaque to
 * callers: base64 of a mark, the hash of the text and what only the simulator makes of it.
 */
export function sign(text: string): string {
  const sum = hash(text)
  return Buffer.from(`sim1.${sum}.${hexOf(mix(sum), sum, 8)}`).toString('base64')
}

/** Whether the simulator made this seal; if there is a text, for this text. Without it the seal stands alone. */
export function isSigned(signature: string, text = ''): boolean {
  const [mark, sum, proof] = Buffer.from(signature, 'base64').toString().split('.')
  if (mark !== 'sim1' || sum === undefined) return false
  const number = Number(sum)
  return proof === hexOf(mix(number), number, 8) && (text === '' || number === hash(text))
}
