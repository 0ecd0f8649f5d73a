/* Answers as Google's documentation and its SDK's types have them, for the tests. */

export type Chunk = Record<string, unknown>

const head = { modelVersion: 'gemini-3-flash-preview', responseId: 'mAitaLmkHPPlz7IPvtfUqQ4' }

function chunk(parts: unknown[] | undefined, more: Chunk = {}, answer: Chunk = {}): Chunk {
  const content = { ...(parts && { parts }), role: 'model' }
  return { candidates: [{ content, index: 0, ...more }], ...answer, ...head }
}

const counts = (candidatesTokenCount: number, more: Chunk = {}): Chunk => {
  const thoughts = typeof more.thoughtsTokenCount === 'number' ? more.thoughtsTokenCount : 0
  const totalTokenCount = 12 + candidatesTokenCount + thoughts
  return { usageMetadata: { promptTokenCount: 12, candidatesTokenCount, totalTokenCount, ...more } }
}

export const streams = {
  text: [
    chunk([{ text: 'Grüße ' }], {}, counts(1)),
    chunk([{ text: 'vom Leuchtturm 🌊' }], {}, counts(6)),
    chunk([{ text: '' }], { finishReason: 'STOP' }, counts(7)),
  ],
  'thoughts and a sealed text': [
    chunk([{ text: '**Counting**\n', thought: true }], {}, counts(0, { thoughtsTokenCount: 20 })),
    chunk([{ text: 'one, two', thought: true }], {}, counts(0, { thoughtsTokenCount: 31 })),
    chunk([{ text: 'Two.' }], {}, counts(2, { thoughtsTokenCount: 31 })),
    chunk(
      [{ text: '', thoughtSignature: 'CiUBjz1rX2tleQ==' }],
      { finishReason: 'STOP' },
      counts(2, { thoughtsTokenCount: 31 }),
    ),
  ],
  'parallel calls, the first of them sealed': [
    chunk([{ text: 'I look it up.' }], {}, counts(5)),
    chunk(
      [
        { functionCall: { name: 'weather', args: { city: 'Kiel' } }, thoughtSignature: 'EjQKMgG+Pvb7' },
        { functionCall: { name: 'weather', args: { city: 'Ulm' } } },
        { functionCall: { name: 'now' } },
      ],
      {},
      counts(40),
    ),
    chunk([{ text: '' }], { finishReason: 'STOP' }, counts(40)),
  ],
  'a call in pieces': [
    chunk([{ functionCall: { name: 'book', willContinue: true }, thoughtSignature: 'AQID' }]),
    chunk([
      {
        functionCall: {
          partialArgs: [{ jsonPath: '$.where', stringValue: 'Ki', willContinue: true }],
          willContinue: true,
        },
      },
    ]),
    chunk([
      { functionCall: { partialArgs: [{ jsonPath: '$.where', stringValue: 'el "N"' }], willContinue: true } },
    ]),
    chunk([
      {
        functionCall: {
          partialArgs: [
            { jsonPath: '$.days[0].n', numberValue: 3 },
            { jsonPath: "$.days[0]['by sea']", boolValue: true },
            { jsonPath: '$.days[1]', nullValue: 'NULL_VALUE' },
            { jsonPath: '$.tags[]' },
          ],
          willContinue: true,
        },
      },
    ]),
    chunk([{ functionCall: {} }]),
    chunk([{ text: '' }], { finishReason: 'STOP' }, counts(9)),
  ],
  'sources of a grounded text': [
    chunk([{ text: 'Spanien gewann die ' }], {}, counts(4)),
    chunk([{ text: 'Euro 2024 – knapp.' }], {}, counts(9)),
    chunk(
      [{ text: '' }],
      {
        finishReason: 'STOP',
        groundingMetadata: {
          webSearchQueries: ['Euro 2024'],
          searchEntryPoint: { renderedContent: '<div></div>' },
          groundingChunks: [
            { web: { uri: 'https://a.example/1', title: 'a.example' } },
            { web: { uri: 'https://b.example/2', title: 'b.example' } },
          ],
          groundingSupports: [
            {
              segment: { endIndex: 41, text: 'Spanien gewann die Euro 2024 – knapp.'.slice(0, 41) },
              groundingChunkIndices: [0, 1],
            },
          ],
        },
      },
      counts(9, { toolUsePromptTokenCount: 30, totalTokenCount: 51 }),
    ),
  ],
  'what it ran itself': [
    chunk([{ executableCode: { language: 'PYTHON', code: 'print(2)' } }]),
    chunk([{ codeExecutionResult: { outcome: 'OUTCOME_OK', output: '2\n' } }]),
    chunk([{ text: 'It is 2.' }], { finishReason: 'STOP' }, counts(30)),
  ],
  'a sealed image': [
    chunk([{ text: 'Here.' }]),
    chunk([{ inlineData: { mimeType: 'image/png', data: 'iVBORw0KGgo=' }, thoughtSignature: 'AAEC' }]),
    chunk(
      [{ text: '' }],
      { finishReason: 'STOP' },
      counts(1295, { candidatesTokensDetails: [{ modality: 'IMAGE', tokenCount: 1290 }] }),
    ),
  ],
  'nothing before the limit': [
    chunk(undefined, { finishReason: 'MAX_TOKENS' }, counts(0, { thoughtsTokenCount: 88 })),
  ],
  'a text that a filter stopped': [
    chunk([{ text: 'Once' }], {}, counts(1)),
    {
      candidates: [
        {
          finishReason: 'SAFETY',
          index: 0,
          safetyRatings: [{ category: 'HARM_CATEGORY_HARASSMENT', probability: 'HIGH', blocked: true }],
        },
      ],
      ...counts(1),
      ...head,
    },
  ],
  'a blocked prompt': [
    {
      promptFeedback: { blockReason: 'PROHIBITED_CONTENT' },
      usageMetadata: { promptTokenCount: 12, totalTokenCount: 12 },
      ...head,
    },
  ],
  'two candidates': [
    chunk([{ text: 'a' }]),
    chunk([{ text: 'b' }], { index: 1 }),
    chunk([{ text: 'A' }], { finishReason: 'STOP' }),
    chunk([{ text: 'B' }], { index: 1, finishReason: 'MAX_TOKENS' }, counts(4)),
  ],
  'probabilities of tokens': [
    chunk([{ text: 'Ja' }], {
      logprobsResult: {
        chosenCandidates: [{ token: 'Ja', logProbability: -0.1, tokenId: 7 }],
        topCandidates: [
          {
            candidates: [
              { token: 'Ja', logProbability: -0.1 },
              { token: 'Nein', logProbability: -2.4 },
            ],
          },
        ],
      },
    }),
    chunk([{ text: '' }], { finishReason: 'STOP' }, counts(1)),
  ],
} satisfies Record<string, Chunk[]>

export const sse = (chunks: readonly Chunk[]): Buffer =>
  Buffer.from(chunks.map(chunk => `data: ${JSON.stringify(chunk)}\r\n\r\n`).join(''))
