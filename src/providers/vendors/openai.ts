import type { Vendor } from '../vendor.ts'

export const vendors: Record<string, Vendor> = {
  openai: {
    baseUrl: 'https://api.openai.com/v1',
    speaks: ['openai-chat', 'openai-embeddings', 'openai-responses', 'openai-input-tokens'],
    env: { api_key: ['OPENAI_API_KEY'] },
    rank: 1,
  },
}
