import type { Clock } from '#platform'
import { awsCredential } from './credential.aws.ts'
import { googleCredential } from './credential.google.ts'
import { type Credential, staticCredential } from './credential.ts'
import type { Auth, Settings } from './vendor.ts'

export interface CredentialOptions {
  provider: string
  settings: Settings
  clock: Clock
}

/** What proves to a provider who asks; without a key, nothing does. */
export function createCredential(auth: Auth, { provider, settings, clock }: CredentialOptions): Credential {
  const key = settings.api_key
  const keyed = (headers: Record<string, string>): Credential =>
    staticCredential(key === undefined ? {} : headers, key === undefined ? [] : [key])
  switch (auth) {
    case 'bearer':
      return keyed({ authorization: `Bearer ${key}` })
    case 'x-api-key':
    case 'x-goog-api-key':
      return keyed({ [auth]: key ?? '' })
    case 'azure':
      return keyed(isToken(key) ? { authorization: `Bearer ${key}` } : { 'api-key': key ?? '' })
    case 'google':
      return googleCredential({ provider, credentials: settings.credentials, clock })
    case 'aws': {
      const { access_key_id: accessKeyId, secret_access_key: secretAccessKey, region } = settings
      if (!accessKeyId || !secretAccessKey || !region) return keyed({ authorization: `Bearer ${key}` })
      return awsCredential({
        accessKeyId,
        secretAccessKey,
        sessionToken: settings.session_token,
        region,
        service: 'bedrock',
        clock,
      })
    }
  }
}

/** Entra's tokens are JSON Web Tokens, which an API key cannot be taken for. */
function isToken(key: string | undefined): boolean {
  return key !== undefined && /^eyJ[\w-]+\.[\w-]+\.[\w-]+$/.test(key)
}
