/**
 * The simulator's own tokenizer. A token is, whichever comes first: up to 16 letters or digits with at most one
 * space before them; one other visible character with at most one space before it; a run of white space.
 * So the pieces joined are the text again, and there are never more tokens than bytes.
 */
const piece = / ?[\p{L}\p{M}\p{N}]{1,16}| ?[^\s\p{L}\p{M}\p{N}]|\s+/gu

export function tokenize(text: string): string[] {
  return text.match(piece) ?? []
}

export function countTokens(text: string): number {
  return text === '' ? 0 : tokenize(text).length
}
