import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Attempt, type Bill, formatUsd, parseUsd, type Usage } from '#exchange'
import { createMetering } from '#metering'
import { dialects, providerDialects } from '#wire'
import { streamedAnswer, wholeAnswer } from './costs/answers.ts'
import { anthropic } from './costs/anthropic.ts'
import { bedrock } from './costs/bedrock.ts'
import type { PricedCase } from './costs/case.ts'
import { contradictions } from './costs/contradictions.ts'
import { gemini } from './costs/gemini.ts'
import { mispricings } from './costs/mispricings.ts'
import { openai } from './costs/openai.ts'
import { openaiResponses } from './costs/openai-responses.ts'
import { openrouter } from './costs/openrouter.ts'
import { fixedPrices } from './costs/prices.ts'
import { xai } from './costs/xai.ts'

const groups = {
  'Chat Completions': openai,
  Responses: openaiResponses,
  Messages: anthropic,
  Gemini: gemini,
  Bedrock: bedrock,
  xAI: xai,
  OpenRouter: openrouter,
  'bills that others had wrong': mispricings,
  'reports that contradict themselves': contradictions,
}

const { settle } = createMetering({ priceBook: fixedPrices })
const endedAtMs = Date.parse('2026-11-01T12:00:00Z')

interface Told {
  usage: Usage | undefined
  bill: Bill | undefined
}

test('there are enough of them', () => {
  const all = Object.values(groups).flat()
  assert(all.length >= 150, `${all.length} cases`)
  assert.equal(
    new Set(all.map(({ target, dialect, about }) => `${target} ${dialect} ${about}`)).size,
    all.length,
  )
})

for (const [group, cases] of Object.entries(groups)) {
  describe(`costs to the pico-dollar what is worked out by hand: ${group}`, () => {
    for (const priced of cases) {
      test(`${priced.target}, ${priced.about}: $${priced.usd}`, () => {
        assert.equal(formatUsd(addUp(priced.sum)), priced.usd, 'the arithmetic of the case')
        for (const [how, told] of Object.entries(readings(priced))) {
          if (told === undefined) continue
          const attempt = attemptOf(priced, told)
          const { costPicoUsd } = settle([attempt], provider => provider)
          assert.equal(costPicoUsd === undefined ? undefined : formatUsd(costPicoUsd), priced.usd, how)
          assert.equal(told.bill?.picoUsd, priced.provider && parseUsd(priced.provider), how)
          assert.equal(told.bill?.doubt, priced.doubt, how)
        }
      })
    }
  })
}

/** Every way in which an answer may be read: passed on or translated, whole or streamed. */
function readings(priced: PricedCase): Record<string, Told | undefined> {
  const whole = wholeAnswer(priced)
  const stream = streamedAnswer(priced)
  return {
    'passed on': relayed(priced, whole),
    'passed on, streamed': stream === undefined ? undefined : relayedStream(priced, stream),
    translated: translated(priced, whole),
    'translated, streamed': stream === undefined ? undefined : translatedStream(priced, stream),
  }
}

function relayed({ dialect }: PricedCase, whole: Record<string, unknown>): Told | undefined {
  if (dialect === 'bedrock-converse') return undefined
  const facts = dialects[dialect].readFacts(Buffer.from(JSON.stringify(whole)))
  assert(facts, 'is an answer')
  return { usage: facts.usage, bill: facts.bill }
}

function relayedStream({ dialect }: PricedCase, stream: string): Told | undefined {
  const own = dialect === 'bedrock-converse' ? undefined : dialects[dialect]
  if (own?.operation !== 'chat') return undefined
  const tap = own.createStreamTap({ showUsage: true })
  tap.push(Buffer.from(stream))
  tap.finish()
  const { facts } = tap
  assert(facts.ended, 'has ended')
  return { usage: facts.usage, bill: facts.bill }
}

function translated({ dialect }: PricedCase, whole: Record<string, unknown>): Told | undefined {
  const theirs = providerDialects[dialect]
  if (theirs.operation === 'count-tokens') return undefined
  if (theirs.operation === 'embeddings') return { usage: theirs.readAnswer(whole)?.usage, bill: undefined }
  const answer = theirs.readAnswer(whole, { hex: '0'.repeat(32) })
  assert(answer, 'is an answer')
  return { usage: answer.usage, bill: withTier(answer.bill, answer.serviceTier) }
}

function translatedStream({ dialect }: PricedCase, stream: string): Told | undefined {
  const theirs = providerDialects[dialect]
  if (theirs.operation !== 'chat') return undefined
  const reader = theirs.createReader({ hex: '0'.repeat(32) })
  let usage: Usage | undefined
  let bill: Bill | undefined
  let serviceTier: string | undefined
  for (const event of [...reader.push(Buffer.from(stream)), ...reader.finish()]) {
    if (event.type === 'usage' || event.type === 'start') usage = event.usage ?? usage
    if (event.type === 'usage' || event.type === 'start') bill = event.bill ?? bill
    if (event.type === 'start' || event.type === 'end') serviceTier = event.serviceTier ?? serviceTier
  }
  return { usage, bill: withTier(bill, serviceTier) }
}

/** As a translation puts them together: a bill's own tier is the closer one. */
function withTier(bill: Bill | undefined, serviceTier: string | undefined): Bill | undefined {
  return serviceTier === undefined ? bill : { tier: serviceTier, ...bill }
}

function attemptOf({ target }: PricedCase, { usage, bill }: Told): Attempt {
  const slash = target.indexOf('/')
  return {
    n: 1,
    target: { provider: target.slice(0, slash), model: target.slice(slash + 1) },
    startedAtMs: endedAtMs - 900,
    endedAtMs,
    status: 'succeeded',
    usageSource: 'provider',
    ...(usage && { usage }),
    ...(bill && { bill }),
  }
}

/** Pico-dollars: tokens × dollars per million. */
function addUp(sum: string): bigint {
  return sum
    .replaceAll('_', '')
    .split(' + ')
    .map(product => product.split(' × '))
    .reduce((total, [count = '0', usd = '0']) => total + (BigInt(count) * parseUsd(usd)) / 1_000_000n, 0n)
}
