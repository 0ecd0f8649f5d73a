import { closeSync, openSync, readFileSync, renameSync, writeFileSync, writeSync } from 'node:fs'
import type { IntentLog, IntentLogOptions } from './intents.ts'
import { insertIntents, recoverIntents, replaceIntents, vacuumIntents } from './store.ts'

/** Past this size the file is written anew with what is still under way: about ten thousand calls. */
const longestFile = 4 * 1024 * 1024
const vacuumEvery = 256

export interface FileIntentsOptions extends IntentLogOptions {
  path: string
  /** For the groups that a dead process left: a UUID that no living process has. */
  newUuid(): string
}

/**
 * Intents in a file beside the embedded database, a line for each group: an append costs microseconds where a
 * commit through the embedded Postgres costs half a millisecond of the processor. What is written is with the
 * kernel, so it outlives the process, though not a power cut; the embedded database promises the same.
 *
 * States of a line: appended (its calls are under way) → forgotten (they are in `calls`; the line is dead) → gone
 * with the next rewrite. A crash leaves lines of both kinds and perhaps half a line, whose attempts were never
 * made: the next start puts the whole lines into `call_intents` and recovers from there, where a call that has a
 * row in `calls` already is passed over.
 */
export function createFileIntents({
  database,
  instance,
  path,
  newUuid,
  companion,
}: FileIntentsOptions): IntentLog {
  const open = new Map<number, string>()
  let file = openSync(path, 'a', 0o600)
  let size = 0
  let published = 0

  const rewrite = (): void => {
    const lines = [...open.values()].join('')
    writeFileSync(`${path}.new`, lines, { mode: 0o600 })
    renameSync(`${path}.new`, path)
    closeSync(file)
    file = openSync(path, 'a', 0o600)
    size = Buffer.byteLength(lines)
  }

  return {
    gatherMs: 0,
    async append({ groupNo, attempts }) {
      if (size > longestFile) rewrite()
      const line = `\n${attempts}\n` // a full disk may have left half a line before it
      size += appendText(file, line)
      open.set(groupNo, line)
    },
    forget(groups) {
      for (const group of groups) open.delete(group)
    },
    async recover() {
      const lines = readFileSync(path, 'utf8').split('\n').filter(isWhole)
      const left = lines.map(line => line.slice(1, -1))
      if (left.length > 0)
        await insertIntents(database, newUuid(), { groupNo: 0, attempts: `[${left.join()}]` })
      const recovered = await recoverIntents(database, { instance, staleAfterMs: 0, companion })
      rewrite()
      return recovered
    },
    async publish() {
      const attempts = [...open.values()].map(line => line.slice(2, -2)).join()
      await replaceIntents(database, instance, open.size > 0 ? `[${attempts}]` : null)
      published += 1
      if (published % vacuumEvery === 0) await vacuumIntents(database)
    },
    async close() {
      if (open.size === 0) rewrite()
      closeSync(file)
    },
  }
}

/**
 * Gives the bytes written. A write to the kernel's cache takes some 5 µs; handing it to a thread takes 20, and
 * then it waits for its turn on a processor.
 */
function appendText(file: number, text: string): number {
  const bytes = Buffer.from(text)
  let written = 0
  while (written < bytes.length) written += writeSync(file, bytes, written)
  return bytes.length
}

/** A disk that was full can leave half a line in the middle of the file, too. */
function isWhole(attempts: string): boolean {
  try {
    return Array.isArray(JSON.parse(attempts))
  } catch {
    return false
  }
}
