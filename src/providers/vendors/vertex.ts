import { changeFields, fieldBytes } from '#wire'
import type { Vendor } from '../vendor.ts'

const wide: Record<string, string> = { global: '', us: '.us.rep', eu: '.eu.rep' }
const isClaude = (model: string): boolean => model.startsWith('claude')
const version = { anthropic_version: '"vertex-2023-10-16"' }

/** Vertex AI. Anthropic's models are asked by `rawPredict`, their count of tokens as if it were one of them. */
export const vendors: Record<string, Vendor> = {
  vertex: {
    baseUrl: ({ location: at = 'global' }) =>
      `https://${at in wide ? `aiplatform${wide[at]}` : `${at}-aiplatform`}.googleapis.com`,
    speaks: model =>
      isClaude(model) ? ['anthropic-messages', 'anthropic-count-tokens'] : ['gemini', 'gemini-count-tokens'],
    env: {
      project: ['GOOGLE_CLOUD_PROJECT'],
      location: ['GOOGLE_CLOUD_LOCATION'],
      credentials: ['GOOGLE_APPLICATION_CREDENTIALS'],
    },
    needs: [['project']],
    switchedOnBy: ['project', 'credentials'],
    auth: 'google',
    path({ dialect, model, stream, own, settings: { project, location = 'global' } }) {
      const place = `/projects/${project}/locations/${location}/publishers`
      if (!isClaude(model)) return `/v1beta1${place}/google${own}`
      const asked = dialect === 'anthropic-count-tokens' ? 'count-tokens' : encodeURIComponent(model)
      return `/v1${place}/anthropic/models/${asked}:${stream ? 'streamRawPredict' : 'rawPredict'}`
    },
    // Claude's version is in the body, and its model only in the path; Gemini's count takes the request unwrapped.
    body(bytes, { dialect }) {
      if (dialect === 'anthropic-messages') return changeFields(bytes, { drop: ['model'], set: version })
      if (dialect === 'anthropic-count-tokens') return changeFields(bytes, { set: version })
      if (dialect === 'gemini') return bytes
      return changeFields(fieldBytes(bytes, 'generateContentRequest') ?? bytes, { drop: ['model'] })
    },
    prices: 'google',
    rank: 200,
  },
}
