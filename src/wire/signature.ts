import type { Dialect, Signature } from '#exchange'

/** Marks a seal that a caller's dialect carries for another: `sluice1:DIALECT:KIND:VALUE`. */
const prefix = 'sluice1:'

/** A signature as a text for a caller of `dialect`: as it is when that dialect made it, else with its maker's name. */
export function writeSignature(signature: Signature, dialect: Dialect): string {
  if (signature.dialect === dialect) return signature.value
  return `${prefix}${signature.dialect}:${signature.kind}:${signature.value}`
}

/** Reads what `writeSignature` wrote; any other text is one of `dialect` itself, of the kind that stands there. */
export function readSignature(text: string, dialect: Dialect, kind: Signature['kind']): Signature {
  const [, maker, makersKind, value] = /^sluice1:([a-z-]+):(seal|sealed|reference):(.*)$/s.exec(text) ?? []
  if (maker === undefined || makersKind === undefined || value === undefined)
    return { dialect, kind, value: text }
  return { dialect: maker as Dialect, kind: makersKind as Signature['kind'], value }
}
