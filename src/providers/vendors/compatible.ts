import type { Dialect } from '#exchange'
import type { Vendor } from '../vendor.ts'

const chat: readonly Dialect[] = ['openai-chat', 'openai-embeddings']
const responses: readonly Dialect[] = [...chat, 'openai-responses']

/** Vendors of which a line says all: where they are, where their key usually stands, and what else is to know. */
function vendor(baseUrl: string, key?: string | readonly string[], more: Partial<Vendor> = {}): Vendor {
  return { baseUrl, ...(key && { env: { api_key: [key].flat() } }), ...more }
}

/** Anthropic's dialect beside the other; its key is taken as a bearer token there too. */
function anthropicAt(path: string): Pick<Vendor, 'elsewhere'> {
  return { elsewhere: { 'anthropic-messages': path } }
}

export const vendors: Record<string, Vendor> = {
  alibaba: vendor('https://dashscope-intl.aliyuncs.com/compatible-mode/v1', 'DASHSCOPE_API_KEY', {
    quirks: ['max_tokens', 'system_for_developer', 'top_k'],
  }),
  cerebras: vendor('https://api.cerebras.ai/v1', 'CEREBRAS_API_KEY'),
  cohere: vendor('https://api.cohere.ai/compatibility/v1', ['COHERE_API_KEY', 'CO_API_KEY'], {
    quirks: ['max_tokens'],
  }),
  deepseek: vendor('https://api.deepseek.com/v1', 'DEEPSEEK_API_KEY', {
    ...anthropicAt('/anthropic/v1'),
    quirks: ['max_tokens', 'system_for_developer', 'reasoning_content'],
  }),
  fireworks: vendor('https://api.fireworks.ai/inference/v1', 'FIREWORKS_API_KEY', {
    speaks: responses,
    quirks: ['top_k'],
  }),
  // GITHUB_TOKEN stands in the environment of many a machine for other ends: it switches nothing on.
  github: vendor('https://models.github.ai/inference', 'GITHUB_TOKEN', { switchedOnBy: 'nothing' }),
  groq: vendor('https://api.groq.com/openai/v1', 'GROQ_API_KEY', { speaks: responses }),
  huggingface: vendor('https://router.huggingface.co/v1', ['HF_TOKEN', 'HUGGINGFACE_API_KEY'], {
    quirks: ['max_tokens', 'no_end_mark'],
  }),
  minimax: vendor('https://api.minimax.io/v1', 'MINIMAX_API_KEY', {
    ...anthropicAt('/anthropic/v1'),
    quirks: ['reasoning_content'],
  }),
  mistral: vendor('https://api.mistral.ai/v1', 'MISTRAL_API_KEY', {
    quirks: ['max_tokens', 'no_stream_options', 'system_for_developer'],
  }),
  moonshot: vendor('https://api.moonshot.ai/v1', 'MOONSHOT_API_KEY', {
    ...anthropicAt('/anthropic/v1'),
    quirks: ['max_tokens', 'system_for_developer', 'reasoning_content'],
    prices: 'moonshotai',
  }),
  nvidia: vendor('https://integrate.api.nvidia.com/v1', 'NVIDIA_API_KEY', { quirks: ['max_tokens'] }),
  openrouter: vendor('https://openrouter.ai/api/v1', 'OPENROUTER_API_KEY', {
    speaks: [...responses, 'anthropic-messages'],
    quirks: ['top_k', 'cache_control'],
  }),
  perplexity: vendor('https://api.perplexity.ai', ['PERPLEXITY_API_KEY', 'PPLX_API_KEY'], {
    quirks: ['max_tokens'],
  }),
  sambanova: vendor('https://api.sambanova.ai/v1', 'SAMBANOVA_API_KEY', { quirks: ['max_tokens'] }),
  together: vendor('https://api.together.xyz/v1', 'TOGETHER_API_KEY', { quirks: ['max_tokens', 'top_k'] }),
  xai: vendor('https://api.x.ai/v1', 'XAI_API_KEY', { speaks: responses, prices: 'x-ai' }),
  zai: vendor('https://api.z.ai/api/paas/v4', 'ZAI_API_KEY', {
    ...anthropicAt('/api/anthropic/v1'),
    quirks: ['max_tokens', 'system_for_developer', 'reasoning_content'],
  }),

  // At their usual address on this machine, without a key.
  llamacpp: vendor('http://127.0.0.1:8080/v1', undefined, { quirks: ['top_k'] }),
  lmstudio: vendor('http://127.0.0.1:1234/v1', undefined, { quirks: ['max_tokens'] }),
  ollama: vendor('http://127.0.0.1:11434/v1', undefined, { quirks: ['max_tokens', 'top_k'] }),
  sglang: vendor('http://127.0.0.1:30000/v1', undefined, { quirks: ['top_k'] }),
  vllm: vendor('http://127.0.0.1:8000/v1', undefined, { quirks: ['top_k'] }),
}
