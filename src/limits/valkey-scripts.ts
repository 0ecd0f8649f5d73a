import { readFileSync } from 'node:fs'
import { type Script, valkeyScript } from '#platform'

/**
 * The steps of the store as the server runs them. `redis.` in them is the name that Valkey keeps for what it also calls
 * `server.`: they run on Redis 7 as well.
 */
export interface LimitScripts {
  reserve: Script
  settle: Script
  read: Script
  add: Script
  claim: Script
  enter: Script
  declare: Script
  gathered: Script
  place: Script
  filled: Script
  beat: Script
  mine: Script
  purge: Script
}

export function readLimitScripts(): LimitScripts {
  const epoch = textOf('epoch')
  const counters = `${epoch}${textOf('exact')}${textOf('counter')}`
  const holds = `${counters}${textOf('hold')}`
  const script = (before: string, name: string): Script => valkeyScript(before + textOf(name))
  return {
    reserve: script(holds, 'reserve'),
    settle: script(holds, 'settle'),
    read: script(counters, 'read'),
    add: script(counters, 'add'),
    claim: script(epoch, 'claim'),
    enter: script(epoch, 'enter'),
    declare: script(holds, 'declare'),
    gathered: script(epoch, 'gathered'),
    place: script(holds, 'place'),
    filled: script(epoch, 'filled'),
    beat: script(holds, 'beat'),
    mine: script(epoch, 'mine'),
    purge: script('', 'purge'),
  }
}

function textOf(name: string): string {
  return `${readFileSync(new URL(`./scripts/${name}.lua`, import.meta.url), 'utf8')}\n`
}
