import type { Vendor } from '../vendor.ts'

/** Amazon Bedrock, by its Converse API: signed with an access key, or with a Bedrock API key as it is. */
export const vendors: Record<string, Vendor> = {
  bedrock: {
    baseUrl: ({ region = '' }) =>
      `https://bedrock-runtime.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`,
    speaks: ['bedrock-converse'],
    env: {
      api_key: ['AWS_BEARER_TOKEN_BEDROCK'],
      region: ['AWS_REGION', 'AWS_DEFAULT_REGION'],
      access_key_id: ['AWS_ACCESS_KEY_ID'],
      secret_access_key: ['AWS_SECRET_ACCESS_KEY'],
      session_token: ['AWS_SESSION_TOKEN'],
    },
    needs: [
      ['region', 'access_key_id', 'secret_access_key'],
      ['region', 'api_key'],
    ],
    auth: 'aws',
    prices: 'aws',
    rank: 200,
  },
}
