/**
 * Why LiteLLM 1.106.2 works out something else, read in its source, by a part of the case's name. Where a line names a
 * function, that is where it happens.
 */
const reasons: readonly (readonly [part: string, why: string])[] = [
  [
    'three searches, and a page',
    'every web_search_call is a search, a page that is opened too (_count_web_search_calls)',
  ],
  [
    'a lifetime that does not account',
    'what the lifetimes leave out of the total is free (calculate_cache_writing_cost)',
  ],
  [
    'a batch that read and wrote',
    'a batch has one price for cache writes, whatever their lifetime (_batch_prompt_cost)',
  ],
  ['a batch with a search', 'the cost of a batch is that of its tokens (batch_cost_calculator)'],
  [
    'candidates that are not counted',
    'candidates that are not counted are none; the total is not looked at (_calculate_usage)',
  ],
  [
    'speech in that was cached',
    'cached speech has the price of cached text: the parser of Gemini does not say which of the two it was',
  ],
  ['speech and text that were cached', 'cached speech has the price of cached text, likewise'],
  [
    'with the caller’s own key',
    'cost alone is taken, OpenRouter’s fee; what the vendor takes from the key’s owner is not in it',
  ],
  ['its own word is negative', 'OpenRouter’s word is the cost, whatever it is'],
  ['xai/grok-4-fast, openai-chat: its own word', 'the provider’s word is the cost'],
  ['openrouter/openai/gpt-5, openai-chat: cached', 'OpenRouter’s word is the cost, rounded as it comes'],
  ['a price by another vendor', 'OpenRouter’s word is the cost'],
  [
    'more of an hour than was written, of Bedrock',
    'lifetimes that do not add up to what was written are not used: five minutes for all (_parse_cache_details)',
  ],
  ['more of a lifetime than was written', 'the lifetimes are billed, not what was written'],
  ['more cached', 'what is cached is billed as it stands, beyond the prompt'],
  ['more reasoning than output', 'reasoning is billed as it stands, beyond the output'],
  ['more of a modality', 'the modality is billed as it stands, beyond the prompt'],
  ['cached and written together more', 'both are billed as they stand, beyond the prompt'],
]

/** The closest reason for a case; undefined where nobody has looked. */
export function reasonOf(name: string): string | undefined {
  const fitting = reasons.filter(([part]) => name.includes(part))
  return fitting.toSorted(([one], [other]) => other.length - one.length)[0]?.[1]
}
