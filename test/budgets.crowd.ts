import assert from 'node:assert/strict'

export type Shape = 'chat' | 'responses' | 'messages' | 'gemini'

/** One request of a caller. */
export interface Request {
  tag: string
  model: string
  shape?: Shape
  stream?: boolean
  maxTokens?: number | undefined
  /** Hangs up so long after it has asked; 0 at once. */
  leaveAfterMs?: number | undefined
  headers?: Record<string, string>
  /** Beside what the shape needs. */
  extra?: object
  prompt?: string
}

/** How it ended, as its caller saw it. */
export interface Heard {
  tag: string
  /** `whole`: with every byte. `broken`: began well, and did not end so. `left`: by the caller. */
  end: 'whole' | 'refused' | 'broken' | 'left'
  status: number
  code: string | undefined
  message: string
  headers: Headers
  text: string
  tookMs: number
}

const paths: Record<Shape, (model: string, stream: boolean) => string> = {
  chat: () => '/v1/chat/completions',
  responses: () => '/v1/responses',
  messages: () => '/v1/messages',
  gemini: (model, stream) =>
    `/v1beta/models/${model.split('/').map(encodeURIComponent).join('/')}:${stream ? 'streamGenerateContent?alt=sse' : 'generateContent'}`,
}

function bodyOf(shape: Shape, { model, stream = false, maxTokens, prompt = 'Tell me.' }: Request): object {
  const messages = [{ role: 'user', content: prompt }]
  switch (shape) {
    case 'chat':
      return { model, stream, messages, ...(maxTokens && { max_tokens: maxTokens }) }
    case 'responses':
      return { model, stream, input: prompt, ...(maxTokens && { max_output_tokens: maxTokens }) }
    case 'messages':
      return { model, stream, messages, max_tokens: maxTokens ?? 1024 }
    case 'gemini':
      return {
        contents: [{ role: 'user', parts: [{ text: prompt }] }],
        ...(maxTokens && { generationConfig: { maxOutputTokens: maxTokens } }),
      }
  }
}

const ends: Record<Shape, RegExp> = {
  chat: /data: \[DONE\]\n\n$/,
  responses: /event: response\.(completed|incomplete)\n/,
  messages: /event: message_stop\n/,
  gemini: /"finishReason"/,
}

/** Makes one request as its dialect's SDK would, over kept connections, and hears it to its end. Never rejects. */
export async function ask(url: string, key: string, request: Request): Promise<Heard> {
  const { tag, model, shape = 'chat', stream = false, leaveAfterMs } = request
  const leaving = new AbortController()
  const timer = leaveAfterMs === undefined ? undefined : setTimeout(() => leaving.abort(), leaveAfterMs)
  const heard: Heard = {
    tag,
    end: 'broken',
    status: 0,
    code: undefined,
    message: '',
    headers: new Headers(),
    text: '',
    tookMs: 0,
  }
  try {
    const answer = await fetch(`${url}${paths[shape](model, stream)}`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${key}`,
        'content-type': 'application/json',
        'anthropic-version': '2023-06-01',
        'x-sluice-feature': tag,
        'x-sim-request': tag,
        ...request.headers,
      },
      body: JSON.stringify({ ...bodyOf(shape, request), ...request.extra }),
      signal: leaving.signal,
    })
    heard.status = answer.status
    heard.headers = answer.headers
    heard.text = await answer.text()
    if (answer.status !== 200) return { ...heard, end: 'refused', ...errorOf(heard.text) }
    const isWhole = !stream || (ends[shape].test(heard.text) && !/"(error|code)":\{/.test(heard.text))
    return { ...heard, end: isWhole ? 'whole' : 'broken' }
  } catch (cause) {
    if (leaving.signal.aborted) return { ...heard, end: 'left' }
    return { ...heard, message: String(cause) }
  } finally {
    clearTimeout(timer)
  }
}

/** The code stands elsewhere in each dialect. */
function errorOf(text: string): { code: string | undefined; message: string } {
  const { error }: { error?: { code?: unknown; type?: string; message?: string; details?: unknown } } =
    JSON.parse(text)
  assert.ok(error, text)
  const inside = /"(?:reason|code)":"([a-z_]+)"/.exec(text)?.[1]
  return { code: typeof error.code === 'string' ? error.code : inside, message: error.message ?? '' }
}

export interface CrowdOptions {
  url: string
  key: string
  callers: number
  /** The n-th request of all; undefined: there are no more. */
  request(n: number): Request | undefined
  /** Whether a caller that has heard this asks no more. */
  isOver(heard: Heard): boolean
}

/** Callers that all begin at once; each asks again as soon as it has heard the end, until it is told to stop. */
export async function crowd({ url, key, callers, request, isOver }: CrowdOptions): Promise<Heard[]> {
  const all: Heard[] = []
  let asked = 0
  const call = async (): Promise<void> => {
    for (;;) {
      const next = request(asked++)
      if (!next) return
      const beganAtMs = performance.now()
      const heard = await ask(url, key, next)
      heard.tookMs = performance.now() - beganAtMs
      all.push(heard)
      if (isOver(heard)) return
    }
  }
  await Promise.all(Array.from({ length: callers }, call))
  return all
}

/** The same numbers for the same seed: mulberry32, by Tommy Ettinger (public domain). */
export function dice(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}
