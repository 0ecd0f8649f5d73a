const pieces = /"(?:content|text)":("(?:[^"\\]|\\.)*")/g

/**
 * The text of an answer, whole or in events, of Chat Completions or Messages: in both, the words stand in strings
 * under `content` and `text`. What was cut off in the middle of a string is not there.
 */
export function readText(bytes: string): string {
  let text = ''
  for (const [, quoted = '""'] of bytes.matchAll(pieces)) text += String(JSON.parse(quoted))
  return text
}
