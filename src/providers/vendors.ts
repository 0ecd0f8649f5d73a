/** What is known of a vendor without being told. A vendor is a record: adding one is adding a line. */
export interface Vendor {
  baseUrl: string
  /** Environment variables that its API key usually stands in, in order of preference. */
  apiKeyEnv: readonly string[]
  /** Its name in the published prices, where that is another. */
  prices?: string
}

const vendor = (baseUrl: string, apiKeyEnv: string | readonly string[], prices?: string): Vendor => ({
  baseUrl,
  apiKeyEnv: [apiKeyEnv].flat(),
  ...(prices !== undefined && { prices }),
})

/** All of these speak the OpenAI dialect at these addresses. In the order in which a first one is chosen. */
export const vendors: Readonly<Record<string, Vendor>> = {
  openai: vendor('https://api.openai.com/v1', 'OPENAI_API_KEY'),
  anthropic: vendor('https://api.anthropic.com/v1', 'ANTHROPIC_API_KEY'),
  gemini: vendor(
    'https://generativelanguage.googleapis.com/v1beta/openai',
    ['GEMINI_API_KEY', 'GOOGLE_API_KEY'],
    'google',
  ),
  mistral: vendor('https://api.mistral.ai/v1', 'MISTRAL_API_KEY'),
  groq: vendor('https://api.groq.com/openai/v1', 'GROQ_API_KEY'),
  deepseek: vendor('https://api.deepseek.com/v1', 'DEEPSEEK_API_KEY'),
  xai: vendor('https://api.x.ai/v1', 'XAI_API_KEY', 'x-ai'),
  openrouter: vendor('https://openrouter.ai/api/v1', 'OPENROUTER_API_KEY'),
  together: vendor('https://api.together.xyz/v1', 'TOGETHER_API_KEY'),
  fireworks: vendor('https://api.fireworks.ai/inference/v1', 'FIREWORKS_API_KEY'),
  cerebras: vendor('https://api.cerebras.ai/v1', 'CEREBRAS_API_KEY'),
  ollama: vendor('http://127.0.0.1:11434/v1', []),
}

/** The built-in simulator: a provider like any other, at an address that only this process knows. */
export const simulatorVendor = 'sim'
