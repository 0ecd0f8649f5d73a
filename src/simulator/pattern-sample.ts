import type { Dice } from './dice.ts'

const digits = '0123456789'
const letters = 'abcdefghijklmnopqrstuvwxyz'
const wordCharacters = `${letters}${letters.toUpperCase()}${digits}_`
const printable = Array.from({ length: 95 }, (_, at) => String.fromCharCode(32 + at)).join('')
const maxLength = 1000
const maxSteps = 10_000

/**
 * A text that matches a regular expression as schemas use them: literals, classes, groups, alternatives, counts.
 * `undefined` for what it cannot do (assertions, back references, properties).
 */
export function samplePattern(pattern: string, dice: Dice): string | undefined {
  const reader = new PatternReader(pattern, dice)
  const text = reader.alternatives()
  return reader.done && text.length <= maxLength ? text : undefined
}

/** Reads a pattern and makes the text while reading. Whatever it does not know makes it stop, and not be done. */
class PatternReader {
  readonly #pattern: string
  readonly #dice: Dice
  #at = 0
  #lost = false
  #steps = 0

  constructor(pattern: string, dice: Dice) {
    this.#pattern = pattern
    this.#dice = dice
  }

  get done(): boolean {
    return !this.#lost && this.#at === this.#pattern.length
  }

  alternatives(): string {
    const options = [this.#sequence()]
    while (this.#accept('|')) options.push(this.#sequence())
    return options[this.#dice.below(options.length)] ?? ''
  }

  #sequence(): string {
    let text = ''
    while (!this.#lost && this.#at < this.#pattern.length && !'|)'.includes(this.#peek())) {
      if (this.#accept('^') || this.#accept('$')) continue
      const from = this.#at
      const first = this.#atom()
      const to = this.#at
      const [least, most] = this.#count()
      const count = least + this.#dice.below(most - least + 1)
      const end = this.#at
      if (count > 0) text += first
      for (let times = 1; times < count && !this.#lost && text.length <= maxLength; times += 1)
        text += this.#again(from, to)
      this.#at = end
    }
    return text
  }

  /** The same atom once more, with other chances. */
  #again(from: number, to: number): string {
    this.#at = from
    const text = this.#atom()
    if (this.#at !== to) this.#lost = true
    return text
  }

  #atom(): string {
    this.#steps += 1
    if (this.#steps > maxSteps) this.#lost = true
    if (this.#lost) return ''
    if (this.#accept('(')) return this.#group()
    if (this.#accept('[')) return this.#pick(this.#class())
    if (this.#accept('.')) return this.#pick(letters)
    if (this.#accept('\\')) return this.#pick(this.#escape())
    const point = String.fromCodePoint(this.#pattern.codePointAt(this.#at) ?? 32)
    this.#at += point.length
    if ('*+?{'.includes(point)) this.#lost = true
    return point
  }

  #group(): string {
    if (this.#accept('?') && !this.#accept(':')) {
      const name = /^<[A-Za-z_]\w*>/.exec(this.#pattern.slice(this.#at))?.[0]
      if (name === undefined) this.#lost = true
      else this.#at += name.length
    }
    const text = this.alternatives()
    if (!this.#accept(')')) this.#lost = true
    return text
  }

  #count(): [number, number] {
    const found = /^(?:[*+?]|\{(\d{1,4})(,(\d{0,4}))?\})\??/.exec(
      this.#pattern.slice(this.#at, this.#at + 16),
    )
    if (!found) return [1, 1]
    this.#at += found[0].length
    const [sign, least = '', comma, most = ''] = found
    if (sign.startsWith('*')) return [0, 3]
    if (sign.startsWith('+')) return [1, 4]
    if (sign.startsWith('?')) return [0, 1]
    const from = Number(least)
    return [from, comma === undefined ? from : most === '' ? from + 3 : Math.max(from, Number(most))]
  }

  /** The characters of a class, without its brackets. */
  #class(): string {
    const excludes = this.#accept('^')
    let members = ''
    while (this.#at < this.#pattern.length && !this.#accept(']')) {
      const member = this.#accept('\\') ? this.#escape() : this.#next()
      if (member.length === 1 && this.#peek() === '-' && this.#pattern[this.#at + 1] !== ']') {
        this.#at += 1
        members += range(member, this.#accept('\\') ? this.#escape() : this.#next())
      } else members += member
    }
    return excludes ? [...printable].filter(character => !members.includes(character)).join('') : members
  }

  /** The characters that an escape stands for. */
  #escape(): string {
    const letter = this.#next()
    switch (letter) {
      case 'd':
        return digits
      case 'w':
        return wordCharacters
      case 's':
        return ' '
      case 'D':
        return letters
      case 'W':
        return ' .-'
      case 'S':
        return letters
      case 'n':
        return '\n'
      case 't':
        return '\t'
      case 'b':
        return ''
      default:
        if (/[A-Za-z0-9]/.test(letter)) this.#lost = true
        return letter
    }
  }

  #pick(characters: string): string {
    return characters === '' ? '' : characters.charAt(this.#dice.below(characters.length))
  }

  #peek(): string {
    return this.#pattern.charAt(this.#at)
  }

  #next(): string {
    this.#at += 1
    return this.#pattern.charAt(this.#at - 1)
  }

  #accept(character: string): boolean {
    if (this.#peek() !== character) return false
    this.#at += 1
    return true
  }
}

function range(from: string, to: string): string {
  const first = from.charCodeAt(0)
  const count = Math.min(to.charCodeAt(0) - first + 1, 256)
  return count < 1 ? '' : Array.from({ length: count }, (_, at) => String.fromCharCode(first + at)).join('')
}
