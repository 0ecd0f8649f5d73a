import OpenAI from 'openai'
import OpenAI6 from 'openai-6'

/**
 * The official SDK in both lines that npm installs today: 6 is what it picks on Node 20. Their classes are called
 * the same way; the older one is given the newer one's type, since TypeScript cannot call a union of overloads.
 */
export const officialSdks = { 'openai 7': OpenAI, 'openai 6': OpenAI6 as unknown as typeof OpenAI }

export type OpenAiSdk = typeof OpenAI
