/** Collections of Google's own that have such methods: what stands there is no name of a model here. */
const unnamed =
  /^(\/v1beta\/)(?!(?:models|tunedModels|dynamic|projects|publishers)\/)([^?]+\/[^?]+:(?:generateContent|streamGenerateContent|countTokens|embedContent|batchEmbedContents)(?:\?|$))/

/**
 * The address of a method with `models/` before the model's name. Vercel's `@ai-sdk/google` takes a name that has a
 * slash, as every `provider/model` here has, for a path of its own, and leaves that out.
 */
export function withCollection(url: string): string {
  return url.startsWith('/v1beta/') ? url.replace(unnamed, '$1models/$2') : url
}
