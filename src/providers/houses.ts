import type { Vendor } from './vendor.ts'

/** Servers that are no known vendor's, by what they speak as a setting calls it; at an address of the owner's. */
export const houses = {
  openai: { baseUrl: '' },
  'openai-responses': {
    baseUrl: '',
    speaks: ['openai-responses', 'openai-input-tokens', 'openai-embeddings'],
  },
  anthropic: {
    baseUrl: '',
    speaks: ['anthropic-messages', 'anthropic-count-tokens'],
    version: '/v1',
    auth: 'x-api-key',
  },
  gemini: {
    baseUrl: '',
    speaks: ['gemini', 'gemini-count-tokens', 'gemini-embeddings'],
    version: '/v1beta',
    auth: 'x-goog-api-key',
  },
  bedrock: {
    baseUrl: '',
    speaks: ['bedrock-converse'],
    env: { region: [], access_key_id: [], secret_access_key: [], session_token: [] },
    needs: [[], ['region', 'access_key_id', 'secret_access_key']],
    auth: 'aws',
  },
} as const satisfies Record<string, Vendor>

/** The built-in one, at an address that only this process knows; it speaks all but Bedrock's. */
export const simulator: Vendor = {
  baseUrl: '',
  speaks: [
    'openai-chat',
    'openai-embeddings',
    'openai-responses',
    'openai-input-tokens',
    'anthropic-messages',
    'anthropic-count-tokens',
    'gemini',
    'gemini-count-tokens',
    'gemini-embeddings',
  ],
}
