import type { Fields, Kind } from './proto.ts'

const packageName = 'google.ai.generativelanguage.v1beta'

function oneOf(name: string, ...names: readonly string[]): Kind {
  return { enum: names, name: `${packageName}.${name}` }
}

const list = (kind: Kind): Kind => ({ list: kind })
const message = (fields: Fields): Kind => ({ message: () => fields })

/** The part of OpenAPI that Gemini takes; `$ref`, `additionalProperties` and the like are no fields of it. */
const schemaFields: Fields = {
  type: oneOf(
    'Type',
    'TYPE_UNSPECIFIED',
    'STRING',
    'NUMBER',
    'INTEGER',
    'BOOLEAN',
    'ARRAY',
    'OBJECT',
    'NULL',
  ),
  ...{ format: 'string', title: 'string', description: 'string', nullable: 'bool', enum: list('string') },
  ...{ items: { message: () => schemaFields }, maxItems: 'int', minItems: 'int' },
  properties: { map: { message: () => schemaFields } },
  ...{ required: list('string'), minProperties: 'int', maxProperties: 'int' },
  ...{ minimum: 'float', maximum: 'float', minLength: 'int', maxLength: 'int', pattern: 'string' },
  ...{ example: 'value', default: 'value', propertyOrdering: list('string') },
  anyOf: list({ message: () => schemaFields }),
}

const schema: Kind = { message: () => schemaFields }

const blob = message({ mimeType: 'string', data: 'bytes', displayName: 'string' })
const file = message({ mimeType: 'string', fileUri: 'string', displayName: 'string' })

const part = message({
  ...{ text: 'string', inlineData: blob, fileData: file, thought: 'bool', thoughtSignature: 'bytes' },
  functionCall: message({ id: 'string', name: 'string', args: 'struct' }),
  functionResponse: message({
    ...{ id: 'string', name: 'string', response: 'struct', willContinue: 'bool', scheduling: 'string' },
    parts: list(message({ inlineData: blob, fileData: file })),
  }),
  executableCode: message({ id: 'string', language: 'string', code: 'string' }),
  codeExecutionResult: message({ id: 'string', outcome: 'string', output: 'string' }),
  videoMetadata: message({ startOffset: 'string', endOffset: 'string', fps: 'float' }),
  ...{ toolCall: 'struct', toolResponse: 'struct', partMetadata: 'struct', mediaResolution: 'struct' },
})

const contentKind = message({ role: 'string', parts: list(part) })

const functionDeclaration = message({
  ...{ name: 'string', description: 'string', behavior: 'string' },
  ...{ parameters: schema, parametersJsonSchema: 'value', response: schema, responseJsonSchema: 'value' },
})

const tool = message({
  functionDeclarations: list(functionDeclaration),
  ...{
    googleSearch: 'struct',
    googleSearchRetrieval: 'struct',
    codeExecution: 'struct',
    urlContext: 'struct',
  },
  ...{ computerUse: 'struct', fileSearch: 'struct', googleMaps: 'struct', mcpServers: list('struct') },
})

const toolConfig = message({
  functionCallingConfig: message({
    mode: oneOf('FunctionCallingConfig.Mode', 'MODE_UNSPECIFIED', 'AUTO', 'ANY', 'NONE', 'VALIDATED'),
    allowedFunctionNames: list('string'),
  }),
  ...{ retrievalConfig: 'struct', includeServerSideToolInvocations: 'bool' },
})

const generationConfig = message({
  ...{ candidateCount: 'int', stopSequences: list('string'), maxOutputTokens: 'int', temperature: 'float' },
  ...{ topP: 'float', topK: 'int', seed: 'int', presencePenalty: 'float', frequencyPenalty: 'float' },
  ...{ responseMimeType: 'string', responseSchema: schema, responseJsonSchema: 'value' },
  ...{ responseLogprobs: 'bool', logprobs: 'int', responseModalities: list('string') },
  ...{ enableEnhancedCivicAnswers: 'bool', mediaResolution: 'string', speechConfig: 'struct' },
  ...{ imageConfig: 'struct', audioTranscriptionConfig: 'struct' },
  thinkingConfig: message({
    ...{ includeThoughts: 'bool', thinkingBudget: 'int' },
    thinkingLevel: oneOf(
      'ThinkingConfig.ThinkingLevel',
      ...['THINKING_LEVEL_UNSPECIFIED', 'MINIMAL', 'LOW', 'MEDIUM', 'HIGH'],
    ),
  }),
})

const harms = [
  'HARASSMENT',
  'HATE_SPEECH',
  'SEXUALLY_EXPLICIT',
  'DANGEROUS_CONTENT',
  'CIVIC_INTEGRITY',
  'UNSPECIFIED',
]
const thresholds = ['BLOCK_LOW_AND_ABOVE', 'BLOCK_MEDIUM_AND_ABOVE', 'BLOCK_ONLY_HIGH', 'BLOCK_NONE', 'OFF']

/** `GenerateContentRequest` of the Gemini API, v1beta. */
export const generateFields: Fields = {
  ...{
    model: 'string',
    contents: list(contentKind),
    systemInstruction: contentKind,
    cachedContent: 'string',
  },
  ...{ tools: list(tool), toolConfig, generationConfig, store: 'bool', serviceTier: 'string' },
  safetySettings: list(
    message({
      category: oneOf('HarmCategory', ...harms.map(harm => `HARM_CATEGORY_${harm}`)),
      threshold: oneOf('SafetySetting.HarmBlockThreshold', 'HARM_BLOCK_THRESHOLD_UNSPECIFIED', ...thresholds),
    }),
  ),
}

/** `CountTokensRequest`. */
export const countFields: Fields = {
  ...{ model: 'string', contents: list(contentKind), generateContentRequest: message(generateFields) },
}

/** `EmbedContentRequest`. */
export const embedFields: Fields = {
  ...{
    model: 'string',
    content: contentKind,
    taskType: 'string',
    title: 'string',
    outputDimensionality: 'int',
  },
  embedContentConfig: 'struct',
}

/** `BatchEmbedContentsRequest`. */
export const batchEmbedFields: Fields = { requests: list(message(embedFields)) }
