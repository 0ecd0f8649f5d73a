import type { Clock } from '#platform'
import type { ThoughtMemory, Thoughts } from '#wire'

/** Of all that is remembered, in characters; thinking is a few thousand a call. */
const mostCharacters = 16 * 1024 * 1024
/** A conversation with tools goes on within minutes. */
const keptMs = 60 * 60 * 1000

interface Remembered {
  thoughts: Thoughts
  size: number
  untilMs: number
}

/** What models thought before they called tools, for each tenant apart; this process's alone, and bounded. */
export interface ThoughtMemories {
  of(tenant: string): ThoughtMemory
}

export function createThoughtMemories({ clock }: { clock: Clock }): ThoughtMemories {
  const kept = new Map<string, Remembered>() // oldest first
  let characters = 0
  const drop = (key: string): void => {
    characters -= kept.get(key)?.size ?? 0
    kept.delete(key)
  }
  return {
    of: tenant => ({
      remember(callId, thoughts) {
        const key = JSON.stringify([tenant, callId])
        const size = key.length + JSON.stringify(thoughts).length
        drop(key)
        kept.set(key, { thoughts, size, untilMs: clock.now() + keptMs })
        characters += size
        for (const oldest of kept.keys()) {
          if (characters <= mostCharacters) break
          drop(oldest)
        }
      },
      recall(callId) {
        const found = kept.get(JSON.stringify([tenant, callId]))
        return found && found.untilMs > clock.now() ? found.thoughts : undefined
      },
    }),
  }
}
