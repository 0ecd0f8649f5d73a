import { Type } from 'typebox'
import { Fault, type Route } from '#exchange'
import type { Gateway } from '#gateway'

const model = Type.Object({
  id: Type.String(),
  object: Type.Literal('model'),
  created: Type.Integer({ description: 'Seconds since the epoch; when this process learned of it.' }),
  owned_by: Type.String(),
})

/** OpenAI's model list: the names this caller can use. */
export function modelRoutes(options: { current(): Gateway; startedAtMs: number }): Route[] {
  const created = Math.floor(options.startedAtMs / 1000)
  const describe = (id: string): unknown => ({ id, object: 'model', created, owned_by: ownerOf(id) })
  return [
    {
      method: 'GET',
      path: '/v1/models',
      requires: 'key',
      summary: 'The models that this key can use, in the shape of OpenAI.',
      answer: { status: 200, schema: Type.Object({ object: Type.Literal('list'), data: Type.Array(model) }) },
      async handle({ caller }) {
        const { keys, routing } = options.current()
        const names = routing.names().filter(name => keys.admit(caller, name).ok)
        return { object: 'list', data: names.map(describe) }
      },
    },
    {
      method: 'GET',
      path: '/v1/models/{model}',
      requires: 'key',
      summary: 'One model; its name may contain a slash.',
      params: Type.Object({ model: Type.String() }),
      answer: { status: 200, schema: model },
      async handle({ caller, params }) {
        const { keys, routing } = options.current()
        const plan = routing.plan(params.model)
        if (!plan.ok) throw new Fault(plan.code, plan.message, plan.detail)
        const admitted = keys.admit(caller, params.model)
        if (!admitted.ok) throw new Fault(admitted.code, admitted.message, admitted.detail)
        return describe(params.model)
      },
    },
  ]
}

function ownerOf(id: string): string {
  return id.includes('/') ? id.slice(0, id.indexOf('/')) : 'sluice'
}
