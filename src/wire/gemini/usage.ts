import { type Bill, totalInput, totalOutput, type Usage } from '#exchange'
import { hasOnlyCounts, readBill } from '../bill.ts'
import { isObject } from '../json-body.ts'
import { notOfNothing, readCount } from '../token-count.ts'

type Json = Readonly<Record<string, unknown>>

/**
 * Gemini's usage report as disjoint kinds. `promptTokenCount` contains what was read from a cache, but not what its
 * own tools put in; `candidatesTokenCount` does not contain thoughts (ai.google.dev/api/generate-content,
 * `UsageMetadata`). Where the candidates are not counted they are what is left of the total. A detail larger than its
 * total is cut to it. Undefined when there is no report, its counts are not counts, or all are 0.
 */
export function readGeminiUsage(report: unknown): Usage | undefined {
  if (!isObject(report)) return undefined
  const prompt = readCount(report, 'promptTokenCount')
  const total = readCount(report, 'totalTokenCount')
  if (countFields.every(name => readCount(report, name) === undefined)) return undefined
  if (!hasOnlyCounts(report)) return undefined
  const reasoning = readCount(report, 'thoughtsTokenCount') ?? 0
  const inputTokens = (prompt ?? 0) + (readCount(report, 'toolUsePromptTokenCount') ?? 0)
  const outputTokens =
    readCount(report, 'candidatesTokenCount') ?? Math.max((total ?? 0) - inputTokens - reasoning, 0)
  const usage = said({ ...readInput(report, inputTokens), ...readOutput(report, outputTokens), reasoning })
  return notOfNothing(usage)
}

/** Gemini says the tier itself; Vertex AI says what kind of traffic it was (`trafficType`: ON_DEMAND_PRIORITY …). */
export function readGeminiBill(report: unknown): Bill | undefined {
  if (!isObject(report)) return undefined
  const traffic = typeof report.trafficType === 'string' ? report.trafficType : ''
  const kind = /_(PRIORITY|FLEX)$/.exec(traffic)?.[1]
  return readBill(report, report.serviceTier ?? kind)
}

/** Any of them may be missing, the prompt's too: recorded with an image by address. */
const countFields = ['promptTokenCount', 'totalTokenCount', 'candidatesTokenCount', 'thoughtsTokenCount']

function readInput(report: Json, inputTokens: number): Usage {
  const cached = Math.min(readCount(report, 'cachedContentTokenCount') ?? 0, inputTokens)
  const cachedAudioInput = Math.min(ofModality(report, 'cacheTokensDetails', 'AUDIO'), cached)
  const cachedImages = Math.min(ofModality(report, 'cacheTokensDetails', 'IMAGE'), cached - cachedAudioInput)
  const told = (modality: string): number =>
    ofModality(report, 'promptTokensDetails', modality) +
    ofModality(report, 'toolUsePromptTokensDetails', modality)
  const fresh = inputTokens - cached
  const audioInput = Math.min(Math.max(told('AUDIO') - cachedAudioInput, 0), fresh)
  const imageInput = Math.min(Math.max(told('IMAGE') - cachedImages, 0), fresh - audioInput)
  return {
    input: fresh - audioInput - imageInput,
    cachedInput: cached - cachedAudioInput,
    cachedAudioInput,
    audioInput,
    imageInput,
  }
}

function readOutput(report: Json, outputTokens: number): Usage {
  const audioOutput = Math.min(ofModality(report, 'candidatesTokensDetails', 'AUDIO'), outputTokens)
  const images = ofModality(report, 'candidatesTokensDetails', 'IMAGE')
  const imageOutput = Math.min(images, outputTokens - audioOutput)
  return { output: outputTokens - audioOutput - imageOutput, audioOutput, imageOutput }
}

function said(usage: Usage): Usage {
  return Object.fromEntries(Object.entries(usage).filter(([, tokens]) => tokens > 0))
}

function ofModality(report: Json, field: string, modality: string): number {
  const details = report[field]
  if (!Array.isArray(details)) return 0
  let tokens = 0
  for (const detail of details)
    if (isObject(detail) && detail.modality === modality) tokens += readCount(detail, 'tokenCount') ?? 0
  return tokens
}

/** A report for callers. What Gemini has no word for (writing into a cache) is part of the prompt. */
export function writeGeminiUsage(usage: Usage): Json {
  const prompt = totalInput(usage)
  const output = totalOutput(usage)
  const reasoning = usage.reasoning ?? 0
  const cachedAudio = usage.cachedAudioInput ?? 0
  const cached = (usage.cachedInput ?? 0) + cachedAudio
  return {
    promptTokenCount: prompt,
    candidatesTokenCount: output - reasoning,
    totalTokenCount: prompt + output,
    ...(cached > 0 && { cachedContentTokenCount: cached }),
    ...(reasoning > 0 && { thoughtsTokenCount: reasoning }),
    ...details('promptTokensDetails', prompt, {
      AUDIO: (usage.audioInput ?? 0) + cachedAudio,
      IMAGE: usage.imageInput ?? 0,
    }),
    ...(cached > 0 && details('cacheTokensDetails', cached, { AUDIO: cachedAudio, IMAGE: 0 })),
    ...details('candidatesTokensDetails', output - reasoning, {
      AUDIO: usage.audioOutput ?? 0,
      IMAGE: usage.imageOutput ?? 0,
    }),
  }
}

function details(field: string, total: number, { AUDIO, IMAGE }: { AUDIO: number; IMAGE: number }): Json {
  if (AUDIO + IMAGE === 0) return {}
  const counts = { TEXT: total - AUDIO - IMAGE, AUDIO, IMAGE }
  const list = Object.entries(counts).map(([modality, tokenCount]) => ({ modality, tokenCount }))
  return { [field]: list.filter(({ tokenCount }) => tokenCount > 0) }
}
