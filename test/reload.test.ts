import assert from 'node:assert/strict'
import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { before, suite, test } from 'node:test'
import { callOnRecord } from './support/call-log.ts'
import { temporaryFolder } from './support/cleanup.ts'
import { eventually } from './support/eventually.ts'
import { type Sluice, startSluice } from './support/sluice.ts'

const key = 'sk-reload-0123456789'

interface ConfigParts {
  models?: string
  prices?: string
  keys?: string
  more?: string
}

const smart = 'smart: { targets: [sim/sim-1] }'

function configOf(parts: ConfigParts = {}): string {
  return [
    'providers: { sim: {} }',
    `models: { ${parts.models ?? smart} }`,
    `prices: { ${parts.prices ?? ''} }`,
    `keys: [${parts.keys ?? `{ name: web, key: ${key} }`}]`,
    parts.more ?? '',
  ].join('\n')
}

/** One program goes through all of these, since a start is most of what one takes. */
let sluice: Sluice
/** So much of its log is of earlier tests. */
let saidBefore = 0

before(async () => {
  sluice = await startSluice({ config: configOf() })
})

/** What is said from now on is looked at. */
function listen(): void {
  saidBefore = sluice.stderr().length
}

/** Writes the file and waits until it is in force, as is said once. */
async function change(parts: ConfigParts): Promise<void> {
  listen()
  await writeFile(sluice.configFile, configOf(parts))
  await untilSaid(/was reloaded/)
}

/** Back to the configuration of the start, but for a name that nobody asks for. */
async function begin({ models = smart, ...parts }: ConfigParts = {}): Promise<void> {
  await change({ ...parts, models: `${models}, at-${sluice.stderr().length}: { targets: [sim/sim-1] }` })
}

async function ask(model: string, { to = sluice, ...more }: { to?: Sluice; stream?: true } = {}) {
  return await fetch(`${to.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello!' }], ...more }),
  })
}

async function statusOf(model: string, to?: Sluice): Promise<number> {
  const answer = await ask(model, to && { to })
  await answer.arrayBuffer()
  return answer.status
}

async function untilSaid(pattern: RegExp): Promise<string> {
  return await eventually(`it says ${pattern}`, () =>
    sluice
      .stderr()
      .slice(saidBefore)
      .split('\n')
      .find(line => pattern.test(line)),
  )
}

const other = 'other: { targets: [sim/sim-1] }'

suite('a change of the configuration file', () => {
  test('is in force within seconds: names, prices and keys', async () => {
    await begin()
    assert.equal(await statusOf('other'), 404)
    await change({ models: other, prices: 'sim/sim-1: { input: 1, output: 0 }' })
    assert.equal(await statusOf('other'), 200)
    assert.equal(await statusOf('smart'), 404, 'a name that was taken out is gone')

    const answer = await ask('other')
    const { usage } = (await answer.json()) as { usage: { prompt_tokens: number } }
    const { cost } = await callOnRecord(sluice, answer.headers.get('x-sluice-call'))
    assert.equal(Number(cost.usd), usage.prompt_tokens / 1e6, 'at the new price')

    await change({ keys: '' })
    assert.equal(await statusOf('smart'), 401, 'the key is refused')
  })

  test('does not touch a call under way, which ends on the old one', async () => {
    const models = '"*": { targets: ["sim/*"] }'
    await begin({ models })
    const slow = await ask('sim-1?pace=20ms&tokens=100', { stream: true })
    const reader = slow.body?.pipeThrough(new TextDecoderStream()).getReader()
    const first = await reader?.read()
    await change({ models: other, keys: `{ name: new, key: ${key}-new }` })
    assert.equal(await statusOf('other'), 401, 'the new one is in force')
    let text = first?.value ?? ''
    for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) text += part.value
    assert.match(text, /data: \[DONE\]\s*$/)
    const { status, usage } = await callOnRecord(sluice, slow.headers.get('x-sluice-call'))
    assert.equal(usage.output_tokens, 100)
    assert.equal(status, 'succeeded')
  })

  test('is refused when it is broken: the old one stays in force, and the log names the line and the path', async () => {
    await begin()
    await writeFile(sluice.configFile, `${configOf({ models: other })}\nlog_level: loud\n`)
    const line = await untilSaid(/is broken; the old one stays in force/)
    const { level, problems } = JSON.parse(line)
    assert.deepEqual([level, problems[0].line, problems[0].path], [50, 6, 'log_level'])
    assert.deepEqual([await statusOf('smart'), await statusOf('other')], [200, 404])
    await change({ models: other })
    assert.equal(await statusOf('other'), 200)
  })

  test('of what only a start can change is named in a warning, and the rest is in force', async () => {
    await begin()
    const more =
      'listen: 127.0.0.1:1\ndata: /nowhere\ndatabase: postgres://nowhere/x\nrequests: { max_body: 1kb }'
    await change({ models: other, more })
    const { level, settings } = JSON.parse(await untilSaid(/need a restart/))
    assert.equal(level, 40)
    assert.deepEqual(settings, ['listen', 'data', 'database', 'requests.max_body'])
    assert.equal(await statusOf('other'), 200)
  })
})

suite('the configuration file is found again', () => {
  test('when another is put in its place, and when it was away for a while', async () => {
    await begin()
    await rm(sluice.configFile)
    process.kill(sluice.pid, 'SIGHUP')
    await untilSaid(/cannot be read: there is no such file\. The old one stays in force/)
    assert.equal(await statusOf('smart'), 200)
    listen()
    const fresh = `${sluice.configFile}.new`
    await writeFile(fresh, configOf({ models: other }))
    await rename(fresh, sluice.configFile)
    await untilSaid(/was reloaded/)
    assert.equal(await statusOf('other'), 200)
  })

  test('behind a link that is made to point elsewhere', async () => {
    const folder = await temporaryFolder()
    for (const [version, models] of Object.entries({ one: undefined, two: other })) {
      await mkdir(join(folder, version))
      await writeFile(join(folder, version, 'sluice.yaml'), configOf(models ? { models } : {}))
    }
    await symlink('one', join(folder, '..data'))
    await symlink('..data/sluice.yaml', join(folder, 'sluice.yaml'))
    const linked = await startSluice({ args: ['--config', join(folder, 'sluice.yaml')] })
    assert.equal(await statusOf('smart', linked), 200)
    await symlink('two', join(folder, '..new'))
    await rename(join(folder, '..new'), join(folder, '..data'))
    await eventually('it is read again', async () => (await statusOf('other', linked)) === 200)
  })

  test('on SIGHUP, when the environment or nothing at all has changed', async () => {
    await begin()
    listen()
    process.kill(sluice.pid, 'SIGHUP')
    await untilSaid(/was reloaded/)
    assert.equal(await statusOf('smart'), 200)
  })
})
