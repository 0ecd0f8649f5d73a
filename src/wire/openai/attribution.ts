import { askedTier } from '../bill.ts'
import { isObject } from '../json-body.ts'
import { readLabels } from '../labels.ts'

/** Fields by which OpenAI's requests say who they are for. */
export function readAttribution(json: Record<string, unknown>): {
  user?: string
  feature?: string
  tags?: readonly string[]
  environment?: string
  batch?: boolean
  tier?: string
} {
  const metadata = isObject(json.metadata) ? json.metadata : {}
  const user = [json.safety_identifier, json.user, metadata.user_id].find(isName)
  return {
    ...(user !== undefined && { user }),
    ...(isName(metadata.feature) && { feature: metadata.feature }),
    ...readLabels(metadata),
    ...(json.service_tier === 'flex' && { batch: true }),
    ...askedTier(json.service_tier),
  }
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}
