import type { Signature } from '#exchange'
import { isObject } from '../json-body.ts'
import { optionalArray, requiredObject } from '../reading.ts'
import { readSignature, writeSignature } from '../signature.ts'

/*
 * The parts of Google's JSON that are not plain: names in either spelling, bytes in either alphabet, seals that must
 * be base64.
 */

export type Json = Readonly<Record<string, unknown>>

/**
 * An object whose fields may be written `system_instruction` or `systemInstruction`: Google takes both
 * (protobuf.dev, ProtoJSON), and many of its own examples use the former. Its values stay as they are.
 */
export function camelFields(value: unknown, path: string): Json {
  const json = requiredObject(value, path)
  if (!Object.keys(json).some(isSnake)) return json
  return Object.fromEntries(
    Object.entries(json).map(([name, inner]) => [isSnake(name) ? camel(name) : name, inner]),
  )
}

/** A list; Google takes a single object for a list of one, and older SDKs and its own examples have it so. */
export function repeated(json: Json, field: string, path = field): readonly unknown[] | undefined {
  const value = json[field]
  return isObject(value) ? [value] : optionalArray(json, field, path)
}

function isSnake(name: string): boolean {
  return name.indexOf('_', 1) !== -1 && /^[a-z]/.test(name)
}

function camel(name: string): string {
  return name.replace(/_([a-z0-9])/g, (_all, letter: string) => letter.toUpperCase())
}

/** Bytes may be written in the URL alphabet and without padding; the other dialects want neither. */
export function plainBase64(text: string): string {
  const plain = text.replaceAll('-', '+').replaceAll('_', '/')
  return plain.endsWith('=') ? plain : plain.padEnd(Math.ceil(plain.length / 4) * 4, '=')
}

/** How `sluice1:` begins in base64. */
export const foreignSealMark = 'c2x1aWNlMT'

/** What Google documents for calls whose seal is lost (ai.google.dev/gemini-api/docs/thought-signatures). */
export const lostSeal = 'skip_thought_signature_validator'

/** A `thoughtSignature` is bytes: several SDKs decode it, so another dialect's goes in base64 too. */
export function writeSeal(signature: Signature): string {
  const text = writeSignature(signature, 'gemini')
  return signature.dialect === 'gemini' ? text : Buffer.from(text).toString('base64')
}

export function readSeal(value: unknown): Signature | undefined {
  if (typeof value !== 'string' || value === '') return undefined
  const text = value.startsWith(foreignSealMark) ? Buffer.from(value, 'base64').toString() : value
  return readSignature(text, 'gemini', 'seal')
}

/** A string with something in it. */
export function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}
