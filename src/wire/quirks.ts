/** Ways of single vendors that differ from their dialect's own, each with what showed that it is needed. */
export const quirks = {
  max_tokens:
    'OpenAI chat: takes `max_tokens` and refuses `max_completion_tokens`, or passes over it, and the bound is lost (Mistral: 422 on unknown fields; Ollama reads `max_tokens` only; the references of DeepSeek, Together, Perplexity, NVIDIA and Z.ai name no other; older vLLM and llama.cpp).',
  no_stream_options:
    'OpenAI chat: refuses `stream_options`; the usage comes at the end of every stream unasked (Mistral: 422 on unknown fields).',
  reasoning_content:
    'OpenAI chat: takes earlier thinking back as `reasoning_content`; DeepSeek, Moonshot, Z.ai and MiniMax want it beside tool calls.',
  top_k:
    'OpenAI chat: takes `top_k` (vLLM, SGLang, llama.cpp, Ollama, Together, Fireworks, OpenRouter, Alibaba).',
  cache_control:
    'OpenAI chat: takes Anthropic’s `cache_control` on parts and tools (OpenRouter, for Claude and Gemini).',
  system_for_developer:
    "OpenAI chat: knows the role `system` only. DeepSeek: 400 \"unknown variant `developer`, expected one of `system`, `user`, `assistant`, `tool`\". Alibaba: 400 \"developer is not one of ['system', 'assistant', 'user', 'tool', 'function']\". Z.ai: 400, the role is wrong. Mistral: 422.",
  no_end_mark:
    "OpenAI chat: closes its streams without `[DONE]`; one that has given every choice its finish reason, and the usage after it, is whole all the same (Hugging Face's router to Cerebras). Of any other provider such a stream counts as cut off.",
} as const
