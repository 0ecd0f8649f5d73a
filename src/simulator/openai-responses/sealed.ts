import { hashed } from './ids.ts'

/**
 * `encrypted_content` of a reasoning item: opaque to everybody else, and of use to the provider that made it alone.
 * It can be told from another's, from one that was changed on its way, and from the early form that a stream shows
 * before the reasoning is over.
 */
export function seal(seed: number, id: string, tokens: number): string {
  const thought = `${id} ${tokens}`
  return Buffer.from(`sim-reasoning ${thought} ${hashed(seed, thought)}`).toString('base64')
}

export function isSealed(seed: number, sealed: string): boolean {
  const [name, id = '', tokens = '', mark] = Buffer.from(sealed, 'base64').toString().split(' ')
  return name === 'sim-reasoning' && Number(tokens) > 0 && seal(seed, id, Number(tokens)) === sealed && !!mark
}
