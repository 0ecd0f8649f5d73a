import assert from 'node:assert/strict'

/** Between a request that failed and the next: all that a crowd does while nobody answers. */
const restMs = 200

/** How a request ended, as its caller saw it. */
export interface Heard {
  tag: string
  stream: boolean
  /** `whole`: with every byte of its answer. `broken`: not answered, or not to the end. */
  end: 'whole' | 'refused' | 'broken'
  status?: number
  code?: string | undefined
  tookMs: number
}

export interface CrowdOptions {
  /** `http://127.0.0.1:PORT`. */
  url: string
  key: string
  callers: number
  /** Begins the name of every request; they are told apart by it on the bill and on record. */
  name: string
  /** What the n-th request asks for. */
  script(n: number): string
}

/**
 * Callers that never rest: each asks, plain and streamed in turn, hears the end, and asks again, under a new name
 * each time; also while nobody answers.
 */
export class Crowd {
  readonly #options: CrowdOptions
  readonly #callers: Promise<void>[]
  readonly heard: Heard[] = []
  #asked = 0
  #over = false

  constructor(options: CrowdOptions) {
    this.#options = options
    this.#callers = Array.from({ length: options.callers }, () => this.#call())
  }

  get whole(): number {
    return this.heard.filter(({ end }) => end === 'whole').length
  }

  /** Lets everybody hear the end of what they have asked. */
  async stop(): Promise<Heard[]> {
    this.#over = true
    await Promise.all(this.#callers)
    return this.heard
  }

  async #call(): Promise<void> {
    while (!this.#over) {
      const n = this.#asked++
      const stream = n % 2 === 1
      const tag = `${this.#options.name}-${n}`
      const beganAtMs = performance.now()
      const end = await this.#ask(n, tag, stream).catch(() => ({ end: 'broken' }) as const)
      this.heard.push({ tag, stream, ...end, tookMs: performance.now() - beganAtMs })
      if (end.end !== 'whole') await new Promise(resolve => setTimeout(resolve, restMs))
    }
  }

  async #ask(n: number, tag: string, stream: boolean): Promise<Pick<Heard, 'end' | 'status' | 'code'>> {
    const { url, key, script } = this.#options
    const answer = await fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${key}`,
        'content-type': 'application/json',
        'x-sluice-feature': tag,
        'x-sim-request': tag,
      },
      body: JSON.stringify({
        model: `up/sim-1?${script(n)}`,
        stream,
        messages: [{ role: 'user', content: `Lighthouse ${tag}` }],
      }),
    })
    const { status } = answer
    const text = await answer.text()
    if (status !== 200) return { end: 'refused', status, code: codeOf(text) }
    const isWhole = stream
      ? text.endsWith('data: [DONE]\n\n') && !text.includes('"error"')
      : 'choices' in parse(text)
    return { end: isWhole ? 'whole' : 'broken', status }
  }
}

function codeOf(text: string): string | undefined {
  const { error } = parse(text) as { error?: { code?: string } }
  return error?.code
}

function parse(text: string): object {
  const value: unknown = JSON.parse(text)
  assert.ok(typeof value === 'object' && value !== null)
  return value
}
