import { wholeAnswer } from '../test/costs/answers.ts'
import type { PricedCase } from '../test/costs/case.ts'
import { fixedPrices } from '../test/costs/prices.ts'
import { litellmPrices } from './litellm-prices.ts'

/** When the answers of the cases ended, so that prices that change in time are those of the cases. */
export const endedAtMs = Date.parse('2026-11-01T12:00:00Z')

/** A case as `costs-beside-litellm.py` takes it. */
export function caseForLitellm(priced: PricedCase): object {
  const target = targetOf(priced)
  const provider = target.provider === 'issues' ? vendorOf(priced) : target.provider
  const price = fixedPrices.priceOf(target, target.provider, endedAtMs)
  if (!price) throw new Error(`no price of ${priced.target}`)
  const { serviceTier } = priced.usage
  return {
    name: nameOf(priced),
    dialect: priced.dialect,
    provider,
    model: `${provider}/${target.model}`,
    prices: litellmPrices(price, provider),
    answer: { ...wholeAnswer(priced), ...besides(priced, target.model) },
    // Google says the tier in a header too, and LiteLLM reads it there.
    headers: typeof serviceTier === 'string' ? { 'x-gemini-service-tier': serviceTier } : {},
    batch: [priced.usage.service_tier, priced.answer?.service_tier].includes('batch'),
  }
}

/** The cases of published issues have prices of their own, under a provider of that name. */
function vendorOf({ dialect }: PricedCase): string {
  return dialect === 'anthropic-messages' ? 'anthropic' : dialect === 'gemini' ? 'gemini' : 'openai'
}

/** What a provider says besides: LiteLLM prices the model that the answer names, and reads no response without a date. */
function besides({ dialect }: PricedCase, model: string): object {
  if (dialect === 'bedrock-converse') return {}
  if (dialect === 'openai-responses') return { model, created_at: endedAtMs / 1000 }
  return dialect === 'gemini' ? { modelVersion: model } : { model }
}

export function targetOf({ target }: PricedCase): { provider: string; model: string } {
  const slash = target.indexOf('/')
  return { provider: target.slice(0, slash), model: target.slice(slash + 1) }
}

export function nameOf({ target, dialect, about }: PricedCase): string {
  return `${target}, ${dialect}: ${about}`
}

/** What providers themselves say of the charge, beside the counts. */
const ownWord = ['cost', 'cost_in_usd_ticks', 'cost_details', 'is_byok']

/** The case without the provider's word on its charge, if there is one: what is left to do is to calculate. */
export function withoutOwnWord({ provider, ...priced }: PricedCase): PricedCase[] {
  const counts = Object.entries(priced.usage).filter(([field]) => !ownWord.includes(field))
  if (counts.length === Object.keys(priced.usage).length) return []
  return [{ ...priced, usage: Object.fromEntries(counts) }]
}
