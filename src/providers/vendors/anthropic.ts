import type { Vendor } from '../vendor.ts'

export const vendors: Record<string, Vendor> = {
  anthropic: {
    baseUrl: 'https://api.anthropic.com/v1',
    speaks: ['anthropic-messages', 'anthropic-count-tokens'],
    env: { api_key: ['ANTHROPIC_API_KEY'] },
    version: '/v1',
    auth: 'x-api-key',
    rank: 2,
  },
}
