/** What Anthropic takes as the id of a tool's use. */
const pattern = /^[a-zA-Z0-9_-]+$/

/**
 * A tool call's id as Anthropic takes it: as it is where it fits, else with what does not fit replaced and a digest of
 * the whole, so that two that differ stay two. The same id always gives the same one, on both sides of a call.
 */
export function toolUseId(id: string): string {
  if (pattern.test(id)) return id
  return `${id.replace(/[^a-zA-Z0-9_-]/g, '_').slice(0, 48)}_${digest(id)}`
}

/** FNV-1a, 32 bits: short and stable; nothing depends on its being hard to guess. */
function digest(text: string): string {
  let hash = 0x811c9dc5
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0
  return hash.toString(16).padStart(8, '0')
}
