/**
 * The most output tokens, thinking included, that a model gives where nobody sets a cap; undefined: not known. Families
 * by their names, the first that fits counts. From the vendors' own pages: OpenAI's of each model
 * (developers.openai.com/api/docs/models), Anthropic's overview (platform.claude.com/docs/en/about-claude/models/overview)
 * and deprecations, Google's (ai.google.dev/gemini-api/docs/models), as of autumn 2026. What else runs under such a
 * name, on a server of one's own or by a deployment's name, may give more.
 */
export function mostOutput(model: string): number | undefined {
  const name = model.slice(model.lastIndexOf('/') + 1).toLowerCase()
  return families.find(([family]) => family.test(name))?.[1]
}

const families: readonly (readonly [family: RegExp, tokens: number])[] = [
  // OpenAI
  [/^gpt-5(\.[1-3])?-chat/, 16_384],
  [/^gpt-5-pro/, 272_000],
  [/^gpt-5/, 128_000],
  [/^gpt-4\.1/, 32_768],
  [/^gpt-4\.5/, 16_384],
  [/^gpt-4o-2024-05-13/, 4_096],
  [/^gpt-4o-64k/, 64_000],
  [/^(chat)?gpt-4o|^gpt-audio/, 16_384],
  [/^gpt-4-(turbo|vision|1106|0125)/, 4_096],
  [/^gpt-4-32k/, 32_768],
  [/^gpt-4(-\d{4})?$/, 8_192],
  [/^gpt-3\.5-turbo-16k/, 16_384],
  [/^gpt-(3\.5|35)-turbo/, 4_096],
  [/^gpt-oss/, 131_072],
  [/^o1-preview/, 32_768],
  [/^o1-mini/, 65_536],
  [/^(o1|o3|o4-mini|codex-mini)(-|$)/, 100_000],
  [/^computer-use-preview/, 1_024],
  // Anthropic, by itself and in the names of clouds
  [/claude-(v?2|instant)/, 4_096],
  [/claude-3-(opus|sonnet|haiku)/, 4_096],
  [/claude-3[.-]5/, 8_192],
  [/claude-3[.-]7/, 64_000],
  [/claude-opus-4([.-][01])?(?![.-]?\d)|claude-opus-4[@-]2\d{7}/, 32_000],
  [/claude-opus-4[.-]1(?!\d)/, 32_000],
  [/claude-(opus|sonnet|haiku)-4[.-]5(?!\d)/, 64_000],
  [/claude-(sonnet|haiku)-4([.-]0)?(?![.-]?\d)|claude-sonnet-4[@-]2\d{7}/, 64_000],
  [/claude-/, 128_000],
  // Google
  [/^gemini-2\.0-flash-thinking/, 65_536],
  [/^gemini-(pro|1\.0|1\.5|2\.0)/, 8_192],
  [/^gemini-(2\.5|3(\.\d+)?)-/, 65_536],
]
