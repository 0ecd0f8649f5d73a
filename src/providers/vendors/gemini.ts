import type { Vendor } from '../vendor.ts'

export const vendors: Record<string, Vendor> = {
  gemini: {
    baseUrl: 'https://generativelanguage.googleapis.com/v1beta',
    speaks: ['gemini', 'gemini-count-tokens', 'gemini-embeddings'],
    env: { api_key: ['GEMINI_API_KEY', 'GOOGLE_API_KEY'] },
    version: '/v1beta',
    auth: 'x-goog-api-key',
    prices: 'google',
    rank: 3,
  },
}
