/**
 * `node bench/costs-beside-litellm.ts`: what LiteLLM works out for the usage reports of `test/costs`, at the same prices,
 * beside what they cost by hand and by us. Needs Python 3; nothing leaves the machine once LiteLLM is installed.
 */
import { spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { type Bill, formatUsd, type Usage } from '#exchange'
import { createMetering } from '#metering'
import { providerDialects } from '#wire'
import { wholeAnswer } from '../test/costs/answers.ts'
import { anthropic } from '../test/costs/anthropic.ts'
import { bedrock } from '../test/costs/bedrock.ts'
import type { PricedCase } from '../test/costs/case.ts'
import { contradictions } from '../test/costs/contradictions.ts'
import { gemini } from '../test/costs/gemini.ts'
import { mispricings } from '../test/costs/mispricings.ts'
import { openai } from '../test/costs/openai.ts'
import { openaiResponses } from '../test/costs/openai-responses.ts'
import { openrouter } from '../test/costs/openrouter.ts'
import { fixedPrices } from '../test/costs/prices.ts'
import { xai } from '../test/costs/xai.ts'
import { caseForLitellm, endedAtMs, nameOf, targetOf, withoutOwnWord } from './litellm-case.ts'
import { litellmEnvironment, litellmVersion } from './litellm-environment.ts'
import { reasonOf } from './litellm-reasons.ts'

const golden: Readonly<Record<string, readonly PricedCase[]>> = {
  'Chat Completions': openai,
  'Responses, Embeddings': openaiResponses,
  Messages: anthropic,
  Gemini: gemini,
  Bedrock: bedrock,
  xAI: xai,
  OpenRouter: openrouter,
  'published mispricings': mispricings,
  'contradictory reports': contradictions,
}

/** LiteLLM takes a provider's word on its charge; these are the cases with such a word once more, to be calculated. */
const again = 'again, provider silent'
const shapes = { ...golden, [again]: Object.values(golden).flat().flatMap(withoutOwnWord) }

interface Theirs {
  name: string
  cost: number | null
  error?: string
}

const verdicts = ['equal', 'as the provider says', 'different', 'cannot'] as const
type Verdict = (typeof verdicts)[number]

interface Finding {
  shape: string
  name: string
  usd: string
  ours: string | undefined
  litellm: number | null
  verdict: Verdict
  providerUsd?: string
  error?: string
  why?: string
}

const program = fileURLToPath(new URL('./costs-beside-litellm.py', import.meta.url))
const resultsFolder = fileURLToPath(new URL('./results/', import.meta.url))
const { settle } = createMetering({ priceBook: fixedPrices })

const python = await findPython()
const findings = await compare(python)
process.stdout.write(`${table(findings)}\n\n${list(findings)}\n`)
keep(findings)
if (findings.some(one => one.ours !== one.usd)) process.exitCode = 1

async function findPython(): Promise<string> {
  try {
    return join(await litellmEnvironment('library', say), 'bin/python3')
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    say(`LiteLLM could not be installed; it takes Python 3 with venv, and a package index. ${reason}`)
    process.exit(1)
  }
}

async function compare(python: string): Promise<Finding[]> {
  const all = Object.entries(shapes).flatMap(([shape, cases]) => cases.map(priced => ({ shape, priced })))
  const lines = all.map(({ priced }) => JSON.stringify(caseForLitellm(priced)))
  const theirs = await ask(python, lines)
  return all.map(({ shape, priced }, n) => {
    const { name, cost, error } = theirs[n] ?? { name: 'none', cost: null }
    if (name !== nameOf(priced)) throw new Error(`LiteLLM's side answered "${name}" to "${nameOf(priced)}"`)
    const verdict = judge(priced, cost)
    const why = verdict === 'equal' ? undefined : reasonOf(name)
    return {
      shape,
      name,
      usd: priced.usd,
      ours: ourCost(priced),
      litellm: cost,
      verdict,
      ...(priced.provider !== undefined && { providerUsd: priced.provider }),
      ...(error !== undefined && { error }),
      ...(why !== undefined && { why }),
    }
  })
}

async function ask(python: string, lines: string[]): Promise<Theirs[]> {
  const child = spawn(python, ['-W', 'ignore', program], { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  child.stdin.end(`${lines.join('\n')}\n`)
  const [said, code] = await Promise.all([text(child.stdout), ended])
  if (code !== 0) throw new Error(`LiteLLM's side ended with ${code}`)
  return said
    .trimEnd()
    .split('\n')
    .map((line): Theirs => JSON.parse(line))
}

function ourCost(priced: PricedCase): string | undefined {
  const { usage, bill } = readings(priced)
  if (!usage) return undefined
  const attempt = {
    n: 1,
    target: targetOf(priced),
    startedAtMs: endedAtMs - 900,
    endedAtMs,
    status: 'succeeded' as const,
    usageSource: 'provider' as const,
    usage,
    bill,
  }
  const { costPicoUsd } = settle([attempt], provider => provider)
  return costPicoUsd === undefined ? undefined : formatUsd(costPicoUsd)
}

/** What our own side reads in the answer: counts, and the tier that served it. */
function readings(priced: PricedCase): { usage?: Usage | undefined; bill: Bill } {
  const dialect = providerDialects[priced.dialect]
  const json = wholeAnswer(priced)
  if (dialect.operation === 'count-tokens') throw new Error(`${nameOf(priced)}: costs nothing`)
  if (dialect.operation === 'embeddings') return { usage: dialect.readAnswer(json)?.usage, bill: {} }
  const answer = dialect.readAnswer(json, { hex: '0'.repeat(32) })
  const tier = answer?.serviceTier
  return { usage: answer?.usage, bill: { ...(tier !== undefined && { tier }), ...answer?.bill } }
}

function judge({ usd, provider }: PricedCase, cost: number | null): Verdict {
  if (cost === null) return 'cannot'
  if (isEqual(cost, Number(usd))) return 'equal'
  return provider !== undefined && isEqual(cost, Number(provider)) ? 'as the provider says' : 'different'
}

/** A pico-dollar, or what doubles lose. */
function isEqual(one: number, other: number): boolean {
  return Math.abs(one - other) <= Math.max(1e-12, 1e-9 * Math.abs(other))
}

function table(findings: readonly Finding[]): string {
  const heads = [
    'Sluice equal',
    `LiteLLM ${litellmVersion} equal`,
    'as the provider says',
    'different',
    'cannot',
  ]
  const rows = Object.keys(shapes).map(shape =>
    row(
      shape,
      findings.filter(one => one.shape === shape),
    ),
  )
  const all = row(
    'all',
    findings.filter(one => one.shape !== again),
  )
  return [
    `| usage reports          | cases | ${heads.join(' | ')} |`,
    '| ---------------------- | ----: | ---: | ---: | ---: | ---: | ---: |',
    ...rows.toSpliced(-1, 0, all),
  ].join('\n')
}

function row(shape: string, findings: readonly Finding[]): string {
  const ours = findings.filter(one => one.ours === one.usd).length
  const theirs = verdicts.map(verdict => findings.filter(one => one.verdict === verdict).length)
  return `| ${[shape.padEnd(22), ...[findings.length, ours, ...theirs].map(n => String(n).padStart(5))].join(' | ')} |`
}

function list(findings: readonly Finding[]): string {
  return findings
    .filter(one => one.verdict !== 'equal' || one.ours !== one.usd)
    .map(({ name, usd, ours, litellm, verdict, error, why = 'not looked into' }) => {
      const ratio = litellm === null || Number(usd) === 0 ? '' : ` (${(litellm / Number(usd)).toFixed(4)} ×)`
      const theirs = litellm === null ? `LiteLLM: ${error}` : `LiteLLM $${litellm}${ratio}`
      const own = ours === usd ? '' : `, Sluice $${ours}`
      return `${verdict}: ${name}\n  by hand $${usd}${own}, ${theirs}: ${why}`
    })
    .join('\n')
}

function keep(findings: readonly Finding[]): void {
  mkdirSync(resultsFolder, { recursive: true })
  const name = `costs-beside-litellm-${new Date().toISOString().replaceAll(/[:.]/g, '-')}.json`
  const result = { litellm: litellmVersion, node: process.version, findings }
  writeFileSync(join(resultsFolder, name), `${JSON.stringify(result, undefined, 2)}\n`)
  say(`every case is in bench/results/${name}`)
}

function say(line: string): void {
  process.stderr.write(`bench: ${line}\n`)
}
