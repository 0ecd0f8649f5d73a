import type { Chance, Clock } from '#platform'
import { ApiError, badRequest } from './api-error.ts'
import { createDice, hash } from './dice.ts'
import type { Failure } from './failures.ts'
import { failsNow, readScript, type Script } from './script.ts'
import { type Door, Timetable } from './timetable.ts'

/** What one call is to be: the model without its script, the script, and the failure if this is a call that fails. */
export interface Cue {
  model: string
  script: Script
  failure: Failure | undefined
}

/** Names with a script of their own. Any other name is served as well, plainly. */
export const wellKnownModels: readonly { id: string; script: string; listed: boolean }[] = [
  { id: 'sim-1', script: '', listed: true },
  { id: 'sim-live', script: 'ttft=300ms&pace=25ms', listed: true },
  { id: 'sim-thinker', script: 'ttft=1s&pace=25ms&reasoning=256', listed: true },
  { id: 'sim-flaky', script: 'fail=500&rate=0.2', listed: true },
  { id: 'sim-down', script: 'fail=503', listed: true },
  { id: 'sim-embed', script: '', listed: true },
  { id: 'sim-missing', script: 'fail=404', listed: false },
]

/** How many different scripts are remembered with their counts; the oldest goes first. */
const maxScripts = 10_000

const presets = new Map(wellKnownModels.map(model => [model.id, model.script]))

/**
 * Reads scripts and counts their calls. What the model's name says is overruled by the header; what holds for
 * everybody (the weather) is overruled by both.
 */
export class Playbook {
  readonly #seed: number
  readonly #chance: Chance | undefined
  readonly #known = new Map<string, { model: string; script: Script | ApiError; calls: number }>()
  readonly #clock: Clock
  #weather = Timetable.fair
  #weatherSetAt = 0

  constructor(options: { seed: number; clock: Clock; chance?: Chance | undefined }) {
    this.#seed = options.seed
    this.#clock = options.clock
    this.#chance = options.chance
  }

  /** The weather as it was set, how long ago, and the script that holds at this moment. */
  get weather(): { script: string; elapsedMs: number; now: string } {
    const elapsedMs = this.#elapsedMs()
    return { script: this.#weather.text, elapsedMs, now: this.#weather.scriptAt(elapsedMs) }
  }

  /** Sets what holds for every call, by time, from now on; empty: fair. Says what is wrong with it, if so. */
  setWeather(text: string): ApiError | undefined {
    const read = Timetable.read(text)
    if (read instanceof ApiError) return read
    this.#weather = read
    this.#weatherSetAt = this.#clock.monotonic()
    return undefined
  }

  get door(): Door {
    return this.#weather.doorAt(this.#elapsedMs())
  }

  /** Until the door may be another; `undefined`: it will not. */
  get nextDoorMs(): number | undefined {
    const elapsedMs = this.#elapsedMs()
    const next = this.#weather.nextDoorMs(elapsedMs)
    return next === undefined ? undefined : next - elapsedMs
  }

  #elapsedMs(): number {
    return this.#clock.monotonic() - this.#weatherSetAt
  }

  /** `counting`: a call that only counts tokens, which does not disturb the count of the others. */
  cue(name: string, header: string, counting = false): Cue | ApiError {
    const weather = this.#weather.scriptAt(this.#elapsedMs())
    const key = `${name}\n${header}\n${weather}${counting ? '\ncount' : ''}`
    const known = this.#known.get(key) ?? this.#learn(key, { name, header, weather })
    if (known.script instanceof ApiError) return known.script
    known.calls += 1
    const { model, script, calls } = known
    const roll = (): number => this.#chance?.random() ?? createDice(hash(key, this.#seed) + calls).roll()
    return { model, script, failure: failsNow(script, calls, roll) ? script.fail : undefined }
  }

  #learn(key: string, { name, header, weather }: { name: string; header: string; weather: string }) {
    const at = name.indexOf('?')
    const model = at < 0 ? name : name.slice(0, at)
    const own = at < 0 ? '' : name.slice(at + 1)
    const script =
      model === ''
        ? badRequest('The model has a script, but no name.', 'invalid_script', 'model')
        : readScript([presets.get(model) ?? '', weather, own, header])
    if (this.#known.size >= maxScripts) this.#known.delete(this.#known.keys().next().value ?? '')
    const learned = { model, script, calls: 0 }
    this.#known.set(key, learned)
    return learned
  }
}
