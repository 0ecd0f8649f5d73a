import assert from 'node:assert/strict'
import { type Asked, accept, type ChatRequest, type Decision, type Effort, type Message } from '#exchange'
import { fitRequest } from '../policy.ts'
import { anthropicMessages } from './index.ts'

/* For the tests: requests in a few words, and what becomes of them. */

export type Json = Record<string, unknown>

export const ask = {
  model: 'claude-sonnet-4-5',
  max_tokens: 1024,
  messages: [{ role: 'user', content: 'Hi' }],
}

export function parse(json: unknown): Decision<Asked> {
  const body = Buffer.from(typeof json === 'string' ? json : JSON.stringify(json))
  return anthropicMessages.parseRequest({ body, rest: '', query: {} })
}

export function toChat(json: unknown): Decision<ChatRequest> {
  return accept(parse(json)).toChat?.() ?? assert.fail('it can be translated')
}

export function render(request: Partial<ChatRequest>, model = 'claude-sonnet-4-5'): Json {
  const whole: ChatRequest = { messages: [user('Hi')], tools: [], extras: [], ...request }
  return anthropicMessages.renderRequest(whole, { model, stream: false, quirks: new Set() })
}

export function fit(
  request: Partial<ChatRequest>,
  model = 'claude-sonnet-4-5',
  unsupported?: 'error' | 'drop',
) {
  const { fields, takes } = anthropicMessages
  const whole: ChatRequest = { messages: [user('Hi')], tools: [], extras: [], ...request }
  return fitRequest(whole, { fields, takes, target: `a/${model}`, model, unsupported, quirks: new Set() })
}

export const user = (text: string): Message => ({ role: 'user', parts: [{ type: 'text', text }] })
export const said = (text: string): Message => ({ role: 'assistant', parts: [{ type: 'text', text }] })
export const system = (text: string): Message => ({ role: 'system', parts: [{ type: 'text', text }] })
export const call = (id: string, name = 'f'): Message => ({
  role: 'assistant',
  parts: [{ type: 'tool-call', id, name, arguments: '{"a":1}' }],
})
export const result = (callId: string, text = 'done'): Message => ({
  role: 'user',
  parts: [{ type: 'tool-result', callId, parts: [{ type: 'text', text }] }],
})
export const tool = { type: 'function', name: 'f', schema: { type: 'object', properties: {} } } as const
export const effort = (word: Effort) => ({ reasoning: { effort: word } }) as const

/** Roles and what stands in each turn, in short. */
export function outline(request: Partial<ChatRequest>, model?: string): string[] {
  const { messages } = render(request, model) as { messages: { role: string; content: Json[] }[] }
  return messages.map(({ role, content }) => `${role}: ${content.map(brief).join(' ')}`)
}

function brief(block: Json): string {
  if (block.type === 'text') return String(block.text)
  if (block.type === 'tool_use') return `call(${String(block.id)})`
  if (block.type === 'tool_result')
    return `${block.is_error === true ? 'error' : 'result'}(${String(block.tool_use_id)})`
  return String(block.type)
}
