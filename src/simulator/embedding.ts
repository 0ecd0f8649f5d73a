import { hash, mix } from './dice.ts'
import { tokenize } from './tokens.ts'

/**
 * Feature hashing (Weinberger et al., 2009): each word and each run of three letters in it is hashed to one
 * dimension and a sign, and the sum is brought to length 1. Texts that share words are near each other; meaning is
 * not understood. The same text has the same vector, whatever the seed.
 */
export function embed(input: string | readonly number[], dimensions: number): Float32Array {
  const sum = new Float32Array(dimensions)
  const add = (feature: number, weight: number): void => {
    const sign = mix(feature ^ 0x5bd1e995) & 1 ? 1 : -1
    sum[feature % dimensions]! += sign * weight
  }
  if (typeof input === 'string') addText(input, add)
  else for (const token of input) add(mix(token), 1)
  return normalize(sum)
}

function addText(text: string, add: (feature: number, weight: number) => void): void {
  for (const token of tokenize(text.normalize('NFKC').toLowerCase())) {
    const word = token.trim()
    const isWord = /[\p{L}\p{N}]/u.test(word)
    add(hash(word), isWord ? 1 : 0.1)
    const framed = `^${word}$`
    for (let at = 0; isWord && at + 3 <= framed.length; at += 1) add(hash(framed.slice(at, at + 3)), 0.3)
  }
}

function normalize(vector: Float32Array): Float32Array {
  let squares = 0
  for (const value of vector) squares += value * value
  if (squares === 0) {
    vector[0] = 1 // nothing to go by, or all of it cancelled out: still a vector of length 1
    return vector
  }
  const length = Math.sqrt(squares)
  for (let at = 0; at < vector.length; at += 1) vector[at]! /= length
  return vector
}
