/** Ways of single vendors that differ from their dialect's own, each with what showed that it is needed. */
export const quirks = {
  max_tokens:
    'OpenAI chat: takes `max_tokens` and refuses `max_completion_tokens`, or passes over it (Mistral: 422 on unknown fields; older vLLM, llama.cpp, Ollama).',
  no_stream_options:
    'OpenAI chat: refuses `stream_options`; the usage comes at the end of every stream unasked (Mistral: 422 on unknown fields).',
  system_for_developer: 'OpenAI chat: knows the role `system` only, not `developer`.',
} as const
