import type { TestContext } from 'node:test'
import type { Clock } from '#platform'
import type { Bill } from './bill.ts'
import { createSimulator } from './simulator.ts'

/** For tests: a simulator behind a real socket, on time that is turned by hand. */
export interface Stage {
  url: string
  /** The server's root, without `/v1`. */
  root: string
  bill: Bill
  clock: HandClock
  /** A chat with one user message; `more` goes into the body. */
  chat(model: string, more?: object, headers?: Record<string, string>): Promise<Response>
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Response>
}

export interface HandClock extends Clock {
  /** Resolves as soon as somebody waits for this clock. */
  awaited(): Promise<void>
  /** Whether somebody waits for this clock now. */
  waiting(): boolean
  advance(ms: number): void
}

export async function setStage(t: TestContext, seed: string | number = 'test'): Promise<Stage> {
  const clock = createHandClock()
  const simulator = createSimulator({ seed, clock })
  const { url } = await simulator.listen({ host: '127.0.0.1', port: 0 })
  t.after(() => simulator.close())
  const post: Stage['post'] = (path, body, headers = {}) =>
    fetch(url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
      redirect: 'manual',
    })
  return {
    url,
    root: url.replace(/\/v1$/, ''),
    bill: simulator.bill,
    clock,
    post,
    chat(model, more = {}, headers = {}) {
      const messages = [{ role: 'user', content: 'Tell me about lighthouses, please.' }]
      return post('/chat/completions', { model, messages, ...more }, headers)
    },
  }
}

export function createHandClock(): HandClock {
  let nowMs = 0
  let timers: { dueMs: number; work: () => void }[] = []
  let notify: (() => void) | undefined
  return {
    now: () => Date.UTC(2026, 2, 14) + nowMs,
    monotonic: () => nowMs,
    after(ms, work) {
      const timer = { dueMs: nowMs + ms, work }
      timers.push(timer)
      notify?.()
      return () => {
        timers = timers.filter(one => one !== timer)
      }
    },
    waiting: () => timers.length > 0,
    async awaited() {
      if (timers.length === 0) await new Promise<void>(resolve => (notify = resolve))
      notify = undefined
    },
    advance(ms) {
      nowMs += ms
      const due = timers.filter(timer => timer.dueMs <= nowMs)
      timers = timers.filter(timer => timer.dueMs > nowMs)
      for (const timer of due) timer.work()
    },
  }
}

/** The payloads of a stream's `data:` lines. */
export function framesOf(text: string): string[] {
  return text
    .split('\n\n')
    .filter(frame => frame !== '')
    .map(frame => frame.replace(/^data: /, ''))
}

/** Waits until a fact holds that another turn of the event loop will make true. */
export async function until(fact: () => boolean): Promise<void> {
  while (!fact()) await new Promise(resolve => setImmediate(resolve))
}

/** The body of an answer. */
// biome-ignore lint/suspicious/noExplicitAny: what its shape is, is what the tests are to show
export async function readJson(answer: Response | Promise<Response>): Promise<any> {
  return await (await answer).json()
}
