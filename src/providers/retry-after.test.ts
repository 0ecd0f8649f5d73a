import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { limitResetMs, retryAfterMs } from './retry-after.ts'

/** Saturday, a whole second. */
const nowMs = Date.UTC(2026, 10, 21, 12, 0, 0)
const hour = 3_600_000

type Headers = Record<string, string | string[]>

suite('how long a provider asks us to wait', () => {
  const cases: [string, Headers, number | undefined][] = [
    ['nothing', {}, undefined],
    ['milliseconds', { 'retry-after-ms': '1500' }, 1_500],
    ['a fraction of a millisecond, rounded up', { 'retry-after-ms': '0.25' }, 1],
    ['milliseconds, as Azure has them', { 'x-ms-retry-after-ms': '250' }, 250],
    ['milliseconds before all else', { 'retry-after': '9', 'retry-after-ms': '70' }, 70],
    ['OpenAI’s milliseconds before Azure’s', { 'x-ms-retry-after-ms': '9', 'retry-after-ms': '70' }, 70],
    ['seconds where the milliseconds are nonsense', { 'retry-after': '9', 'retry-after-ms': 'x' }, 9_000],
    ['seconds', { 'retry-after': '7' }, 7_000],
    ['a fraction of seconds', { 'retry-after': '0.75' }, 750],
    ['seconds with white space', { 'retry-after': ' 7 ' }, 7_000],
    ['the first of several', { 'retry-after': ['3', '9'] }, 3_000],
    ['no time at all', { 'retry-after': '0' }, 0],
    ['less than none', { 'retry-after': '-30' }, 0],
    ['less than none, in milliseconds', { 'retry-after-ms': '-30' }, 0],
    ['half a day', { 'retry-after': '43200' }, hour],
    ['for ever', { 'retry-after': '99999999999999999999999' }, hour],
    ['minutes and seconds', { 'retry-after': '6m0s' }, 360_000],
    ['a duration with a fraction', { 'retry-after': '1.5s' }, 1_500],
    ['a short duration', { 'retry-after': '250ms' }, 250],
    ['a long duration', { 'retry-after': '1h2m' }, hour],
    ['a date', { 'retry-after': 'Sat, 21 Nov 2026 12:01:00 GMT' }, 60_000],
    ['a date that has passed', { 'retry-after': 'Sat, 21 Nov 2026 11:00:00 GMT' }, 0],
    ['a date in another year', { 'retry-after': 'Sat, 21 Nov 2099 12:00:00 GMT' }, hour],
    ['a date without its zone', { 'retry-after': 'Sat, 21 Nov 2026 12:00:30' }, 30_000],
    ['a date of the old kind', { 'retry-after': 'Saturday, 21-Nov-26 12:00:30 GMT' }, 30_000],
    ['a date of the C library', { 'retry-after': 'Sat Nov 21 12:00:30 2026' }, 30_000],
    ['a date with a wrong weekday', { 'retry-after': 'Mon, 21 Nov 2026 12:01:00 GMT' }, 60_000],
    ['a date of RFC 3339', { 'retry-after': '2026-11-21T12:00:10Z' }, 10_000],
    ['a date in no calendar', { 'retry-after': 'Sat, 32 Foo 2026 12:01:00 GMT' }, undefined],
    ['a year and nothing else', { 'retry-after': 'Nov 2026' }, undefined],
    ['a word', { 'retry-after': 'soon' }, undefined],
    ['two numbers', { 'retry-after': '1, 2' }, undefined],
    ['a number that JavaScript alone reads', { 'retry-after': '0x10' }, undefined],
    ['nothing between its ends', { 'retry-after': '' }, undefined],
  ]
  for (const [what, headers, expected] of cases)
    test(what, () => assert.equal(retryAfterMs(headers, nowMs), expected))
})

suite('when a limit that is used up is reset', () => {
  const cases: [string, Headers, number | undefined][] = [
    ['no limits', {}, undefined],
    [
      'OpenAI’s, of what is used up',
      {
        'x-ratelimit-remaining-requests': '59',
        'x-ratelimit-reset-requests': '6m0s',
        'x-ratelimit-remaining-tokens': '0',
        'x-ratelimit-reset-tokens': '1.5s',
      },
      1_500,
    ],
    [
      'the longest, where several are used up',
      {
        'x-ratelimit-remaining-requests': '0',
        'x-ratelimit-reset-requests': '250ms',
        'x-ratelimit-remaining-tokens': '0',
        'x-ratelimit-reset-tokens': '2m59.56s',
      },
      179_560,
    ],
    [
      'nothing, where something is left of all',
      { 'x-ratelimit-remaining-tokens': '10', 'x-ratelimit-reset-tokens': '2s' },
      undefined,
    ],
    ['nothing, where it is not said what is left', { 'x-ratelimit-reset-tokens': '2s' }, undefined],
    [
      'Azure’s, in seconds',
      { 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': '10' },
      10_000,
    ],
    [
      'Cerebras’, of the day',
      { 'x-ratelimit-remaining-requests-day': '0', 'x-ratelimit-reset-requests-day': '33011.382867' },
      hour,
    ],
    [
      'OpenRouter’s, as a moment in milliseconds',
      { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(nowMs + 4_200) },
      4_200,
    ],
    [
      'a moment in seconds',
      { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(nowMs / 1_000 + 42) },
      42_000,
    ],
    ['the IETF’s', { 'ratelimit-remaining': '0', 'ratelimit-reset': '30' }, 30_000],
    ['the IETF’s of later drafts', { ratelimit: '"default";r=0;t=30' }, 30_000],
    ['nothing, where something is left by these', { ratelimit: '"default";r=5;t=30' }, undefined],
    [
      'Anthropic’s, of what is used up',
      {
        'anthropic-ratelimit-requests-remaining': '49',
        'anthropic-ratelimit-requests-reset': '2026-11-21T12:00:01Z',
        'anthropic-ratelimit-input-tokens-remaining': '0',
        'anthropic-ratelimit-input-tokens-reset': '2026-11-21T12:00:20Z',
        'anthropic-ratelimit-output-tokens-remaining': '0',
        'anthropic-ratelimit-output-tokens-reset': '2026-11-21T12:00:05+00:00',
      },
      20_000,
    ],
    [
      'Anthropic’s, that has passed',
      {
        'anthropic-ratelimit-tokens-remaining': '0',
        'anthropic-ratelimit-tokens-reset': '2026-11-21T11:59:59Z',
      },
      0,
    ],
    ['nonsense', { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': 'tomorrow' }, undefined],
  ]
  for (const [what, headers, expected] of cases)
    test(what, () => assert.equal(limitResetMs(headers, nowMs), expected))
})
