import { ApiError } from '../api-error.ts'
import { wellKnownModels } from '../playbook.ts'

/** 1 January 2026: the models of the simulator do not age. */
const created = 1_767_225_600

/** `GET /v1/models`. */
export function listModels(): string {
  const data = wellKnownModels.filter(model => model.listed).map(model => describe(model.id))
  return JSON.stringify({ object: 'list', data })
}

/** `GET /v1/models/{id}`: any name is served, but for the one that is always missing. */
export function findModel(id: string): string | ApiError {
  if (wellKnownModels.some(model => model.id === id && !model.listed)) return modelNotFound(id)
  return JSON.stringify(describe(id))
}

function describe(id: string) {
  return { id, object: 'model', created, owned_by: 'simulator' }
}

function modelNotFound(id: string): ApiError {
  return new ApiError({
    status: 404,
    type: 'invalid_request_error',
    code: 'model_not_found',
    message: `The model '${id}' does not exist or you do not have access to it.`,
    param: 'model',
  })
}
