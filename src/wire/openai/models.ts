/**
 * What is known of OpenAI's models by their names (platform.openai.com/docs/models, /docs/guides/reasoning). A name
 * nobody knows here is taken for a model that does what its server says.
 */

/** Without the provider before it. */
export function bare(model: string): string {
  return model.slice(model.lastIndexOf('/') + 1).toLowerCase()
}

/** Thinks before it answers: rejects sampling parameters, and `max_tokens`. */
export function isReasoningModel(model: string): boolean {
  const name = bare(model)
  return /^(o\d|gpt-(?:[5-9]|oss)|codex)/.test(name) && !/^gpt-5(\.\d)?-chat/.test(name)
}

/** Rejects `temperature`, `top_p`, penalties and the like; gpt-oss is served by others, who take them. */
export function rejectsSampling(model: string): boolean {
  return isReasoningModel(model) && !bare(model).startsWith('gpt-oss')
}

/** A model of OpenAI's that does not think, and refuses to be told how much. */
export function neverReasons(model: string): boolean {
  return /^(gpt-3|gpt-4|chatgpt|gpt-5(\.\d)?-chat)/.test(bare(model))
}
