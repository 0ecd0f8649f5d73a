import type { PriceBook } from '#metering'
import { createPriceBook, readPublishedPrices } from '#metering'

/**
 * Prices of the cases, fixed: a list that changes changes none of them. US dollars per million tokens; a search each.
 * Each says where it was read and when.
 */
const overrides = {
  // developers.openai.com/api/docs/pricing, 2026-10-14
  'openai/gpt-5': {
    input: '1.25',
    cachedInput: '0.125',
    output: '10',
    tiers: {
      flex: { input: '0.625', cachedInput: '0.0625', output: '5' },
      batch: { input: '0.625', cachedInput: '0.0625', output: '5' },
      priority: { input: '2.5', cachedInput: '0.25', output: '20' },
    },
    fees: { webSearches: '0.01' },
  },
  'openai/gpt-5-mini': {
    input: '0.25',
    cachedInput: '0.025',
    output: '2',
    tiers: {
      flex: { input: '0.125', cachedInput: '0.0125', output: '1' },
      priority: { input: '0.45', cachedInput: '0.045', output: '3.6' },
    },
    fees: { webSearches: '0.01' },
  },
  'openai/gpt-5-nano': { input: '0.05', cachedInput: '0.005', output: '0.4' },
  'openai/gpt-4o': {
    input: '2.5',
    cachedInput: '1.25',
    output: '10',
    tiers: {
      priority: { input: '4.25', cachedInput: '2.125', output: '17' },
      batch: { input: '1.25', cachedInput: '1.25', output: '5' },
    },
  },
  'openai/gpt-4.1': { input: '2', cachedInput: '0.5', output: '8' },
  'openai/o3': {
    input: '2',
    cachedInput: '0.5',
    output: '8',
    tiers: {
      flex: { input: '1', cachedInput: '0.25', output: '4' },
      priority: { input: '3.5', cachedInput: '0.875', output: '14' },
    },
  },
  'openai/gpt-5.4': {
    input: { base: '2.5', tiers: [{ aboveInputTokens: 272_000, price: '5' }] },
    cachedInput: { base: '0.25', tiers: [{ aboveInputTokens: 272_000, price: '0.5' }] },
    output: { base: '15', tiers: [{ aboveInputTokens: 272_000, price: '22.5' }] },
  },
  'openai/gpt-5.6-sol': {
    input: { base: '4', tiers: [{ aboveInputTokens: 272_000, price: '8' }] },
    cachedInput: { base: '0.4', tiers: [{ aboveInputTokens: 272_000, price: '0.8' }] },
    cacheWrite5m: { base: '5', tiers: [{ aboveInputTokens: 272_000, price: '10' }] },
    output: { base: '20', tiers: [{ aboveInputTokens: 272_000, price: '30' }] },
  },
  'openai/gpt-audio': { input: '2.5', audioInput: '32', output: '10', audioOutput: '64' },
  'openai/text-embedding-3-small': { input: '0.02' },
  'openai/text-embedding-3-large': { input: '0.13' },
  // platform.claude.com/docs/en/about-claude/pricing, 2026-10-14
  'anthropic/claude-sonnet-4-6': {
    input: '3',
    cachedInput: '0.3',
    cacheWrite5m: '3.75',
    cacheWrite1h: '6',
    output: '15',
    tiers: {
      batch: { input: '1.5', cachedInput: '0.15', cacheWrite5m: '1.875', cacheWrite1h: '3', output: '7.5' },
    },
    fees: { webSearches: '0.01' },
  },
  'anthropic/claude-opus-5': {
    input: '5',
    cachedInput: '0.5',
    cacheWrite5m: '6.25',
    cacheWrite1h: '10',
    output: '25',
    tiers: {
      batch: { input: '2.5', cachedInput: '0.25', cacheWrite5m: '3.125', cacheWrite1h: '5', output: '12.5' },
      fast: { input: '10', cachedInput: '1', cacheWrite5m: '12.5', cacheWrite1h: '20', output: '50' },
      us: { input: '5.5', cachedInput: '0.55', cacheWrite5m: '6.875', cacheWrite1h: '11', output: '27.5' },
      'fast+us': { input: '11', cachedInput: '1.1', cacheWrite5m: '13.75', cacheWrite1h: '22', output: '55' },
    },
    fees: { webSearches: '0.01' },
  },
  'anthropic/claude-haiku-4-5': {
    input: '1',
    cachedInput: '0.1',
    cacheWrite5m: '1.25',
    cacheWrite1h: '2',
    output: '5',
    tiers: {
      batch: { input: '0.5', cachedInput: '0.05', cacheWrite5m: '0.625', cacheWrite1h: '1', output: '2.5' },
    },
    fees: { webSearches: '0.01' },
  },
  'anthropic/claude-3-7-sonnet': {
    input: '3',
    cachedInput: '0.3',
    cacheWrite5m: '3.75',
    cacheWrite1h: '6',
    output: '15',
    fees: { webSearches: '0.01' },
  },
  'anthropic/claude-fable-5-1': {
    input: '10',
    cachedInput: '0.25',
    cacheWrite5m: '12.5',
    cacheWrite1h: '20',
    output: '50',
    fees: { webSearches: '0.01' },
  },
  // dev.to, Claude Batch API (Anthropic’s batch page), 2026-10
  'anthropic/claude-haiku-5-5': {
    input: { base: '0.1', tiers: [{ aboveInputTokens: 100_000, price: '0.5' }] },
    output: { base: '0.5', tiers: [{ aboveInputTokens: 100_000, price: '2.5' }] },
  },
  // ai.google.dev/gemini-api/docs/pricing, 2026-10-14
  'gemini/gemini-2.5-pro': {
    input: { base: '1.25', tiers: [{ aboveInputTokens: 200_000, price: '2.5' }] },
    cachedInput: { base: '0.125', tiers: [{ aboveInputTokens: 200_000, price: '0.25' }] },
    output: { base: '10', tiers: [{ aboveInputTokens: 200_000, price: '15' }] },
  },
  'gemini/gemini-2.5-flash': {
    input: '0.3',
    cachedInput: '0.03',
    audioInput: '1',
    cachedAudioInput: '0.1',
    output: '2.5',
    tiers: {
      flex: { input: '0.15', audioInput: '0.5', output: '1.25' },
      priority: { input: '0.54', cachedInput: '0.054', audioInput: '1.8', output: '4.5' },
    },
  },
  'gemini/gemini-2.5-flash-lite': { input: '0.1', cachedInput: '0.01', audioInput: '0.3', output: '0.4' },
  'gemini/gemini-2.5-flash-image': { input: '0.3', output: '2.5', imageOutput: '30' },
  'gemini/gemini-3-pro': {
    input: { base: '2', tiers: [{ aboveInputTokens: 200_000, price: '4' }] },
    cachedInput: { base: '0.2', tiers: [{ aboveInputTokens: 200_000, price: '0.4' }] },
    output: { base: '12', tiers: [{ aboveInputTokens: 200_000, price: '18' }] },
  },
  'gemini/gemini-2.5-flash-tts': { input: '0.5', audioOutput: '10', output: '10' },
  // aws.amazon.com/bedrock/pricing, 2026-09-23
  'bedrock/anthropic.claude-sonnet-4-5': {
    input: '3.3',
    cachedInput: '0.33',
    cacheWrite5m: '4.125',
    cacheWrite1h: '6.6',
    output: '16.5',
  },
  'bedrock/amazon.nova-pro': {
    input: '0.8',
    cachedInput: '0.2',
    output: '3.2',
    tiers: { flex: { input: '0.4', output: '1.6' }, priority: { input: '1.4', output: '5.6' } },
  },
  'bedrock/amazon.nova-lite': { input: '0.06', cachedInput: '0.015', output: '0.24' },
  'bedrock/anthropic.claude-opus-4-5': {
    input: '5.5',
    cachedInput: '0.55',
    cacheWrite5m: '6.875',
    cacheWrite1h: '11',
    output: '27.5',
  },
  // docs.x.ai/developers/pricing, 2026-10-14
  'xai/grok-4': { input: '3', cachedInput: '0.75', output: '15' },
  'xai/grok-4-fast': { input: '0.2', cachedInput: '0.05', output: '0.5' },
  'xai/grok-4.3': {
    input: { base: '1.25', tiers: [{ aboveInputTokens: 199_999, price: '2.5' }] },
    cachedInput: { base: '0.2', tiers: [{ aboveInputTokens: 199_999, price: '0.4' }] },
    output: { base: '2.5', tiers: [{ aboveInputTokens: 199_999, price: '5' }] },
  },
  'xai/grok-4.6': {
    input: { base: '2', tiers: [{ aboveInputTokens: 199_999, price: '4' }] },
    cachedInput: { base: '0.5', tiers: [{ aboveInputTokens: 199_999, price: '1' }] },
    output: { base: '6', tiers: [{ aboveInputTokens: 199_999, price: '12' }] },
  },
  // openrouter.ai/models, 2026-09-23
  'openrouter/anthropic/claude-sonnet-4.5': {
    input: '3',
    cachedInput: '0.3',
    cacheWrite5m: '3.75',
    output: '15',
  },
  'openrouter/openai/gpt-5': { input: '1.25', cachedInput: '0.125', output: '10' },
  'openrouter/deepseek/deepseek-chat-v3.1': { input: '0.21', cachedInput: '0.13', output: '0.79' },
  'openrouter/google/gemini-2.5-flash': { input: '0.3', cachedInput: '0.03', output: '2.5' },
  'openrouter/some/free': { input: '0', output: '0' },
  // the prices that the issue names, 2025-09-24
  'issues/gemini-2.5-pro-of-2025': { input: '1.25', cachedInput: '0.625', output: '10' },
  // platform.claude.com/docs/en/about-claude/pricing, 2026-10-14
  'issues/claude-3-7-sonnet': {
    input: '3',
    cachedInput: '0.3',
    cacheWrite5m: '3.75',
    cacheWrite1h: '6',
    output: '15',
  },
  // the prices that the issue names, 2026-07-27
  'issues/gpt-5.6-sol-of-july': { input: '5', cachedInput: '0.5', cacheWrite5m: '6.25', output: '30' },
  // a price of our own, as in the issue
  'issues/claude-by-custom-price': { input: '1', cachedInput: '0.1', cacheWrite5m: '1.25', output: '2' },
  // the price of one’s own that the issue names, 2026-05-14
  'issues/gpt-5.4-by-custom-price': { input: '2.5', cachedInput: '0.25', output: '15' },
}

export const fixedPrices: PriceBook = createPriceBook({ published: readPublishedPrices(), overrides })
