import type { Asked, Passthrough, Usage } from '#exchange'
import type { DialectModule } from '../dialect.ts'
import { parseObject } from '../json-body.ts'
import type { Passage } from '../passage.ts'
import { addressFor } from './address.ts'
import { PassingTap } from './tap.ts'
import { readPassedBill, readPassedUsage } from './usage.ts'

/** The way of a request that goes through as it is, but for the model's name; and of its answer, untouched. */
export function openPassthrough(
  asked: Asked & { passthrough: Passthrough },
  own: DialectModule,
  model: string,
): Passage {
  const { passthrough } = asked
  const { upload, own: path } = addressFor(passthrough, model)
  // A POST about a model makes something new. Others repeat what was made before, with its usage.
  const isMetered = passthrough.method === 'POST' && model !== ''
  const readUsage = (json: Record<string, unknown>): Usage | undefined =>
    isMetered ? readPassedUsage(passthrough.family, json) : undefined
  return {
    dialect: asked.dialect,
    relayed: asked.incoming,
    streamType: '',
    headers: own.headers ?? {},
    path,
    upload,
    body: asked.renderFor(model, new Set()),
    dropped: [],
    isStream: (status, type) => status === 204 || !(isMetered && /^application\/json\b/i.test(type)),
    readWhole(body) {
      const json = isMetered ? parseObject(body.toString()) : undefined
      const bill = json && readPassedBill(passthrough.family, json)
      return { facts: { usage: json && readUsage(json), model: undefined, bill }, answer: { body } }
    },
    createTap: (type = '') => new PassingTap({ isEvents: /^text\/event-stream\b/i.test(type), readUsage }),
    readError: own.readError,
  }
}
