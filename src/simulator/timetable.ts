import { ApiError } from './api-error.ts'
import { readDuration, readWord } from './knob-values.ts'
import { mistake, readScript } from './script.ts'

/** What meets a new connection: served; refused by the system; reset; accepted and left alone; closed at its first bytes. */
export type Door = 'open' | 'shut' | 'reset' | 'silent' | 'cut'

const doors: Readonly<Record<string, Door>> = {
  open: 'open',
  shut: 'shut',
  reset: 'reset',
  silent: 'silent',
  cut: 'cut',
}
const maxLines = 1000
const maxTextLength = 64 * 1024

/** A script that holds for a span of time, again after each period. Milliseconds since the weather was set. */
interface Spell {
  script: string
  door: Door | undefined
  fromMs: number
  untilMs: number
  /** 0: it comes once. */
  periodMs: number
}

/** The knobs that only a line of weather has. */
export const spellKnobs = ['at', 'until', 'again', 'door'] as const

/**
 * Weather by time: one script a line, each with `at`, `until` and `again` if it is not to hold for ever. Where lines
 * overlap, the later one wins, knob by knob.
 */
export class Timetable {
  readonly text: string
  readonly #spells: readonly Spell[]
  /** Nothing depends on the time; then this holds. */
  readonly #constant: string | undefined

  private constructor(text: string, spells: readonly Spell[]) {
    this.text = text
    this.#spells = spells
    const still = spells.every(spell => spell.fromMs === 0 && spell.untilMs === Number.POSITIVE_INFINITY)
    this.#constant = still ? spells.map(spell => spell.script).join('&') : undefined
  }

  static readonly fair = new Timetable('', [])

  /** Reads the lines, and says what is wrong with the first that is. */
  static read(text: string): Timetable | ApiError {
    const lines = text
      .split('\n')
      .map(line => line.trim())
      .filter(line => line !== '' && !line.startsWith('#'))
    if (lines.length > maxLines || text.length > maxTextLength) {
      return mistake(`Weather has at most ${maxLines} lines and ${maxTextLength} characters.`)
    }
    const spells: Spell[] = []
    for (const line of lines) {
      const spell = readSpell(line)
      if (spell instanceof ApiError) return spell
      spells.push(spell)
    }
    return new Timetable(text, spells)
  }

  /** The script that holds after so much time. */
  scriptAt(ms: number): string {
    if (this.#constant !== undefined) return this.#constant
    const active = this.#spells.filter(spell => isOn(spell, ms) && spell.script !== '')
    return active.map(spell => spell.script).join('&')
  }

  doorAt(ms: number): Door {
    return this.#spells.findLast(spell => spell.door !== undefined && isOn(spell, ms))?.door ?? 'open'
  }

  /** When the door may be another, later than `ms`; `undefined`: never. */
  nextDoorMs(ms: number): number | undefined {
    const turns = this.#spells.flatMap(spell => (spell.door === undefined ? [] : turnsAfter(spell, ms)))
    return turns.length === 0 ? undefined : Math.min(...turns)
  }
}

function isOn({ fromMs, untilMs, periodMs }: Spell, ms: number): boolean {
  if (ms < fromMs) return false
  const since = periodMs > 0 ? (ms - fromMs) % periodMs : ms - fromMs
  return since < untilMs - fromMs
}

/** The nearest time when it comes, or goes. */
function turnsAfter({ fromMs, untilMs, periodMs }: Spell, ms: number): number[] {
  const round = periodMs > 0 && ms >= fromMs ? Math.floor((ms - fromMs) / periodMs) * periodMs : 0
  const next = periodMs > 0 ? [fromMs + round + periodMs] : []
  return [fromMs + round, untilMs + round, ...next].filter(at => at > ms && at < Number.POSITIVE_INFINITY)
}

function readSpell(line: string): Spell | ApiError {
  const knobs = new URLSearchParams(line)
  const read = (name: 'at' | 'until' | 'again', otherwise: number): number | undefined => {
    const value = knobs.get(name)
    return value === null ? otherwise : readDuration(value)
  }
  const fromMs = read('at', 0)
  const untilMs = read('until', Number.POSITIVE_INFINITY)
  const periodMs = read('again', 0)
  if (fromMs === undefined || untilMs === undefined || periodMs === undefined) {
    return mistake(`'at', 'until' and 'again' are durations, in '${line}'.`)
  }
  if (untilMs <= fromMs) return mistake(`'until' comes after 'at', in '${line}'.`)
  if (knobs.has('again') && !(periodMs >= untilMs - fromMs && periodMs > 0)) {
    return mistake(`'again' is as long as the span from 'at' to 'until', or longer, in '${line}'.`)
  }
  const doorText = knobs.get('door')
  const door = doorText === null ? undefined : readWord(doorText, doors)
  if (doorText !== null && door === undefined) {
    return mistake(`'door' is one of ${Object.keys(doors).join(', ')}, in '${line}'.`)
  }
  if (door === 'shut' && untilMs === Number.POSITIVE_INFINITY) {
    return mistake("A door that is shut has an 'until': nobody could come in to open it.")
  }
  for (const name of spellKnobs) knobs.delete(name)
  const script = knobs.toString()
  const wrong = readScript([script])
  return wrong instanceof ApiError ? wrong : { script, door, fromMs, untilMs, periodMs }
}
