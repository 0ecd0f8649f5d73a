import type { FaultCode, ProviderError } from '#exchange'

/*
 * The words that providers put into an error beside its text: OpenAI's `code` and `type`, Anthropic's `type` and
 * `details.error_code`, Google's `status` and the `reason` of its `ErrorInfo`, the names of AWS's exceptions. Texts
 * are never read: they change without notice, and callers can bring them about.
 */

/** What a word means whatever status it comes with. Compared in lower case. */
const meanings: Readonly<Record<string, FaultCode>> = {
  // Money: trying again cannot help.
  insufficient_quota: 'provider_quota_exhausted', // OpenAI, as `type` of all that concerns the account
  credit_balance_exhausted: 'provider_quota_exhausted',
  organization_spend_limit_exceeded: 'provider_quota_exhausted',
  project_spend_limit_exceeded: 'provider_quota_exhausted',
  organization_usage_limit_exceeded: 'provider_quota_exhausted',
  billing_hard_limit_reached: 'provider_quota_exhausted', // OpenAI, images: 400
  billing_not_active: 'provider_quota_exhausted',
  enforced_spend_limit_reached: 'provider_quota_exhausted', // Anthropic, `details.error_code`: 429
  billing_error: 'provider_quota_exhausted', // Anthropic: 402
  billing_disabled: 'provider_quota_exhausted', // Google, `ErrorInfo`: 403
  quota_exceeded: 'provider_quota_exhausted', // Google: that of the day
  daily_quota_exceeded: 'provider_quota_exhausted',
  servicequotaexceededexception: 'provider_quota_exhausted', // Bedrock: 400
  exceeded_current_quota_error: 'provider_quota_exhausted', // Moonshot: 429
  arrearage: 'provider_quota_exhausted', // Alibaba: 400

  // The credential.
  api_key_invalid: 'provider_credential_rejected', // Google, `ErrorInfo`: 400
  api_key_service_blocked: 'provider_credential_rejected',
  access_token_expired: 'provider_credential_rejected',
  unrecognizedclientexception: 'provider_credential_rejected', // AWS
  invalidsignatureexception: 'provider_credential_rejected',
  expiredtokenexception: 'provider_credential_rejected',
  expiredtoken: 'provider_credential_rejected',

  // The input is too long. Anthropic, Google and Bedrock say so in their text alone: there it stays a bad request.
  context_length_exceeded: 'context_too_long', // OpenAI, Azure, Groq, xAI, OpenRouter
  exceed_context_size_error: 'context_too_long', // llama.cpp (ggml-org/llama.cpp#15780)

  // A filter has stopped it.
  content_filter: 'content_blocked', // Azure, Moonshot
  responsibleaipolicyviolation: 'content_blocked', // Azure, `innererror.code`
  content_policy_violation: 'content_blocked', // OpenAI and Azure, images; OpenRouter
  image_content_policy_violation: 'content_blocked', // Responses
  moderation_blocked: 'content_blocked', // OpenAI, images
  invalid_prompt: 'content_blocked', // OpenAI's reasoning models, of a prompt against the usage policy
  bio_policy: 'content_blocked', // Responses
  cyber_policy: 'content_blocked',
  flagged_input: 'content_blocked', // OpenRouter, a key of `metadata`: 403
  data_inspection_failed: 'content_blocked', // Alibaba: 400
  datainspectionfailed: 'content_blocked',

  model_not_found: 'model_not_found', // OpenAI: 404, and 403 where the project may not use it
  invalid_model: 'model_not_found', // Mistral: 400
  model_decommissioned: 'model_not_found', // Groq: 400
  deploymentnotfound: 'model_not_found', // Azure

  // Refused before any work, with a status that says less.
  modelnotreadyexception: 'provider_overloaded', // Bedrock: 429
  engine_overloaded_error: 'provider_overloaded', // Moonshot: 429
  overloaded_error: 'provider_overloaded',
  server_is_overloaded: 'provider_overloaded',
}

/** A parameter that says what is the matter: vLLM names this one where prompt and answer do not fit. */
const parameterOfLength = 'input_tokens'

/** What an error's words mean, the narrowest first; undefined where its status has to say it. */
export function meaningOf(error: ProviderError | undefined, name: string | undefined): FaultCode | undefined {
  if (error?.param === parameterOfLength) return 'context_too_long'
  for (const word of [error?.code, error?.type, name]) {
    const key = word?.toLowerCase() ?? ''
    if (Object.hasOwn(meanings, key)) return meanings[key]
  }
  return undefined
}

/** Words of an error in the middle of a stream, or inside of a 200, as the status each has otherwise. */
const statuses: Readonly<Record<string, number>> = {
  // OpenAI
  invalid_api_key: 401,
  rate_limit_exceeded: 429,
  slow_down: 429,
  invalid_request_error: 400,
  server_error: 500,
  vector_store_timeout: 504,
  invalid_image: 400,
  invalid_image_format: 400,
  invalid_base64_image: 400,
  invalid_image_url: 400,
  invalid_image_mode: 400,
  image_too_large: 400,
  image_too_small: 400,
  image_parse_error: 400,
  image_file_too_large: 400,
  image_file_not_found: 400,
  unsupported_image_media_type: 400,
  empty_image_file: 400,
  failed_to_download_image: 400,
  // Anthropic; Bedrock's exceptions are read into these
  authentication_error: 401,
  permission_error: 403,
  not_found_error: 404,
  request_too_large: 413,
  rate_limit_error: 429,
  api_error: 500,
  timeout_error: 504,
  overloaded_error: 529,
  // Google (google.rpc.Code)
  invalid_argument: 400,
  failed_precondition: 400,
  out_of_range: 400,
  unauthenticated: 401,
  permission_denied: 403,
  not_found: 404,
  aborted: 409,
  resource_exhausted: 429,
  too_many_requests: 429,
  cancelled: 499,
  internal: 500,
  unavailable: 503,
  deadline_exceeded: 504,
  // DeepSeek, in the place of a finish reason
  insufficient_system_resource: 503,
  // AWS
  throttlingexception: 429,
  serviceunavailableexception: 503,
  modeltimeoutexception: 504,
  modelstreamerrorexception: 424,
}

/** The status that an error inside a 200 stands for: some providers put it into `code`. */
export function statusWithin({ code, type }: ProviderError): number {
  const status = Number(code)
  if (status >= 400 && status < 600) return status
  for (const word of [code, type]) {
    const key = word?.toLowerCase() ?? ''
    if (Object.hasOwn(statuses, key)) return statuses[key] ?? 500
  }
  return 500
}
