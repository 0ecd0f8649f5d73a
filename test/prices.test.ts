import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { before, describe, test } from 'node:test'
import { atEnd, temporaryFolder } from './support/cleanup.ts'
import { fillDataFolder } from './support/data-template.ts'
import { runSluice } from './support/sluice.ts'

const shipped = readFileSync(new URL('../src/metering/published.jsonl', import.meta.url), 'latin1')
const released = JSON.parse(shipped.split('\n')[0] ?? '').released

/** The prices that come with Sluice, of another day, with gpt-5-mini at another price. */
function newer(day: string, price = '0.2'): string {
  const [, ...lines] = shipped.split('\n')
  const origin = { package: 'house-prices', version: '9', released: day, licence: 'MIT' }
  const changed = lines.map(line =>
    line.startsWith('{"model":"gpt-5-mini",') ? line.replace('"input":"0.25"', `"input":"${price}"`) : line,
  )
  return [JSON.stringify(origin), ...changed].join('\n')
}

const noSluice = 'http://127.0.0.1:9'
let folder: string
let config: string
let port: number

async function prices(...args: string[]) {
  return await runSluice([
    'prices',
    ...args,
    '--config',
    config,
    '--data',
    join(folder, 'data'),
    '--url',
    noSluice,
  ])
}

async function fileOf(text: string): Promise<string> {
  const file = join(folder, `${Math.abs(hash(text))}.jsonl`)
  await writeFile(file, text)
  return file
}

function hash(text: string): number {
  let sum = 0
  for (const character of text) sum = (sum * 31 + (character.codePointAt(0) ?? 0)) | 0
  return sum
}

describe('sluice prices', () => {
  before(async () => {
    folder = await temporaryFolder()
    const server = createServer((_request, response) => response.end(newer('2099-02-02', '0.3')))
    await new Promise<void>(listening => server.listen(0, '127.0.0.1', listening))
    atEnd(async () => {
      server.close()
    })
    const address = server.address()
    assert(typeof address === 'object' && address)
    port = address.port
    config = join(folder, 'sluice.yaml')
    await writeFile(
      config,
      `providers:
  openai: { api_key: sk-1 }
  house: { base_url: http://127.0.0.1:9/v1 }
models:
  fast: { targets: [openai/gpt-5-mini, house/llama] }
  any-*: { targets: [openai/*] }
egress: { allow_hosts: [127.0.0.1:${port}] }
`,
    )
  })

  test('check names targets without a price, and prices that are too old', async () => {
    const { code, stdout } = await prices('check', '--older-than', '0')
    assert.equal(code, 1)
    assert.match(stdout, /^house\/llama has no price: calls to it are unpriced\.$/m)
    assert.doesNotMatch(stdout, /openai\/gpt-5-mini has no price|openai\/\*/)
    assert.match(stdout, new RegExp(`The published prices are of ${released} .*, \\d+ days old: too old\\.`))
    assert.match(stdout, /no Sluice answers at http:\/\/127\.0\.0\.1:9 with an admin key/)
  })

  test('diff says what would change, of the configured vendors', async () => {
    const { code, stdout } = await prices('diff', await fileOf(newer('2099-01-01')))
    assert.equal(code, 0)
    assert.match(stdout, new RegExp(`Prices of ${released} → 2099-01-01 \\(house-prices 9\\)`))
    assert.match(stdout, /^~ openai\/gpt-5-mini: input 0\.25 → 0\.2$/m)
    assert.match(stdout, /1 models change, of the configured vendors \(openai\)/)
  })

  test('update keeps newer prices, which are then in use, and goes back without a source', async () => {
    const kept = await prices('update', await fileOf(newer('2099-01-01')))
    assert.equal(kept.code, 0, kept.stderr)
    assert.match(kept.stdout, /Kept as .*data\/prices\.jsonl\. They hold from the next start on\./)
    assert.match((await prices('check')).stdout, /The published prices are of 2099-01-01/)

    const older = await prices('update', await fileOf(newer('2098-01-01')))
    assert.equal(older.code, 1)
    assert.match(older.stderr, /of 2098-01-01, and those in use of 2099-01-01: nothing was changed/)

    assert.match((await prices('update')).stdout, new RegExp(`those of this version again, of ${released}`))
    assert.match((await prices('update')).stdout, /those of this version already/)
  })

  test('update fetches an address', async () => {
    const { code, stdout, stderr } = await prices('update', `http://127.0.0.1:${port}/prices.jsonl`)
    assert.equal(code, 0, stderr)
    assert.match(stdout, /^~ openai\/gpt-5-mini: input 0\.25 → 0\.3$/m)
    await prices('update')
  })

  test('update refuses what is no file of prices, and says where', async () => {
    const { code, stderr } = await prices('update', await fileOf(newer('2099-01-01', '-1')))
    assert.equal(code, 1)
    assert.match(stderr, /is no file of prices: line \d+: "-1" is not a price/)
    assert.doesNotMatch(stderr, /^\s+at /m)
  })

  test('serve does not start with prices that cannot be used, and says what to do', async () => {
    const data = await temporaryFolder()
    await fillDataFolder(data)
    await writeFile(join(data, 'prices.jsonl'), 'nothing')
    const { code, stderr } = await runSluice(['serve', '--port', '0', '--data', data])
    assert.equal(code, 1)
    assert.match(stderr, /prices\.jsonl cannot be used: line 1: .*sluice prices update/)
  })

  test('says what it can do', async () => {
    const { code, stderr } = await prices('sell')
    assert.equal(code, 1)
    assert.match(stderr, /sluice prices update\|diff \[FILE\|URL\], or sluice prices check/)
  })
})
