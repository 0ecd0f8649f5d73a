import { type FSWatcher, readFileSync, watch } from 'node:fs'
import { dirname } from 'node:path'
import type { Clock } from '../clock.ts'

/** A change has settled when nothing more has happened for this long. */
const settleMs = 100
/** Some file systems tell nobody: this often, the file is looked at all the same. */
const pollMs = 5_000

/**
 * Calls `onChange` with a file's text whenever it has changed. The folder is watched, since editors and
 * orchestrators put a new file, or a new link, in the place of the old one. The returned function stops it.
 */
export function watchFile(file: string, clock: Clock, onChange: (text: string) => void): () => void {
  let last = read(file)
  let stopTimer = (): void => undefined

  const look = (): void => {
    stopTimer()
    stopTimer = clock.after(pollMs, look)
    const text = read(file)
    if (text === undefined || text === last) return
    last = text
    onChange(text)
  }
  const soon = (): void => {
    stopTimer()
    stopTimer = clock.after(settleMs, look)
  }

  let watcher: FSWatcher | undefined
  try {
    watcher = watch(dirname(file), { persistent: false }, soon)
    watcher.on('error', () => watcher?.close())
  } catch {
    watcher = undefined // polling alone
  }
  stopTimer = clock.after(pollMs, look)
  return () => {
    stopTimer()
    watcher?.close()
  }
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined // between the removal of the old one and the arrival of the new
  }
}
