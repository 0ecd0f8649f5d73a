import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { Ajv } from 'ajv'
import fc from 'fast-check'
import { parse } from 'yaml'
import { type Clock, type Problem, renderProblems, watchFile } from '#platform'
import { editorSchema } from '../src/platform/config/publish.ts'
import { type Config, configFromEnvironment, configSchema, readConfig } from '../src/roles/config.ts'

type Env = Record<string, string>

function load(text: string, env: Env = {}): Config {
  const loaded = readConfig({ text, file: 'sluice.yaml', env })
  assert.ok(loaded.ok, loaded.ok ? '' : renderProblems(loaded.problems, text))
  return loaded.config
}

function problemsOf(text: string, env: Env = {}): Problem[] {
  const loaded = readConfig({ text, file: 'sluice.yaml', env })
  assert.ok(!loaded.ok, 'it was accepted')
  return loaded.problems
}

const sample = `
listen: 127.0.0.1:4000
data: ./.sluice
database: \${DATABASE_URL:-}
providers:
  openai:    { api_key: \${OPENAI_API_KEY} }
  anthropic: { api_key: \${ANTHROPIC_API_KEY} }
  house:     { dialect: openai, base_url: http://10.0.0.5:8000/v1 }
models:
  smart:
    targets: [anthropic/claude-sonnet-4-5, openai/gpt-5]
    timeouts: { connect: 2s, first_token: 10s, idle: 20s, total: 120s }
  fast:
    balance: [{ use: openai/gpt-5-mini, weight: 3 }, { use: house/llama-3.3, weight: 1 }]
prices:
  house/llama-3.3: { input: 0.10, output: 0.10 }
keys:
  - { name: web, key: \${SLUICE_WEB_KEY}, organization: acme, project: shop }
`
const sampleEnv = { OPENAI_API_KEY: 'sk-1', ANTHROPIC_API_KEY: 'sk-2', SLUICE_WEB_KEY: 'sk-web-0123456789' }

suite('a configuration that is right', () => {
  test('is read as DESIGN writes it, quantities as numbers and prices exact', () => {
    const config = load(sample, sampleEnv)
    assert.equal(config.providers.openai?.api_key, 'sk-1')
    assert.deepEqual(config.models.smart?.timeouts, {
      connect: 2_000,
      first_token: 10_000,
      idle: 20_000,
      total: 120_000,
    })
    assert.deepEqual(config.models.fast?.balance, [
      { use: 'openai/gpt-5-mini', weight: 3 },
      { use: 'house/llama-3.3', weight: 1 },
    ])
    assert.deepEqual(config.prices['house/llama-3.3'], { input: '0.1', output: '0.1' })
    assert.equal(config.keys[0]?.key, 'sk-web-0123456789')
    assert.equal('database' in config, false, 'what is left to an empty environment is left out')
  })

  test('has every default filled in, and cannot be changed', () => {
    const config = load('providers: { sim: {} }')
    assert.equal(config.listen, '127.0.0.1:4000')
    assert.equal(config.requests.max_body, 32 * 1024 * 1024)
    assert.deepEqual(config.providers.sim, {
      timeouts: { connect: 5_000, first_token: 120_000, idle: 60_000, total: 600_000 },
      retries: 2,
      breaker: {
        failures: 5,
        ratio: 0.5,
        least_attempts: 20,
        window: 30_000,
        cooldown: 5_000,
        longest_cooldown: 60_000,
      },
      connections: 256,
      max_answer: 64 * 1024 * 1024,
    })
    assert.equal(config.calls.content, 'none')
    assert.throws(
      () => Reflect.apply(Object.assign, Object, [config.providers.sim?.timeouts, { idle: 1 }]),
      TypeError,
    )
  })

  test('may leave sections and records empty', () => {
    const config = load('providers:\n  sim:\nmodels:\nkeys:\nprices:\n')
    assert.equal(config.providers.sim?.connections, 256)
    assert.deepEqual(config.keys, [])
  })

  test('keeps all digits of a price, written as a number or as text', () => {
    const config = load(
      'providers: { sim: }\nprices: { sim/x: { input: 123456789.123456, output: "$0.000001", reasoning: 1e-6 } }',
    )
    const exact = { input: '123456789.123456', output: '0.000001', reasoning: '0.000001' }
    assert.deepEqual(config.prices['sim/x'], exact)
  })

  test('may name things like the parts of a JavaScript object', () => {
    const config = load(
      'providers: { sim: {}, constructor: { base_url: http://a/v1 } }\nmodels: { __proto__: { targets: [sim/x] } }',
    )
    assert.deepEqual(Object.keys(config.models), ['__proto__'])
    assert.equal(Object.getPrototypeOf(config.models), Object.prototype)
    assert.deepEqual(Object.keys(config.providers), ['sim', 'constructor'])
    assert.equal(Reflect.get({}, 'targets'), undefined)
  })
})

suite('references to the environment', () => {
  test('stand anywhere in a value, with defaults and without', () => {
    const env = { PORT: '81', N: '7', KEY: '12345678' }
    const text =
      'listen: ${HOST:-[::1]}:${PORT}\nproviders: { sim: { connections: "${N}", headers: { x-a: "$${N} $5 $$" } } }\nkeys: [{ name: a, key: ${KEY}, models: [${M:-a, b}] }]'
    const config = load(text, env)
    assert.equal(config.listen, '[::1]:81')
    assert.equal(config.providers.sim?.connections, 7)
    assert.deepEqual(config.providers.sim?.headers, { 'x-a': '${N} $5 $' })
    assert.equal(config.keys[0]?.key, '12345678', 'digits are text where text is wanted')
    assert.deepEqual(config.keys[0]?.models, ['a, b'])
  })

  test('bring a value exactly as it is, whatever characters it has', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), value => {
        assert.equal(load('{ data: ${VALUE}, log_level: warn }', { VALUE: value }).data, value)
      }),
      { numRuns: 50 },
    )
  })

  test('name what is not set, and where', () => {
    const [problem, ...others] = problemsOf('providers:\n  sim:\n  openai: { api_key: ${OPENAI_API_KEY} }', {
      X: 'y',
    })
    assert.deepEqual(others, [])
    assert.equal(problem?.message, 'The environment variable `OPENAI_API_KEY` is not set.')
    assert.deepEqual([problem?.line, problem?.column, problem?.path], [3, 22, 'providers.openai.api_key'])
  })

  test('leave out a setting when they may be empty, but never a list', () => {
    assert.equal('admin_key' in load('data: a\nadmin_key: ${A:-}'), false)
    const [problem] = problemsOf('keys: [{ name: a, key: abcdefgh, models: ${A:-} }]')
    assert.equal(problem?.path, 'keys[0].models')
    assert.match(problem?.message ?? '', /a list, not text/)
  })

  test('are refused when they are begun and not ended, and are not read in names', () => {
    assert.match(problemsOf('data: "${A:b}"')[0]?.message ?? '', /A reference is written/)
    assert.equal(problemsOf('${A}: 1', { A: 'data' })[0]?.path, '${A}')
  })
})

/** One mistake in a file: where it is found, and what is said of it. */
const mistakes: readonly { name: string; text: string; at: [number, number]; path: string; says: RegExp }[] =
  [
    {
      name: 'an unknown section',
      text: 'modles: {}',
      at: [1, 1],
      path: 'modles',
      says: /no such setting. Did you mean `models`/,
    },
    {
      name: 'an unknown setting, deep inside',
      text: 'providers:\n  sim:\n    timeouts: { first_tokn: 1s }',
      at: [3, 17],
      path: 'providers.sim.timeouts.first_tokn',
      says: /Did you mean `first_token`/,
    },
    {
      name: 'an unknown setting near to none',
      text: 'providers: { sim: { colour: red } }',
      at: [1, 21],
      path: 'providers.sim.colour',
      says: /Known here: vendor, dialect/,
    },
    {
      name: 'text for a number',
      text: 'providers: { sim: { connections: lots } }',
      at: [1, 34],
      path: 'providers.sim.connections',
      says: /a whole number, not text/,
    },
    {
      name: 'a number for text',
      text: 'data: 42',
      at: [1, 7],
      path: 'data',
      says: /text, not a number. Put it in quotes/,
    },
    {
      name: 'a list for a map',
      text: 'providers: [sim]',
      at: [1, 1],
      path: 'providers',
      says: /a map, not a list/,
    },
    {
      name: 'a duration without a unit',
      text: 'requests: { drain: 30 }',
      at: [1, 20],
      path: 'requests.drain',
      says: /a duration such as 200ms/,
    },
    {
      name: 'a duration past its bound',
      text: 'providers: { sim: { timeouts: { total: 30d } } }',
      at: [1, 40],
      path: 'providers.sim.timeouts.total',
      says: /at most 24h/,
    },
    {
      name: 'a size that is none',
      text: 'requests: { max_body: big }',
      at: [1, 23],
      path: 'requests.max_body',
      says: /a size such as 512kb/,
    },
    {
      name: 'a word that is not of the choice',
      text: 'log_level: wran',
      at: [1, 12],
      path: 'log_level',
      says: /one of debug, info.*Did you mean `warn`/,
    },
    {
      name: 'an address without a port',
      text: 'listen: localhost',
      at: [1, 9],
      path: 'listen',
      says: /a host and a port/,
    },
    {
      name: 'a port that no machine has',
      text: 'listen: localhost:65536',
      at: [1, 9],
      path: 'listen',
      says: /a host and a port/,
    },
    {
      name: 'a provider named in capitals',
      text: 'providers: { OpenAI: { base_url: http://a } }',
      at: [1, 14],
      path: 'providers.OpenAI',
      says: /small letters/,
    },
    {
      name: 'a provider that is no vendor',
      text: 'providers:\n  opnai: { api_key: x }',
      at: [2, 3],
      path: 'providers.opnai',
      says: /needs a `base_url`.*|Did you mean `openai`/,
    },
    {
      name: 'a vendor without its key',
      text: 'providers:\n  groq:',
      at: [2, 3],
      path: 'providers.groq',
      says: /`api_key` is missing.*\$\{GROQ_API_KEY\}/,
    },
    {
      name: 'a vendor without the half of what it needs',
      text: 'providers:\n  bedrock: { access_key_id: AKID, region: us-east-1 }',
      at: [2, 3],
      path: 'providers.bedrock',
      says: /`secret_access_key` is missing.*\$\{AWS_SECRET_ACCESS_KEY\}/,
    },
    {
      name: 'a setting of another vendor',
      text: 'providers: { openai: { api_key: k, project: shop } }',
      at: [1, 45],
      path: 'providers.openai.project',
      says: /means nothing here.*Only for `vertex`/,
    },
    {
      name: 'a setting of a vendor, for a house',
      text: 'providers: { house: { base_url: http://a, region: us-east-1 } }',
      at: [1, 51],
      path: 'providers.house.region',
      says: /means nothing here/,
    },
    {
      name: 'a dialect for a vendor, which has its own',
      text: 'providers: { groq: { api_key: k, dialect: anthropic } }',
      at: [1, 43],
      path: 'providers.groq.dialect',
      says: /`groq` speaks its own/,
    },
    {
      name: 'a dialect that is none',
      text: 'providers: { house: { base_url: http://a, dialect: antropic } }',
      at: [1, 52],
      path: 'providers.house.dialect',
      says: /Did you mean `anthropic`/,
    },
    {
      name: 'credentials that are no JSON',
      text: `providers: { vertex: { project: shop, credentials: '{"type": }' } }`,
      at: [1, 52],
      path: 'providers.vertex.credentials',
      says: /not valid JSON/,
    },
    {
      name: 'a region that would be another host',
      text: 'providers: { bedrock: { api_key: k, region: "x/@evil" } }',
      at: [1, 45],
      path: 'providers.bedrock.region',
      says: /letters, digits/,
    },
    {
      name: 'a URL with a password',
      text: 'providers: { a: { base_url: http://me:pw@host/v1 } }',
      at: [1, 29],
      path: 'providers.a.base_url',
      says: /without credentials/,
    },
    {
      name: 'a URL of another scheme',
      text: 'providers: { a: { base_url: ftp://host/v1 } }',
      at: [1, 29],
      path: 'providers.a.base_url',
      says: /http or https/,
    },
    {
      name: 'a header of ours',
      text: 'providers: { sim: { headers: { Host: x } } }',
      at: [1, 38],
      path: 'providers.sim.headers.Host',
      says: /sets this header itself/,
    },
    {
      name: 'a target without a provider',
      text: 'providers: { sim: }\nmodels:\n  a:\n    targets:\n      - gpt-5',
      at: [5, 9],
      path: 'models.a.targets[0]',
      says: /`provider\/model`/,
    },
    {
      name: 'a target of a provider that is not there',
      text: 'providers: { sim: }\nmodels: { a: { targets: [sim/x, smi/x] } }',
      at: [2, 33],
      path: 'models.a.targets[1]',
      says: /no provider `smi`. Did you mean `sim`/,
    },
    {
      name: 'targets and balance at once',
      text: 'providers: { sim: }\nmodels:\n  a: { targets: [sim/x], balance: [{ use: sim/x }] }',
      at: [3, 3],
      path: 'models.a',
      says: /either `targets` or `balance`/,
    },
    {
      name: 'a model that goes nowhere',
      text: 'models: { a: {} }',
      at: [1, 11],
      path: 'models.a',
      says: /either `targets` or `balance`/,
    },
    {
      name: 'an empty list of targets',
      text: 'models: { a: { targets: [] } }',
      at: [1, 16],
      path: 'models.a.targets',
      says: /list is empty/,
    },
    {
      name: 'a wildcard that nothing fills',
      text: 'providers: { sim: }\nmodels: { a: { targets: ["sim/*"] } }',
      at: [2, 26],
      path: 'models.a.targets[0]',
      says: /ends in `\*`/,
    },
    {
      name: 'a key without a value',
      text: 'keys:\n  - name: a',
      at: [2, 5],
      path: 'keys[0].key',
      says: /missing/,
    },
    {
      name: 'a day that does not exist',
      text: 'keys: [{ name: a, key: abcdefgh, expires_at: soon }]',
      at: [1, 46],
      path: 'keys[0].expires_at',
      says: /a day such as/,
    },
    {
      name: 'an organization that is no slug',
      text: 'keys: [{ name: a, key: abcdefgh, organization: A B }]',
      at: [1, 48],
      path: 'keys[0].organization',
      says: /small letters/,
    },
    {
      name: 'two keys of one name',
      text: 'keys:\n  - { name: a, key: abcdefg1 }\n  - { name: a, key: abcdefg2 }',
      at: [3, 13],
      path: 'keys[1].name',
      says: /named `a` already/,
    },
    {
      name: 'two keys of one value',
      text: 'keys:\n  - { name: a, key: abcdefgh }\n  - { name: b, key: abcdefgh }',
      at: [3, 21],
      path: 'keys[1].key',
      says: /same value as key `a`/,
    },
    {
      name: 'a negative price',
      text: 'providers: { sim: }\nprices: { sim/x: { input: -1 } }',
      at: [2, 27],
      path: 'prices.sim/x.input',
      says: /an amount in US dollars/,
    },
    {
      name: 'a price of too many decimals',
      text: 'providers: { sim: }\nprices: { sim/x: { input: 0.1234567 } }',
      at: [2, 27],
      path: 'prices.sim/x.input',
      says: /at most 6 decimals/,
    },
    {
      name: 'a price for no provider',
      text: 'providers: { sim: }\nprices: { smi/x: { input: 1 } }',
      at: [2, 11],
      path: 'prices.smi/x',
      says: /no provider `smi`. Did you mean `sim`/,
    },
    {
      name: 'a price named like a part of every object',
      text: 'prices: { toString/x: { input: 1 } }',
      at: [1, 11],
      path: 'prices.toString/x',
      says: /no provider/,
    },
    {
      name: 'caches, which are for later',
      text: 'cache: []',
      at: [1, 1],
      path: 'cache',
      says: /not in this version yet/,
    },
    {
      name: 'a Valkey by an address that is none of one',
      text: 'valkey: http://localhost:6379',
      at: [1, 9],
      path: 'valkey',
      says: /valkey:\/\/user:password@host:6379/,
    },
    {
      name: 'a Valkey at a port that there is not',
      text: 'valkey: valkey://localhost:99999',
      at: [1, 9],
      path: 'valkey',
      says: /no URL/,
    },
    {
      name: 'a Valkey without a Postgres',
      text: 'valkey: valkey://localhost',
      at: [1, 9],
      path: 'valkey',
      says: /need one Postgres as well/,
    },
    {
      name: 'a limit of a provider that lets nothing through',
      text: 'providers: { sim: { limits: { requests_per_minute: 0 } } }',
      at: [1, 52],
      path: 'providers.sim.limits.requests_per_minute',
      says: /number such as 600, 200k or 2m, at least 1/,
    },
    {
      name: 'limits of models by a pattern that is none',
      text: "providers: { sim: { limits: { models: { 'a*b': { concurrency: 1 } } } } }",
      at: [1, 41],
      path: 'providers.sim.limits.models.a*b',
      says: /beginning and a `\*`/,
    },
    {
      name: 'a colon without a space',
      text: 'providers: { sim: { api_key:abc } }',
      at: [1, 21],
      path: 'providers.sim.api_key',
      says: /space is missing/,
    },
    {
      name: 'a reference for a name',
      text: 'providers: { sim: }\nmodels: { ${A}: { targets: [sim/x] } }',
      at: [2, 11],
      path: 'models.${A}',
      says: /not read in names/,
    },
    {
      name: 'a name that is a list',
      text: 'models:\n  ? [a]\n  : {}',
      at: [2, 5],
      path: 'models',
      says: /not plain text/,
    },
    {
      name: 'a price that no price book could keep',
      text: 'providers: { sim: }\nprices: { sim/a*b: { input: 1 } }',
      at: [2, 11],
      path: 'prices.sim/a*b',
      says: /a beginning and `\*`/,
    },
    {
      name: 'a line break in a key',
      text: 'admin_key: "abcdefgh-abcdefgh\\n"',
      at: [1, 12],
      path: 'admin_key',
      says: /no line breaks/,
    },
    {
      name: 'a number that is none',
      text: 'providers: { sim: { connections: .nan } }',
      at: [1, 34],
      path: 'providers.sim.connections',
      says: /a whole number/,
    },
    {
      name: 'a log that keeps nothing',
      text: 'calls: { retention: 0s }',
      at: [1, 21],
      path: 'calls.retention',
      says: /at least 1h/,
    },
    {
      name: 'a bracket left open',
      text: 'models: { a: { targets: [sim/x }',
      at: [1, 32],
      path: '',
      says: /./,
    },
    {
      name: 'a star without quotes',
      text: 'providers: { sim: }\nmodels:\n  *: { targets: [sim/x] }',
      at: [3, 3],
      path: '',
      says: /needs quotes/,
    },
    {
      name: 'a merge key',
      text: 'providers:\n  sim: &s {}\n  b:\n    <<: *s\n    vendor: sim',
      at: [4, 5],
      path: 'providers.b.<<',
      says: /Merge keys/,
    },
    { name: 'a tag', text: 'data: !env HOME', at: [1, 7], path: '', says: /Tags/ },
    { name: 'two documents', text: 'data: a\n---\ndata: b', at: [2, 1], path: '', says: /one document/ },
    { name: 'an alias of nothing', text: 'data: *home', at: [1, 7], path: 'data', says: /no anchor/ },
    {
      name: 'an alias of itself',
      text: 'models: &m\n  a: *m',
      at: [2, 6],
      path: 'models.a',
      says: /inside of what it names/,
    },
    {
      name: 'aliases that multiply',
      text: `keys:\n  - &a [${'x,'.repeat(99)}]\n  - &b [${'*a,'.repeat(99)}]\n  - [${'*b,'.repeat(99)}]`,
      at: [1, 1],
      path: '',
      says: /aliases/,
    },
    {
      name: 'brackets without end',
      text: `data: ${'['.repeat(100_000)}`,
      at: [1, 107],
      path: '',
      says: /nested/,
    },
    { name: 'dashes without end', text: `${'- '.repeat(100_000)}`, at: [1, 1], path: '', says: /nested/ },
  ]

suite('a mistake', () => {
  for (const { name, text, at, path, says } of mistakes) {
    test(`is answered with its place and what was expected: ${name}`, () => {
      const problems = problemsOf(text)
      const problem = problems.find(one => one.path === path)
      const shown = JSON.stringify(problems)
      assert.ok(problem, shown)
      assert.deepEqual([problem.file, problem.line, problem.column], ['sluice.yaml', ...at], shown)
      assert.match(`${problem.message} ${problem.hint ?? ''}`, says)
      assert.equal(problems.length, 1, shown)
    })
  }

  test('does not hide the others: all are told at once, by line', () => {
    const text = `lissen: x
log_level: loud
providers:
  sim: { conections: 3, max_answer: \${SIZE} }
models:
  smart: { target: [sim/x] }
keys:
  - { nam: a, key: short }
cache: []
data: a
data: b`
    assert.deepEqual(
      problemsOf(text).map(({ line, path }) => `${line} ${path}`),
      [
        '1 lissen',
        '2 log_level',
        '4 providers.sim.conections',
        '4 providers.sim.max_answer',
        '6 models.smart.target',
        '8 keys[0].nam',
        '8 keys[0].key',
        '9 cache',
        '11 data',
      ],
    )
  })

  test('is shown to a person with its line, and never with a secret', () => {
    const secret = 'hunter2-hunter2'
    const texts = [
      `providers:\n  openai: ${secret}`,
      `providers: { openai: { api_key:${secret} } }`,
      `providers: { openai: { apikye: ${secret} } }`,
      `providers: { openai: { credential: ${secret} } }`,
      `providers: { sim: { timeouts: { first_token: 10s, idel: 1s }, api_key: ${secret} } }`,
      `keys:\n  - ${secret}`,
      `providers:\n  openai:\n    api_key: [${secret}]`,
      `providers:\n  openai:\n    api_key:\n      - ${secret}`,
      `providers:\n  openai:\n    headers:\n      x-auth: [${secret}]`,
      `providers: { a: { base_url: "ftp://me:${secret}@host" } }`,
      `keys:\n  - { name: a, key: ${secret}, nam: x }`,
      `keys:\n  - key: ${secret}\n    name: [${'x'}]`,
      `database: mysql://${secret}@host/db`,
      `admin_key: ${secret}: b`,
      `admin_key: "${secret}`,
      `admin_key:\n  ${secret}\n   : b`,
      'listen: ${A}\ndatabase: ${A}\nlog_level: ${A}\ndata: [${A}]',
    ]
    for (const text of texts) {
      const shown = renderProblems(problemsOf(text, { A: secret }), text)
      assert.ok(!shown.includes(secret), shown)
      assert.match(shown, /^ +\d+ \| /m)
    }
    const text = 'providers:\n  sim: { timeouts: { first_token: 1 } }'
    assert.match(
      renderProblems(problemsOf(text), text),
      /sluice\.yaml:2:35 {2}providers\.sim\.timeouts\.first_token: /,
    )
  })
})

test('an alias is a copy: what it names is read where it stands, with its place', () => {
  const text =
    'providers:\n  sim: &p { timeouts: { total: 5s } }\n  b: *p\nmodels:\n  x: &m { targets: [sim/a], timeouts: { idle: 2s } }\n  y: *m'
  const withUrl = text.replace('timeouts: { total', 'base_url: http://a/v1, timeouts: { total')
  const { providers, models } = load(withUrl)
  assert.equal(providers.b?.timeouts.total, 5_000)
  assert.deepEqual(models.y, models.x)
  const [problem] = problemsOf(withUrl.replace('2s', '2x'))
  assert.deepEqual([problem?.line, problem?.path], [5, 'models.x.timeouts.idle'])
})

test('a file of twenty thousand mistakes is answered at once, with the first hundred', () => {
  const text = Array.from({ length: 20_000 }, (_, n) => `unknown${n}: { a: 1 }`).join('\n')
  assert.equal(problemsOf(text).length, 100)
})

suite('without a file', () => {
  test('the simulator answers every model when there is no provider key', () => {
    const config = configFromEnvironment({}, { ollama: false })
    assert.deepEqual(Object.keys(config.providers), ['sim'])
    assert.deepEqual(config.models['*'], { targets: ['sim/*'] })
  })

  test('keys in the environment and a local Ollama become providers, the first one for every model', () => {
    const env = { GOOGLE_API_KEY: 'g', GROQ_API_KEY: 'q', OPENAI_API_KEY: '' }
    const config = configFromEnvironment(env, { ollama: true })
    assert.deepEqual(Object.keys(config.providers), ['gemini', 'groq', 'ollama', 'sim'])
    assert.equal(config.providers.gemini?.api_key, 'g')
    assert.deepEqual(config.models['*'], { targets: ['gemini/*'] })
  })

  test('a key that no header can carry is refused by the name of its variable, never by its value', () => {
    const refuse = (): unknown => configFromEnvironment({ GROQ_API_KEY: 'secret\nvalue' }, { ollama: false })
    assert.throws(
      refuse,
      (error: Error) => /GROQ_API_KEY/.test(error.message) && !/value/.test(error.message),
    )
    const padded = configFromEnvironment({ GROQ_API_KEY: 'secret\n' }, { ollama: false })
    assert.equal(padded.providers.groq?.api_key, 'secret')
  })

  test('a vendor of several settings comes with all of them, after those of one', () => {
    const env = {
      AWS_ACCESS_KEY_ID: 'a',
      AWS_SECRET_ACCESS_KEY: 's',
      AWS_REGION: 'us-east-1',
      XAI_API_KEY: 'x',
    }
    const { providers } = configFromEnvironment(env, { ollama: false })
    assert.deepEqual(Object.keys(providers), ['xai', 'bedrock', 'sim'])
    const { access_key_id: id, secret_access_key: secret, region } = providers.bedrock ?? {}
    assert.deepEqual([id, secret, region], ['a', 's', 'us-east-1'])
    const wrong = { AZURE_OPENAI_API_KEY: 'k', AZURE_OPENAI_ENDPOINT: 'https://a/b/c' }
    assert.throws(() => configFromEnvironment(wrong, { ollama: false }), /AZURE_OPENAI_ENDPOINT.*`resource`/)
  })

  test('a DATABASE_URL of something else is left alone', () => {
    const of = (url: string): unknown =>
      configFromEnvironment({ DATABASE_URL: url }, { ollama: false }).database
    assert.equal(of('mysql://a/b'), undefined)
    assert.equal(of('postgresql://a/b'), 'postgresql://a/b')
  })
})

test('the schema for editors accepts what we accept, with its references and spellings, and nothing else', () => {
  const ajv = new Ajv({ strict: false })
  const accepts = ajv.compile(editorSchema(configSchema, 'Sluice'))
  assert.ok(accepts(parse(sample.replaceAll(/\$\{\w+(:-)?\}/g, '"$&"'))), JSON.stringify(accepts.errors))
  assert.ok(
    accepts(parse('providers: { sim: }\nrequests: { drain: "${DRAIN}" }\nkeys:')),
    JSON.stringify(accepts.errors),
  )
  const budgets = `budgets: [{ per: user, limit: $1 }, { per: [project, feature], tokens: 2M, match: { tag: [a, b] },
    soft: { at: 80%, then: { use: fast } }, when_store_is_away: { open: 10k } }, { limit: 5, soft: [{ then: confirm }] }]
rate_limits: [{ per: key, requests: 20, tokens: 100k, every: second }, { concurrent: 3, every: 10s }]`
  assert.ok(accepts(parse(budgets)), JSON.stringify(accepts.errors))
  for (const text of [
    'modles: {}',
    'requests: { drain: 30 }',
    'cache: []',
    'budgets: [{ per: team, limit: $1 }]',
    'budgets: [{ limit: "-1" }]',
    'rate_limits: [{ requests: 5, every: fortnight }]',
    'keys: [{ name: a }]',
    'log_level: loud',
  ])
    assert.ok(!accepts(parse(text)), text)
})

suite('a watched file', () => {
  test('is read again after an edit, a rename and the swap of a link, and not when nothing changed', t => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-config-'))
    t.after(() => rmSync(folder, { recursive: true }))
    const clock = handTurned()
    const seen: string[] = []
    mkdirSync(join(folder, 'one'))
    mkdirSync(join(folder, 'two'))
    writeFileSync(join(folder, 'one/sluice.yaml'), 'one')
    writeFileSync(join(folder, 'two/sluice.yaml'), 'two')
    symlinkSync('one', join(folder, '..data'))
    symlinkSync('..data/sluice.yaml', join(folder, 'sluice.yaml'))
    t.after(watchFile(join(folder, 'sluice.yaml'), clock, text => seen.push(text)))
    clock.turn()
    symlinkSync('two', join(folder, '..new'))
    renameSync(join(folder, '..new'), join(folder, '..data'))
    clock.turn()
    writeFileSync(join(folder, 'two/sluice.yaml'), 'three')
    clock.turn()
    rmSync(join(folder, 'sluice.yaml'))
    clock.turn()
    writeFileSync(join(folder, 'fresh'), 'four')
    renameSync(join(folder, 'fresh'), join(folder, 'sluice.yaml'))
    clock.turn()
    assert.deepEqual(seen, ['two', 'three', 'four'])
  })
})

/** A clock whose timers all go off when it is turned. */
function handTurned(): Clock & { turn(): void } {
  const timers = new Set<() => void>()
  return {
    now: () => 0,
    monotonic: () => 0,
    after(_ms, work) {
      timers.add(work)
      return () => timers.delete(work)
    },
    turn() {
      for (const work of [...timers]) {
        timers.delete(work)
        work()
      }
    },
  }
}
