import type { Vendor } from '../vendor.ts'

/** Versions of the v1 API, in which deployments are models; any other is of the API before it. */
const isV1 = (version: string | undefined): boolean => /^(v1|preview|latest)?$/.test(version ?? '')

/** Azure OpenAI. A model's name is that of its deployment. */
export const vendors: Record<string, Vendor> = {
  azure: {
    baseUrl({ resource = '', api_version: version }) {
      const host = /^https?:/.test(resource)
        ? new URL(resource).origin
        : `https://${resource}.openai.azure.com`
      return `${host}/openai${isV1(version) ? '/v1' : ''}`
    },
    speaks: ['openai-chat', 'openai-embeddings', 'openai-responses'],
    env: {
      api_key: ['AZURE_OPENAI_API_KEY', 'AZURE_API_KEY', 'AZURE_OPENAI_AD_TOKEN'],
      resource: ['AZURE_OPENAI_ENDPOINT', 'AZURE_RESOURCE_NAME'],
      api_version: [],
    },
    needs: [['resource', 'api_key']],
    auth: 'azure',
    // The older API has the deployment in the path, but for Responses, and a dated version in the query.
    path({ dialect, model, own, settings: { api_version: version } }) {
      if (version === undefined) return undefined
      const isInPath = !isV1(version) && dialect !== 'openai-responses' && model !== ''
      const deployment = isInPath ? `/deployments/${encodeURIComponent(model)}` : ''
      return `${deployment}${own}?api-version=${encodeURIComponent(version)}`
    },
    rank: 200,
  },
}
