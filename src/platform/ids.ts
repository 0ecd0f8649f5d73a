import type { Chance } from './chance.ts'
import type { Clock } from './clock.ts'

/**
 * Makes UUIDs of version 7 (RFC 9562): they sort by time, and by order of making within one process. As 32 hex
 * digits without dashes: what ids are made of here, and Postgres takes them as they are.
 */
export function createUuids(clock: Clock, chance: Chance): () => string {
  let lastMs = 0
  let sequence = 0
  return () => {
    const now = clock.now()
    if (now > lastMs) {
      lastMs = now
      sequence = chance.bytes(2).readUInt16BE() & 0x7ff
    } else {
      sequence += 1
      if (sequence > 0xfff) {
        lastMs += 1 // more than 4,096 in a millisecond, or the clock went back: run ahead rather than repeat
        sequence = 0
      }
    }
    const bytes = chance.bytes(16)
    bytes.writeUIntBE(lastMs, 0, 6)
    bytes.writeUInt16BE(0x7000 | sequence, 6)
    bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8)
    return bytes.toString('hex')
  }
}
